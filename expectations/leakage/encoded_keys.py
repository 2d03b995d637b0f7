"""A key that encodes the target: a level whose nodes follow the target week by week, such as high, middle and low sales.

Judged are levels that the keys do not need (the others and the period name every row) and that change over time in what is
one series without them. A level of a hierarchy does not: a product stays in its category. Weeks of such a series are put in
order of the target, 0 to 4 periods ahead, and the nodes are read along it:

    order = (runs - nodes) / (runs expected by chance - nodes)      0: every node is one stretch of the target
    eta^2 = 1 - (variance of ranks inside nodes) / (variance of ranks), each per degree of freedom

    stop    order <= 0.05, eta^2 >= 0.4, and the nodes' stretches touch: no gap of half a standard deviation between them
            or the names are numbers that correlate with the target at 0.99

A promotion that doubles sales separates weeks too, with a gap between them; a season changes a few times, for all series
alike. Neither is judged: a level counts when it changes 20 times in all, 6 times per series, and not by the calendar alone.
Runs: Wald and Wolfowitz (1940), doi:10.1214/aoms/1177731909.
"""

from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import Finding, PanelView, several
from expectations.within_series import MIN_CHANGES, MIN_PAIRS, ahead, centre, correlate

FURTHEST = 4
_ORDER, _EXPLAINED, _GAP, _NUMBER = 0.05, 0.4, 0.5, 0.99
_CHANGES_EACH = 6
_ROWS = 200_000


class EncodedKey(NamedTuple):
    """A level that follows the target.

    Args:
        level: its name.
        sentence: what was found.
        rows: positions of rows to look at.
    """

    level: str
    sentence: str
    rows: np.ndarray


class ExpectNoEncodedKeys(PanelExpectation):
    """No level of the keys is the target in other words.

    Args:
        target: the column to be explained.
    """

    target: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target")

    def find(self, view: PanelView) -> Finding:
        """Levels that follow the target, with rows to look at."""
        found = find_encoded_keys(view, self.target)
        if not found:
            return Finding(f"none of {several(len(view.levels), 'level')} follows {self.target!r} over time")
        keys = tuple(key for each in found for key in view.keys(each.rows[:5]))
        told = "; ".join(each.sentence for each in found)
        return Finding(f"{told}. Leave the level out: the other keys name every row without it", len(found), keys)


class _Changing(NamedTuple):
    """Rows sorted by the series that the other levels make, and period.

    Args:
        rows: (rows,) positions in the frame.
        series: (rows,) numbers of those series.
        periods: (rows,) numbers on the grid.
        nodes: (rows,) the judged level.
    """

    rows: np.ndarray
    series: np.ndarray
    periods: np.ndarray
    nodes: np.ndarray


def find_encoded_keys(view: PanelView, target: str) -> list[EncodedKey]:
    """Levels whose nodes follow the target."""
    found = []
    for level in view.levels:
        changing = _changing(view, level)
        if changing is None:
            continue
        known = view.frame[target].to_numpy(dtype=float)[changing.rows]
        names = view.nodes[level][1]
        for steps in range(FURTHEST + 1):
            beside = ahead(known, changing.series, changing.periods, steps)
            said = _as_numbers(changing, names, beside) or _in_order(changing, beside)
            if said:
                when = f"{several(steps, view.frequency)} ahead" if steps else f"of the same {view.frequency}"
                found.append(EncodedKey(level, f"{level!r} follows {target!r} {when} ({said})", changing.rows))
                break
    return found


def _changing(view: PanelView, level: str) -> _Changing | None:
    """The rows without a level, or None where the keys need it or it changes too rarely over time."""
    order, heads = view.ordered, view.ordered.rows[view.ordered.starts]
    others = np.zeros(len(heads), dtype=np.int64)
    for other, (codes, names) in view.nodes.items():
        if other != level:
            others = pd.factorize(others * (len(names) + 1) + codes[heads] + 1)[0]
    fragments = np.bincount(others)
    periods = order.periods.max() - order.periods.min() + 1
    if fragments.max() == 1 or len(order.rows) > len(fragments) * periods:
        return None
    joined = others[order.series]
    by_time = np.lexsort((order.periods, joined))
    series, numbers = joined[by_time], order.periods[by_time]
    same = series[1:] == series[:-1]
    if (same & (numbers[1:] == numbers[:-1])).any():
        return None
    rows = order.rows[by_time]
    nodes = view.nodes[level][0][rows]
    changes = np.bincount(series[1:], same & (nodes[1:] != nodes[:-1]))
    if changes.sum() < MIN_CHANGES or changes[changes > 0].mean() < _CHANGES_EACH or _by_calendar(numbers, nodes, series):
        return None
    return _Changing(rows, series, numbers, nodes)


def _by_calendar(periods: np.ndarray, nodes: np.ndarray, series: np.ndarray) -> bool:
    """Whether all series change alike, with more than one series to tell."""
    if series.max() == 0:
        return False
    pairs = np.unique(np.column_stack([periods, nodes]), axis=0)
    return len(pairs) == len(np.unique(periods))


def _as_numbers(changing: _Changing, names: np.ndarray, beside: np.ndarray) -> str | None:
    """What to say where the names read as numbers that are the target."""
    numbers = pd.to_numeric(pd.Series(names).astype(str), errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(numbers).mean() >= 0.9:
        return None
    values, starts = numbers[changing.nodes], np.flatnonzero(np.diff(changing.series, prepend=-1))
    alike = correlate(centre(values, starts), centre(beside, starts), starts)
    return f"its names are numbers, r {alike.strength:.3f}" if alike.strength >= _NUMBER else None


def _in_order(changing: _Changing, beside: np.ndarray) -> str | None:
    """What to say where the nodes are stretches of the target."""
    kept = np.isfinite(beside)
    series, nodes, values = changing.series[kept], changing.nodes[kept], beside[kept]
    runs, expected, distinct, inside, total = 0.0, 0.0, 0.0, 0.0, 0.0
    freedom = np.zeros(2)
    gaps = []
    numbers = np.unique(series)
    chosen = numbers[:: max(1, -(-len(series) // _ROWS))]
    bounds = np.searchsorted(series, chosen), np.searchsorted(series, chosen, side="right")
    for first, last in zip(*bounds, strict=True):
        own, y = np.unique(nodes[first:last], return_inverse=True)[1], values[first:last]
        counts = np.bincount(own)
        if len(y) < 4 * MIN_PAIRS or len(counts) < 2 or y.std() == 0:
            continue
        ordered = np.lexsort((own, y))
        along, height = own[ordered], y[ordered]
        ranks = np.searchsorted(height, y) + np.searchsorted(height, y, side="right")
        means = np.bincount(own, ranks) / counts
        inside += ((ranks - means[own]) ** 2).sum()
        total += ((ranks - ranks.mean()) ** 2).sum()
        freedom += len(y) - len(counts), len(y) - 1
        turns = np.flatnonzero(np.diff(along))
        runs, distinct = runs + len(turns) + 1, distinct + len(counts)
        expected += 1 + len(y) * (1 - ((counts / len(y)) ** 2).sum())
        gaps += list((height[turns + 1] - height[turns]) / y.std())
    if not gaps or freedom[0] < MIN_CHANGES or total == 0:
        return None
    order = (runs - distinct) / max(expected - distinct, 1e-9)
    explained = 1 - (inside / freedom[0]) / (total / freedom[1])
    if order > _ORDER or explained < _EXPLAINED or np.median(gaps) > _GAP:
        return None
    return f"its nodes are stretches of it: eta squared {explained:.2f}"
