"""Sales as a table of periods by series, and what baselines need to read it."""

from importlib import import_module
from types import ModuleType

import numpy as np
import pandas as pd

from hierforecast.errors import BaselineError
from hierforecast.schema import SalesPanel

YEAR = {"day": 364, "week": 52, "month": 12}  # periods; whole weeks, so that weekdays meet
STEP = {"day": "D", "week": "7D", "month": "MS"}
_BETWEEN = "\x1f"  # in no node's name


def dense(train: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """Sales as (periods, series) without a hole in the periods; NaN where a series has no row."""
    names = pd.Series(series_names(train, settings), index=train.index, name="series")
    table = train.pivot_table(index=settings.period, columns=names, values=settings.target.name, aggfunc="sum", observed=True)
    if settings.frequency == "month":
        return table
    return table.reindex(pd.date_range(table.index.min(), table.index.max(), freq=STEP[settings.frequency]))


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
    return ((dates - last).dt.days // (7 if settings.frequency == "week" else 1)).to_numpy()


def extra(module: str) -> ModuleType:
    """A module of the extra `baselines`. Raises BaselineError where it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        cure = "pip install 'hierforecast[baselines]'"
        raise BaselineError(f"{module.split('.')[0]} is not installed ({error}); {cure}") from None
