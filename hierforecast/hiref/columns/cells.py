"""What the cells of a panel may hold, and the sentences for those that do not.

- Numbers are real: integers, floats, booleans (0 and 1), decimals, and their categories. Text is refused even where it
  spells a number, because "1,5" and "1.5" would not be told apart; so are dates, durations and complex numbers.
- Numbers reach from -1e30 to 1e30: no price or sale is meant beyond, and what is kept in single precision would overflow.
- A node is whatever has a name: its text tells it apart, so 1 and "1" are one node.
- Dates may have a time zone, which is dropped: the local day counts.
"""

import datetime
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest

LARGEST = 1e30


def refuse_no_frame(panel: Any) -> None:
    """Raise a PanelError for anything but a data frame."""
    if not isinstance(panel, pd.DataFrame):
        raise PanelError(f"wanted a pandas DataFrame with one row per series and period, got {type(panel).__name__}")


def read_column(panel: pd.DataFrame, name: str, what: str) -> pd.Series:
    """The one column of that name. Raises PanelError if there is none, or more than one."""
    if name not in panel.columns:
        raise PanelError(f"no {what} {name!r} in the panel; {nearest(name, map(str, panel.columns))}")
    column = panel[name]
    if isinstance(column, pd.DataFrame):
        raise PanelError(f"the panel has {column.shape[1]} columns named {name!r}; keep one of them")
    return column


def as_numbers(panel: pd.DataFrame, name: str) -> np.ndarray:
    """A column as (rows,) float64, NaN where empty. Raises PanelError if it is missing, repeated, or no real numbers."""
    column = read_column(panel, name, "column")
    kind = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    real = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if not real and not (pd.api.types.is_object_dtype(kind) and not _holds_other_than_numbers(column)):
        raise PanelError(f"column {name!r} must be numbers, got {kind}; convert it first, e.g. with pandas.to_numeric")
    return column.to_numpy(dtype=float, na_value=np.nan)


def read_dates(panel: pd.DataFrame, name: str) -> np.ndarray:
    """A column as (rows,) datetime64 without a zone. Raises PanelError if it is missing, repeated, no date or empty."""
    column = read_column(panel, name, "period column")
    if not pd.api.types.is_datetime64_any_dtype(column):
        raise PanelError(f"period column {name!r} must be dates, got {column.dtype}; use pandas.to_datetime")
    if column.isna().any():
        raise PanelError(f"period column {name!r} is empty in {int(column.isna().sum())} rows; every row needs a date")
    return column.dt.tz_localize(None).to_numpy()


def as_nodes(panel: pd.DataFrame, level: str) -> tuple[np.ndarray, Any]:
    """Which node each row belongs to, (rows,) codes, and the (nodes,) values that name them.

    Raises:
        PanelError: the level is missing, repeated, empty in a row, or holds lists and the like.
    """
    column = read_column(panel, level, "column for level")
    try:
        codes, values = pd.factorize(column)
    except TypeError:
        raise PanelError(f"level {level!r} must hold names or numbers, got lists or the like; give each node a name") from None
    if (codes < 0).any():
        raise PanelError(f"level {level!r} is empty in {int((codes < 0).sum())} rows; every row needs a node")
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = np.asarray(values)  # categories, too, may hold 1 and "1"
    if values.dtype == object:
        names, first = np.unique([str(value) for value in values], return_index=True)
        if len(names) < len(values):
            place = np.searchsorted(names, [str(value) for value in values])
            return place[codes], values[first]
    return codes, values


def _holds_other_than_numbers(column: pd.Series) -> bool:
    """Whether a column of objects has a cell that is text, a date, or anything else that is no real number."""
    refused = (str, bytes, complex, datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)
    if any(isinstance(value, refused) for value in column.array):
        return True
    try:
        column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        return True
    return False
