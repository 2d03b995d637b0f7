"""Forecasts in units: of every row with its interval, and sums of them at any node."""

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError
from hierforecast.hiref.answers.nodes import At, joined, sum_at
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


def keys_of(panel: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """Levels and period of the rows of a panel, as given."""
    return panel[[*settings.levels, settings.period]].copy()


def forecast_rows(fit: Fit, panel: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """Levels, period, `forecast`, `lower`, `upper` (units) and `fallback` of every row, in the panel's order."""
    answer = fit.answer(panel)
    forecast = fit.forecast(answer, statistic)
    lower, upper = fit.bounds(answer)
    rows = answer.rows
    columns = {
        FORECAST: forecast,
        # A skewed mean can leave its median's interval; the interval then reaches out to it.
        LOWER: np.minimum(lower, forecast),
        UPPER: np.maximum(upper, forecast),
        FALLBACK: joined(answer.codes < 0, fit.design.panel.levels)[rows.series],
    }
    return keys_of(panel, fit.design.panel).assign(**{name: rows.unsort(values) for name, values in columns.items()})


def forecast_nodes(fit: Fit, panel: pd.DataFrame, level: At) -> pd.DataFrame:
    """Mean forecasts summed per node and period: the node's levels, period and `forecast` (units).

    Sums of rows that all exist in the panel, so that children add up to their parents whatever the levels: they may be
    nested or crossed.
    """
    settings = fit.design.panel
    answer = fit.answer(panel)
    forecast = answer.rows.unsort(fit.forecast(answer, MEAN))
    return sum_at(keys_of(panel, settings).assign(**{FORECAST: forecast}), level, settings)
