"""What if drivers were different: forecasts under changed drivers, beside those under the given ones."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.driver import Driver
from hierforecast.errors import PanelError, nearest
from hierforecast.hiref.answers.effects import reach, series_errors
from hierforecast.hiref.answers.forecasts import MEAN, keys_of
from hierforecast.hiref.answers.nodes import At, columns_at, joined, sum_at
from hierforecast.hiref.columns.cells import as_numbers, refuse_no_frame
from hierforecast.hiref.fit import Answer, Fit, weigh
from hierforecast.results import CHANGE, FORECAST, LOWER, OUTSIDE, UPPER, WHAT_IF
from hierforecast.schema import SalesPanel

Change = float | Callable[[pd.Series], pd.Series]


def simulate(
    fit: Fit, panel: pd.DataFrame, changes: Mapping[str, Change], *, level: At | None, interval: float | None
) -> pd.DataFrame:
    """See `HiReF.simulate`."""
    settings = fit.design.panel
    changed = change_drivers(panel, changes, settings.drivers)
    before, after = fit.answer(panel, assumed=changes), fit.answer(changed, assumed=changes)
    statistic = settings.statistic if level is None else MEAN
    base, what_if = (fit.forecast(answer, statistic) for answer in (before, after))
    outside = outside_drivers(fit, after, changed, settings)
    columns = {FORECAST: base, WHAT_IF: what_if, CHANGE: what_if - base}
    if interval is not None:
        columns |= _bounds_of_change(fit, before, after, base, what_if, interval)
    rows = after.rows
    table = keys_of(panel, settings).assign(**{name: rows.unsort(values) for name, values in columns.items()})
    names, outside = [driver.name for driver in settings.drivers], rows.unsort(outside)
    if level is None:
        return table.assign(**{OUTSIDE: joined(outside, names)})
    return sum_at(table, level, settings).assign(**{OUTSIDE: joined(_anywhere(table, outside, level, settings), names)})


def join_changes(changes: Mapping[str, Change], named: Mapping[str, Change]) -> dict[str, Change]:
    """Changes given as a mapping and by name. Raises PanelError if they are no mapping, or name a driver in both ways."""
    if not isinstance(changes, Mapping):
        raise PanelError(f"changes must be a mapping of drivers to new values, e.g. {{'price': 2.5}}, got {changes!r}")
    for name in named:
        if name in changes:
            raise PanelError(f"the change of {name!r} is given twice; give it once")
    return {**changes, **named}


def change_drivers(panel: pd.DataFrame, changes: Mapping[str, Change], drivers: list[Driver]) -> pd.DataFrame:
    """The panel with other drivers.

    Raises:
        PanelError: a name is no driver or no column; a new value is empty, or not above 0 where a log is taken.
    """
    known = {driver.name: driver for driver in drivers}
    refuse_no_frame(panel)
    changed = panel.copy(deep=False)
    for name, change in changes.items():
        if name not in known:
            raise PanelError(f"cannot change {name!r}, which is no driver; {nearest(name, known)}")
        if name not in panel.columns:
            raise PanelError(f"no column {name!r} to change; add it to the panel")
        given = pd.Series(as_numbers(panel, name), index=panel.index, name=name)
        changed[name] = _aligned(change(given) if callable(change) else change, panel, name)
        _refuse_impossible(given.to_numpy(), as_numbers(changed, name), known[name])
    return changed


def outside_drivers(fit: Fit, answer: Answer, panel: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """Drivers beyond what training saw or beyond their declared bounds, (rows, drivers) booleans in sorted order."""
    flags = fit.design.outside(answer.X)
    for place, driver in enumerate(settings.drivers):
        if driver.name in panel.columns and (driver.lower is not None or driver.upper is not None):
            values = as_numbers(panel, driver.name)[answer.rows.order]
            low, high = (limit if limit is not None else end * np.inf for limit, end in ((driver.lower, -1), (driver.upper, 1)))
            flags[:, place] |= (values < low) | (values > high)
    return flags


def _aligned(values: Any, panel: pd.DataFrame, name: str) -> Any:
    """New values of a driver: one number, or one per row; a series of pandas must have the rows' own index."""
    if np.ndim(values) and np.shape(values) != (len(panel),):
        raise PanelError(
            f"the change of driver {name!r} gives values of shape {np.shape(values)} for {len(panel)} rows; "
            "give one number, or one per row"
        )
    if isinstance(values, pd.Series) and not values.index.equals(panel.index):
        raise PanelError(
            f"the change of driver {name!r} gives values for other rows than the panel's; keep the index it was given"
        )
    return values


def _refuse_impossible(given: np.ndarray, values: np.ndarray, driver: Driver) -> None:
    lost = ~np.isfinite(values) & np.isfinite(given)
    if lost.any():
        raise PanelError(
            f"the change empties driver {driver.name!r}, or makes it infinite, in {int(lost.sum())} rows; give finite numbers"
        )
    if driver.transform == "log" and (made := (values <= 0) & ~(given <= 0)).any():
        raise PanelError(
            f"driver {driver.name!r} is read through a log and cannot be {values[made][0]:g} ({int(made.sum())} rows); "
            "give values above 0"
        )


def _bounds_of_change(
    fit: Fit, before: Answer, after: Answer, base: np.ndarray, what_if: np.ndarray, interval: float
) -> dict[str, np.ndarray]:
    """Ends of the change, from how uncertain the effects are: (rows,) each, in units."""
    distance = reach(interval)
    moved = after.X - before.X
    errors = series_errors(fit, after.series)
    spread = distance * np.sqrt(weigh(moved**2, errors**2, after.rows.series, range(moved.shape[1])))
    if fit.design.panel.link == "log":
        low, high = what_if * np.exp(-spread), what_if * np.exp(np.minimum(spread, 50.0))
    else:
        spread = spread * np.divide(what_if, after.value, out=np.ones(len(spread)), where=(after.value > 0) & (what_if > 0))
        low, high = np.maximum(what_if - spread, 0.0), what_if + spread
    return {f"{CHANGE}_{LOWER}": low - base, f"{CHANGE}_{UPPER}": high - base}


def _anywhere(table: pd.DataFrame, flags: np.ndarray, level: At, settings: SalesPanel) -> np.ndarray:
    """(rows, names) booleans of rows to those of nodes and periods, in the order of `sum_at`: whether any row has them."""
    by = [*columns_at(level, settings.levels), settings.period]
    node = table.groupby(by, observed=True, sort=True).ngroup().to_numpy()
    found = np.zeros((node.max() + 1, flags.shape[1]), dtype=bool)
    for place in range(flags.shape[1]):
        found[node[flags[:, place]], place] = True
    return found
