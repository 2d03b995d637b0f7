"""Values in the unit they always had: a column that changes its unit from one period on, and single odd values.

Everything is judged inside series and in logarithms, where another unit or currency is a shift:

    jump[t]  = log x[t] - log x[t - 1]                          of values above 0; days are compared with a week before
    step     : |jump[t]| >= log(limit) in half of the series that report, and the median of the 8 periods from t on lies
               as far from that of the 8 periods before

What the same weeks of another year made of it as well is the season's, and only what goes beyond it counts. Columns that
jump like that all the time (rare sales) are not judged. Of columns that come in flights every flight is a step, so there
the two levels must also lie apart for good: 9 in 10 of all values on the higher side above 9 in 10 of those on the lower.
"""

from typing import ClassVar, NamedTuple

import numpy as np

from expectations.grid import write_date
from expectations.history.profile import YEAR
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

BACK = {"day": 7, "week": 1, "month": 1}  # periods to the value that one is compared with
AROUND = {"day": 28, "week": 8, "month": 4}  # periods before and after a step whose medians are compared
HALF = 0.5  # of the series: a change of unit meets all, and not all report
RESTLESS = 0.05  # share of values that jump in usual periods, above which jumps say nothing
FEWEST = 10  # periods
LASTS = 4  # values on either side of a step for good
MOST_STEPS = 6  # a column with more of them swings
ABOVE_REFERENCE = 1.5


class Step(NamedTuple):
    """A period from which on a column has another level.

    Args:
        period: its number on the grid.
        factor: median of the series' factors.
        series: how many of those that report it meets.
        reporting: series with values before and after.
        rows: positions in the frame of the first rows of these series at the new level.
    """

    period: int
    factor: float
    series: int
    reporting: int
    rows: np.ndarray


class ExpectSameUnit(PanelExpectation):
    """No column changes its level by a factor of `checks.max_jump` in most series at once; see the module for the law.

    Args:
        columns: columns of amounts; those with negative values are left out.
        limit: the factor.
        seasonal: columns that may jump in a season nobody has seen twice; there the factor is squared.
        for_good: whether the levels must lie apart for good.
    """

    columns: list[str]
    limit: float
    seasonal: list[str]
    for_good: bool = False
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "columns", "limit", "seasonal", "for_good")

    def find(self, view: PanelView) -> Finding:
        """Columns with a step, and the first series that make it."""
        found, keys = [], []
        for column in self.columns:
            steps = find_steps(view, column, self.limit, seasonal=column in self.seasonal, for_good=self.for_good)
            for step in steps[:2]:
                found.append(_told(view, column, step))
                keys += [f"{key} ({column})" for key in view.keys(step.rows)]
        if not found:
            return Finding(f"{several(len(self.columns), 'column')}, each at its level throughout")
        cure = "Another unit or currency, or a period loaded in part? Bring all into one, or declare a higher checks.max_jump"
        return Finding(f"{'; '.join(found)}. {cure}", len(found), tuple(keys[:SHOWN_KEYS]))


