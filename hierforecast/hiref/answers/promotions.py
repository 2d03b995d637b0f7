"""What promotions bring: units as planned against the same rows with regular price and no promotion."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hierforecast.driver import Driver
from hierforecast.errors import PanelError, nearest
from hierforecast.hiref.answers.attribution import spread
from hierforecast.hiref.answers.components import lagged_columns
from hierforecast.hiref.answers.forecasts import keys_of, statistic_of
from hierforecast.hiref.answers.nodes import At, sum_at
from hierforecast.hiref.columns.cells import refuse_no_frame
from hierforecast.hiref.fit import Answer, Fit, weigh
from hierforecast.results import AFTER, PROMOTED, REFERENCE, UPLIFT, UPLIFT_SHARE


def promo_uplift(
    fit: Fit, panel: pd.DataFrame, drivers: Sequence[str], *, level: At | None, statistic: str | None
) -> pd.DataFrame:
    """See `HiReF.promo_uplift`."""
    settings = fit.design.panel
    statistic = statistic_of(statistic, settings, level)
    plain = at_reference(fit, panel, drivers)
    before, after = fit.answer(plain, assumed=drivers), fit.answer(panel, assumed=drivers)
    baseline, promoted = fit.forecast(before, statistic), fit.forecast(after, statistic)
    late = _late_part(fit, before, after, baseline, promoted, list(drivers))
    units = {REFERENCE: baseline, PROMOTED: promoted, UPLIFT: promoted - baseline, AFTER: late}
    rows = after.rows
    table = keys_of(panel, settings).assign(**{name: rows.unsort(values) for name, values in units.items()})
    table = table if level is None else sum_at(table, level, settings)
    usual = table[REFERENCE].to_numpy()
    share = np.divide(table[UPLIFT].to_numpy(), usual, out=np.full(len(table), np.nan), where=usual > 0)
    return table.assign(**{UPLIFT_SHARE: share})


def at_reference(fit: Fit, panel: pd.DataFrame, drivers: Sequence[str]) -> pd.DataFrame:
    """The panel with drivers at the values at which they contribute nothing.

    Raises:
        PanelError: a name is no driver, or a driver's reference column is missing.
    """
    refuse_no_frame(panel)
    known = {driver.name: driver for driver in fit.design.panel.drivers}
    if isinstance(drivers, str) or not drivers:
        raise PanelError(f"drivers must be a list of one or more of {', '.join(known) or 'none'}; got {drivers!r}")
    plain = panel.copy(deep=False)
    for name in drivers:
        if not isinstance(name, str) or name not in known:
            raise PanelError(f"no driver {name!r}; {nearest(str(name), known)}")
        plain[name] = _reference_values(fit, panel, known[name])
    return plain


def _reference_values(fit: Fit, panel: pd.DataFrame, driver: Driver) -> float | pd.Series:
    number = fit.design.facts[driver.name].reference
    if number is not None:
        return number
    if driver.reference not in panel.columns:
        raise PanelError(f"no column {driver.reference!r}, the reference of {driver.name!r}; add it to the panel")
    return panel[driver.reference]


def _late_part(
    fit: Fit, before: Answer, after: Answer, baseline: np.ndarray, promoted: np.ndarray, drivers: list[str]
) -> np.ndarray:
    """What of the uplift comes through lags, (rows,) in units: the dip after a promotion, where it is below 0."""
    moved, series = after.X - before.X, after.rows.series
    late = weigh(moved, after.effects.total, series, lagged_columns(fit.design, drivers))
    if fit.design.panel.link != "log":
        # Where a forecast was raised to 0, less came of it than the regression says.
        whole, found = after.value - before.value, promoted - baseline
        return late * np.divide(found, whole, out=np.zeros(len(whole)), where=np.abs(whole) > 1e-12)
    return spread(np.column_stack([late, after.value - before.value - late]), baseline, promoted)[:, 0]
