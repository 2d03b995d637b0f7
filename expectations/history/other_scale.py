"""A column whose every value from one period on lies far from every value before: another unit or currency, for good.

In one series, over its values above 0, a change from period t on is

    up    min of the values from t on  >= gap    times the max of those before
    down  max of the values from t on  <= 1/gap  times the min of those before

with at least 8 values before, 2 after and 20 in all, and the column changes its scale at t if half of the series that can be
judged do, by a factor of their medians of at least the square of the gap. Campaigns come and go and grow without a value of
the old kind being far from all of the new; a few weeks of testing with little money are too few values to count.
"""

from typing import ClassVar, NamedTuple

import numpy as np

from expectations.grid import write_date
from expectations.history.plausibility import quantiles
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

BEFORE, AFTER, ALL = 8, 2, 20  # values above 0 of a series, at least
HALF = 0.5  # of the series that can be judged
_FAR = 1e4  # logarithms of neighbouring series are laid this far apart, so that one running maximum serves all


class Change(NamedTuple):
    """Where a column's scale changes.

    Args:
        period: its number on the grid.
        factor: median over the series.
        series: how many change.
        judged: how many could be judged there.
        rows: positions in the frame of the first rows at the new scale.
    """

    period: int
    factor: float
    series: int
    judged: int
    rows: np.ndarray


class ExpectSameScale(PanelExpectation):
    """No column changes its scale for good in most series at once; see the module for the law.

    Args:
        columns: columns of amounts; those with negative values are left out.
        gap: the factor between the nearest values before and after.
    """

    columns: list[str]
    gap: float
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "columns", "gap")

    def find(self, view: PanelView) -> Finding:
        """Columns that change, and the first series that do."""
        found, keys = [], []
        for column in self.columns:
            change = find_change(view, column, self.gap)
            if change is not None:
                where = f" in {change.series:,} of {change.judged:,} series" if change.judged > 1 else ""
                times = f"{change.factor:,.3g} times" if change.factor > 1 else f"1/{1 / change.factor:,.3g} of"
                since = write_date(view.grid.date(change.period))
                found.append(f"{column!r} is {times} what it was from {since} on, no value as before{where}")
                keys += [f"{key} ({column})" for key in view.keys(change.rows)]
        if not found:
            return Finding(f"{several(len(self.columns), 'column')}, each on one scale")
        cure = "Bring all values into one unit; if it is meant, set checks.severity: {scale_change: warn}"
        return Finding(f"{'; '.join(found)}. {cure}", len(found), tuple(keys[:SHOWN_KEYS]))


def find_change(view: PanelView, column: str, gap: float) -> Change | None:
    """The period at which most series of a column change their scale, if there is one."""
    order = view.ordered
    values = view.frame[column].to_numpy(dtype=float)[order.rows]
    if (values < 0).any():
        return None
    rows = np.flatnonzero(values > 0)
    logs, series, periods = np.log(values[rows]), order.series[rows], order.periods[rows]
    judged, signs = _splits(logs, series, np.log(gap))
    if not judged.any():
        return None
    # A series may have changed at any period after its last value on one scale, up to its first on the other.
    place = periods - periods.min()
    up, down = (_covered(np.flatnonzero(signs == sign), place) for sign in (1, -1))
    sign = 1 if up.max() >= down.max() else -1
    met = up if sign > 0 else down
    # Of the periods that all agree on, the last: there the first values on the new scale are.
    at = int(np.flatnonzero(met == met.max())[-1])
    can = len(np.unique(series[judged]))
    if met[at] < max(HALF * can, 1):
        return None
    splits = np.flatnonzero(signs == sign)
    changing = splits[(place[splits - 1] < at) & (at <= place[splits])]
    factor = _factor(logs, series, periods, periods.min() + at, series[changing])
    if factor * sign < 2 * np.log(gap):
        return None
    first = order.rows[rows[changing]]
    return Change(int(periods.min() + at), float(np.exp(factor)), len(changing), can, first)


def _covered(splits: np.ndarray, place: np.ndarray) -> np.ndarray:
    """By period, how many of the splits can lie there: after the value before it, up to its own."""
    steps = np.zeros(int(place.max()) + 2, dtype=int)
    np.add.at(steps, place[splits - 1] + 1, 1)
    np.add.at(steps, place[splits] + 1, -1)
    return np.cumsum(steps)[:-1]


def _splits(logs: np.ndarray, series: np.ndarray, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Before which values (values,) a series can be split, and whether it goes up (1), down (-1) or neither (0) there."""
    count = len(logs)
    if not count:
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=int)
    before = np.arange(count) - np.searchsorted(series, series)  # values of the same series before each
    after = np.searchsorted(series, series, side="right") - np.arange(count)
    judged = (before >= BEFORE) & (after >= AFTER) & (before + after >= ALL)
    rising, falling = logs + _FAR * series, logs - _FAR * series
    highest, lowest = np.maximum.accumulate(rising), np.minimum.accumulate(falling)
    least_to_come = np.minimum.accumulate(rising[::-1])[::-1]
    most_to_come = np.maximum.accumulate(falling[::-1])[::-1]
    up, down = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    up[1:] = least_to_come[1:] - highest[:-1] >= gap
    down[1:] = lowest[:-1] - most_to_come[1:] >= gap
    return judged, np.where(judged, up.astype(int) - down.astype(int), 0)


def _factor(logs: np.ndarray, series: np.ndarray, periods: np.ndarray, period: int, changing: np.ndarray) -> float:
    """Median over the changing series of the distance between their medians after and before, a logarithm."""
    sides = [np.isin(series, changing) & side for side in (periods >= period, periods < period)]
    after, before = (quantiles(logs[side], series[side], int(series.max()) + 1, share=0.5) for side in sides)
    return float(np.nanmedian(after - before))