class ExpectUsualValues(PanelExpectation):
    """No price lies beyond a factor of its series' median, or far above the column that it is measured from.

    Args:
        columns: columns of prices.
        limit: the factor.
        references: per column the column that holds its usual value.
    """

    columns: list[str]
    limit: float
    references: dict[str, str]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "columns", "limit", "references")

    def find(self, view: PanelView) -> Finding:
        """Rows with an odd value."""
        found, keys, broken = [], [], np.zeros(len(view.frame), dtype=bool)
        for column in self.columns:
            for rows, what in (self._far(view, column), self._above(view, column)):
                if rows.any():
                    found.append(f"{column!r} is {what} in {several(int(rows.sum()), 'row')}")
                    shown = np.flatnonzero(rows)[:SHOWN_KEYS]
                    values = view.frame[column].to_numpy(dtype=float)[shown]
                    keys += [f"{key}: {column}={value:,.6g}" for key, value in zip(view.keys(shown), values, strict=True)]
                    broken |= rows
        if not found:
            return Finding(f"{several(len(self.columns), 'column')}, every value within reach of its series' usual one")
        return Finding(f"{'; '.join(found)}. Mend these values if they are slips", int(broken.sum()), tuple(keys[:SHOWN_KEYS]))

    def _far(self, view: PanelView, column: str) -> tuple[np.ndarray, str]:
        return far_from_usual(view, view.frame[column].to_numpy(dtype=float), self.limit), (
            f"beyond {self.limit:g} times, or below 1/{self.limit:g} of, its series' median"
        )

    def _above(self, view: PanelView, column: str) -> tuple[np.ndarray, str]:
        if column not in self.references:
            return np.zeros(len(view.frame), dtype=bool), ""
        values, usual = (view.frame[name].to_numpy(dtype=float) for name in (column, self.references[column]))
        return (usual > 0) & (values > ABOVE_REFERENCE * usual), f"above {ABOVE_REFERENCE:g} times {self.references[column]!r}"


def find_steps(view: PanelView, column: str, limit: float, *, seasonal: bool, for_good: bool = False) -> list[Step]:
    """Periods at which most series of a column go to another level by at least a factor."""
    order = view.ordered
    values = view.frame[column].to_numpy(dtype=float)[order.rows]
    if (values < 0).any():
        return []
    logs = np.log(values, out=np.full(len(values), np.nan), where=values > 0)
    jumps, first = _jumps(view, logs), int(order.periods.min())
    steps: list[Step] = []
    for at, sign in _candidates(view, jumps, np.log(limit)):
        if steps and at + first - steps[-1].period < BACK[view.frequency]:
            continue
        season = _season(sign * jumps, order.periods - first, _same_season(at, view))
        needed = limit * (season if season is not None else limit if seasonal else 1.0)
        step = _step(view, logs, at + first, sign, needed, for_good=for_good)
        if step is not None:
            steps.append(step)
    return steps


