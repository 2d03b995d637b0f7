"""From one row per series and period to what one picture shows."""

from collections.abc import Sequence

import pandas as pd

from hierforecast.results import ACTUAL, FORECAST, LOWER, PART, PERIOD, UPPER


def sum_periods(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Sum columns over all series of each period.

    Returns:
        One row per period, ascending: period, part (of the first of its rows) and the sums; a period in which a column
        is empty everywhere stays empty.
    """
    groups = frame.groupby(PERIOD, sort=True)
    sums = groups[list(columns)].sum(min_count=1)
    return sums.assign(**{PART: groups[PART].first()}).reset_index()[[PERIOD, PART, *columns]]


def sum_forecast(frame: pd.DataFrame) -> pd.DataFrame:
    """Actual and forecast per period; with lower and upper only for a single series, because bounds do not add up."""
    columns = [ACTUAL, FORECAST, *((LOWER, UPPER) if frame[PERIOD].is_unique else ())]
    return sum_periods(frame, columns)


def components_of(frame: pd.DataFrame, levels: Sequence[str]) -> list[str]:
    """The columns of a contributions table that are components, in the table's order."""
    return [str(name) for name in frame.columns if name not in (*levels, PERIOD, PART)]


def largest_nodes(frame: pd.DataFrame, by: Sequence[str], *, count: int, size: str = FORECAST) -> dict[str, pd.DataFrame]:
    """The rows of the `count` nodes with the largest sum of a column, largest first, by the node's name.

    Args:
        frame: the rows.
        by: the level columns that name a node; several are joined by " / ".
        count: how many nodes.
        size: the column that is summed.
    """
    sums = frame.groupby(list(by), observed=True)[size].sum().nlargest(count)
    groups = frame.groupby(list(by), observed=True)
    keys = [key if isinstance(key, tuple) else (key,) for key in sums.index]
    return {" / ".join(map(str, key)): groups.get_group(key) for key in keys}
