"""Sales as a table of periods by series, and what baselines need to read it."""

from importlib import import_module
from types import ModuleType

import numpy as np
import pandas as pd

from hierforecast.errors import BaselineError
from hierforecast.schema import SalesPanel

YEAR = {"day": 364, "week": 52, "month": 12}  # periods; whole weeks, so that weekdays meet
_STEP = {"day": "D", "week": "7D", "month": "MS"}
DAYS = {"day": 1, "week": 7}
_BETWEEN = "\x1f"  # in no node's name


def dense(train: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """Sales as (periods, series) without a hole in the periods; NaN where a series has no row.

    A period is named by its first day: months by their first, weeks by the weekday of the first row of all, whatever day
    of the week or month each series is dated at.
    """
    names = pd.Series(series_names(train, settings), index=train.index, name="series")
    dates = train[settings.period]
    if settings.frequency == "month":
        start = dates.dt.to_period("M").dt.to_timestamp()
    else:
        start = dates.min() + pd.to_timedelta(steps_ahead(dates, dates.min(), settings), "D") * DAYS[settings.frequency]
    start = pd.Series(start, index=train.index, name=settings.period)
    table = train.pivot_table(index=start, columns=names, values=settings.target.name, aggfunc="sum", observed=True)
    return table.reindex(pd.date_range(table.index.min(), table.index.max(), freq=_STEP[settings.frequency]))


def series_names(panel: pd.DataFrame, settings: SalesPanel) -> pd.Index:
    """One name per row for its series: its nodes, joined."""
    joined = panel[settings.levels[0]].astype(str)
    for level in settings.levels[1:]:
        joined = joined + _BETWEEN + panel[level].astype(str)
    return pd.Index(joined)


def steps_ahead(dates: pd.Series, last: pd.Timestamp, settings: SalesPanel) -> np.ndarray:
    """Periods from `last` to each date, (rows,)."""
    if settings.frequency == "month":
        return ((dates.dt.year - last.year) * 12 + dates.dt.month - last.month).to_numpy()
    return ((dates - last).dt.days // DAYS[settings.frequency]).to_numpy()


def look_up(values: np.ndarray, period: np.ndarray, series: np.ndarray) -> np.ndarray:
    """(periods, series) values at each row's period and series, (rows,); NaN outside of the periods or where new."""
    usable = (period >= 0) & (period < len(values)) & (series >= 0)
    return np.where(usable, values[np.clip(period, 0, len(values) - 1), np.maximum(series, 0)], np.nan)


def extra(module: str) -> ModuleType:
    """A module of the extra `baselines`. Raises BaselineError where it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        cure = "pip install 'hierforecast[baselines]'"
        raise BaselineError(f"{module.split('.')[0]} is not installed ({error}); {cure}") from None