def _candidates(view: PanelView, jumps: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Periods, counted from the first, at which half of the series jump up (1) or down (-1), if they hardly ever do."""
    place = view.ordered.periods - view.ordered.periods.min()
    there, periods = np.isfinite(jumps), int(place.max()) + 1
    pairs = np.bincount(place[there], minlength=periods)
    if not pairs.any():
        return []
    judged = np.flatnonzero(pairs > HALF * np.median(pairs[pairs > 0]))
    up, down = (
        np.bincount(place[there & (sign * jumps >= least)], minlength=periods) / np.maximum(pairs, 1) for sign in (1, -1)
    )
    most = np.maximum(up, down) >= HALF
    chosen, others = judged[most[judged]], judged[~most[judged]]
    if len(judged) < FEWEST or len(chosen) > MOST_STEPS * BACK[view.frequency] or not len(others):
        return []
    if (up + down)[others].mean() > RESTLESS:
        return []
    return [(int(at), 1 if up[at] >= down[at] else -1) for at in chosen]


def far_from_usual(view: PanelView, values: np.ndarray, limit: float) -> np.ndarray:
    """Rows whose value is beyond a factor of the median of their series' values above 0, (rows,) mask; 0 has no factor."""
    order = view.ordered
    sorted_values = values[order.rows]
    positive = sorted_values > 0
    logs = np.log(sorted_values, out=np.full(len(values), np.nan), where=positive)
    lowest = np.minimum.reduceat(np.where(positive, logs, np.inf), order.starts)
    highest = np.maximum.reduceat(np.where(positive, logs, -np.inf), order.starts)
    rows = np.flatnonzero((highest - lowest >= np.log(limit))[order.series] & positive)  # nothing can be far in the others
    far = np.zeros(len(values), dtype=bool)
    if len(rows):
        usual = quantiles(logs[rows], order.series[rows], len(order.starts), share=0.5)
        far[order.rows[rows[np.abs(logs[rows] - usual[order.series[rows]]) >= np.log(limit)]]] = True
    return far


def quantiles(values: np.ndarray, groups: np.ndarray, count: int, *, share: float) -> np.ndarray:
    """The quantile of every group, (count,), halfway between values where it falls between two; NaN without values."""
    order = np.lexsort((values, groups))
    sizes = np.bincount(groups, minlength=count)
    starts = np.cumsum(sizes) - sizes
    found = np.full(count, np.nan)
    some = sizes > 0
    place, ranked = share * (sizes - 1), values[order]
    low, high = (starts + side(place).astype(int) for side in (np.floor, np.ceil))
    found[some] = (ranked[low[some]] + ranked[high[some]]) / 2
    return found


def _jumps(view: PanelView, logs: np.ndarray) -> np.ndarray:
    """Change since the period that one is compared with, (rows,) in order of series; NaN where that is not there."""
    order, back = view.ordered, BACK[view.frequency]
    jumps = np.full(len(logs), np.nan)
    if len(logs) > back:
        same = (order.series[back:] == order.series[:-back]) & (order.periods[back:] - order.periods[:-back] == back)
        jumps[back:] = np.where(same, logs[back:] - logs[:-back], np.nan)
    return jumps


def _same_season(at: int, view: PanelView) -> list[int]:
    """The periods around the same one in the two years before and after."""
    year = YEAR[view.frequency]
    return [at + years * year + off for years in (-2, -1, 1, 2) for off in (-2, -1, 0, 1, 2)]


def _season(jumps: np.ndarray, place: np.ndarray, near: list[int]) -> float | None:
    """The factor that the season makes of itself: the largest that half of the series make then; None where it is unknown."""
    rows = np.flatnonzero(np.isin(place, near) & np.isfinite(jumps))
    if not len(rows):
        return None
    usual = quantiles(jumps[rows], np.searchsorted(np.sort(near), place[rows]), len(near), share=0.5)
    return float(np.exp(max(np.nanmax(usual), 0.0)))


def _step(view: PanelView, logs: np.ndarray, period: int, sign: int, limit: float, *, for_good: bool) -> Step | None:
    """The levels before and after a period, if they are as far apart in most series."""
    order, around = view.ordered, len(logs) if for_good else AROUND[view.frequency]
    sides = [
        np.flatnonzero((order.periods >= low) & (order.periods < high) & np.isfinite(logs))
        for low, high in ((period - around, period), (period, period + around))
    ]
    before, after = (quantiles(logs[rows], order.series[rows], len(order.starts), share=0.5) for rows in sides)
    change = sign * (after - before)
    reporting, met = np.isfinite(change), change >= np.log(limit) * (1 - 1e-9)
    if for_good:
        met &= _apart(logs, order.series, sides[::-sign], len(order.starts))
    if not reporting.any() or met.sum() < HALF * reporting.sum():
        return None
    rows = np.flatnonzero((order.periods == period) & met[order.series])
    factor = float(np.exp(sign * np.median(change[met])))
    return Step(period, factor, int(met.sum()), int(reporting.sum()), order.rows[rows])


def _apart(logs: np.ndarray, series: np.ndarray, sides: list[np.ndarray], count: int) -> np.ndarray:
    """Series whose values on the higher side, given first, hardly overlap with those on the lower, (series,)."""
    higher, lower = sides
    enough = np.minimum(*(np.bincount(series[rows], minlength=count) for rows in sides)) >= LASTS
    floor = quantiles(logs[higher], series[higher], count, share=0.1)
    return enough & (floor > quantiles(logs[lower], series[lower], count, share=0.9))


def _told(view: PanelView, column: str, step: Step) -> str:
    up = f"{step.factor:,.3g} times" if step.factor > 1 else f"1/{1 / step.factor:,.3g} of"
    where = f" in {step.series:,} of {step.reporting:,} series" if step.reporting > 1 else ""
    return f"{column!r} is {up} its level from {write_date(view.grid.date(step.period))} on{where}"
