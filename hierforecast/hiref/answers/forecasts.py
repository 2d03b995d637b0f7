"""Forecasts in units: of every row with its interval, and sums of them at any node."""

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError
from hierforecast.hiref.answers.nodes import At, columns_at, joined, sum_at
from hierforecast.hiref.fit import Fit
from hierforecast.results import FALLBACK, FORECAST, LOWER, UPPER
from hierforecast.schema import SalesPanel

MEAN, MEDIAN = "mean", "median"


def statistic_of(wanted: str | None, panel: SalesPanel, level: At | None) -> str:
    """The statistic to answer with: the one asked for, else the declared one; for sums the mean, which alone adds up.

    Raises:
        SettingsError: it is neither "mean" nor "median", or sums of medians are asked for.
    """
    statistic = wanted or (panel.statistic if level is None else MEAN)
    if statistic not in (MEAN, MEDIAN):
        raise SettingsError(f"statistic must be 'mean' or 'median', got {statistic!r}")
    if level is not None and statistic == MEDIAN:
        raise SettingsError("the median of a sum is not the sum of medians; ask for statistic='mean', or for rows (level=None)")
    return statistic


def coverage_of(wanted: float | None, *, usual: float) -> float:
    """The nominal coverage of intervals: the one asked for, else the usual one. Raises SettingsError unless a share."""
    if wanted is None:
        return usual
    if not isinstance(wanted, float | int) or not 0 < wanted < 1:
        raise SettingsError(f"interval must be a share between 0 and 1, e.g. 0.9, got {wanted!r}")
    return float(wanted)


def keys_of(panel: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """Levels and period of the rows of a panel, as given."""
    return panel[[*settings.levels, settings.period]].copy()


def forecast_rows(fit: Fit, panel: pd.DataFrame, statistic: str, coverage: float) -> pd.DataFrame:
    """Levels, period, `forecast`, `lower`, `upper` (units) and `fallback` of every row, in the panel's order."""
    answer = fit.answer(panel)
    forecast = fit.forecast(answer, statistic)
    lower, upper = fit.bounds(answer, coverage)
    rows = answer.rows
    columns = {
        FORECAST: forecast,
        # A skewed mean can leave its median's interval; the interval then reaches out to it.
        LOWER: np.minimum(lower, forecast),
        UPPER: np.maximum(upper, forecast),
        FALLBACK: joined(answer.codes < 0, fit.design.panel.levels)[rows.series],
    }
    return keys_of(panel, fit.design.panel).assign(**{name: rows.unsort(values) for name, values in columns.items()})


def forecast_nodes(fit: Fit, panel: pd.DataFrame, level: At, coverage: float) -> pd.DataFrame:
    """Mean forecasts summed per node and period: the node's levels, period, `forecast`, `lower` and `upper` (units).

    Sums of rows that all exist in the panel, so that children add up to their parents whatever the levels: they may be
    nested or crossed. Bounds do not add up; see `intervals.yardstick` for what they rest on.
    """
    settings = fit.design.panel
    answer = fit.answer(panel)
    forecast = fit.forecast(answer, MEAN)
    lower, upper = fit.bounds(answer, coverage)
    own, new = fit.variances(answer)
    parts = {FORECAST: forecast, LOWER: lower, UPPER: upper, _OWN: own, _NEW: new, _AHEAD: fit.horizon(answer), _ROWS: 1}
    rows = keys_of(panel, settings).assign(
        **{name: answer.rows.unsort(np.broadcast_to(values, forecast.shape)) for name, values in parts.items()}
    )
    sums = sum_at(rows, level, settings)
    by = columns_at(level, settings.levels)
    if not _is_series(fit, by, sums):
        below, above = _around(fit, tuple(by), sums, coverage)
        sums[LOWER], sums[UPPER] = np.maximum(sums[FORECAST] + below, 0.0), sums[FORECAST] + above
    sums[LOWER], sums[UPPER] = np.minimum(sums[LOWER], sums[FORECAST]), np.maximum(sums[UPPER], sums[FORECAST])
    return sums[[*by, settings.period, FORECAST, LOWER, UPPER]]


_OWN, _NEW, _AHEAD, _ROWS = "own noise", "not known", "periods ahead", "rows"


def _is_series(fit: Fit, by: list[str], sums: pd.DataFrame) -> bool:
    """Whether a node is one series, in training and among the sums, so that its interval is that of the row."""
    places = [fit.hierarchy.levels.index(level) for level in by]
    series = fit.hierarchy.series
    return bool((sums[_ROWS] == 1).all()) and bool(by) and len(np.unique(series[:, places], axis=0)) == len(series)


def _around(fit: Fit, levels: tuple[str, ...], sums: pd.DataFrame, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    """How far below and above their forecasts sums may lie, units, (nodes and periods,) each."""
    yardstick = fit.yardstick(levels)
    forecast, own, new = (sums[name].to_numpy(float) for name in (FORECAST, _OWN, _NEW))
    variance = yardstick.variance(own, forecast, sums[_AHEAD].to_numpy(float) / sums[_ROWS].to_numpy(float))
    below, above = yardstick.quantiles.ends(np.log(np.maximum(forecast, 1e-9)), coverage)
    scale = np.sqrt(variance + new**2)
    return below * scale, above * scale
