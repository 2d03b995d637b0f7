"""A column that stands still in each series and is the series' sales, counted over all weeks: a target encoding.

For the series and for every level, each statistic s of the target per node (mean, sum, median, largest, mean logarithm) over
all known rows is laid beside a column x that is the same in all rows of a node, as is and as a logarithm:

    x[node] = a + b s[node]  to six digits over the nodes, or to the digits that x was rounded to

and the same statistic over the weeks before the last `horizon`. A column that the whole explains and the part does not was
counted over weeks that the model is tested on. A store's size may go with its sales, and a mean over the past is known.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from expectations.leakage.rounding import unit_of
from expectations.panel_view import PanelView

_MIN_NODES = 4  # below it a line through the nodes is no surprise
_LEFT, _FORGIVEN, _COARSE = 1e-6, 2.0, 0.01
_SCALES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "": lambda values: values,
    "logarithm of the ": lambda values: np.log(np.where(values > 0, values, np.nan)),
    "logarithm of 1 + the ": lambda values: np.log1p(np.maximum(values, 0.0)),
}


class Encoding(NamedTuple):
    """A column that encodes the target.

    Args:
        column: its name.
        sentence: what was found.
    """

    column: str
    sentence: str


def find_encodings(view: PanelView, target: str, columns: list[str], *, horizon: int) -> list[Encoding]:
    """Columns that are a statistic of the target per series, or per node of a level, over all rows."""
    order = view.ordered
    if len(order.starts) < _MIN_NODES:
        return []
    known = view.frame[target].to_numpy(dtype=float)[order.rows]
    still = {}
    for column in columns:
        values = view.frame[column].to_numpy(dtype=float)[order.rows]
        if (by_series := _constant(values, order.starts)) is not None:
            still[column] = by_series
    if not still:
        return []
    past = np.where(order.periods <= (view.last_known(target) or 0) - horizon, known, np.nan)
    found: dict[str, Encoding] = {}
    for name, groups in _groups(view):
        whole, before = (dict(_statistics(values, groups[order.series])) for values in (known, past))
        for column, by_series in still.items():
            by_node = _constant_in(by_series, groups)
            if column not in found and by_node is not None:
                statistic = _same(by_node, whole, before)
                if statistic:
                    told = f"is the {statistic} of {target!r} per {name} over all rows, also the latest"
                    found[column] = Encoding(column, told)
    return list(found.values())


def _groups(view: PanelView) -> Iterator[tuple[str, np.ndarray]]:
    """Names of groups, and (series,) the number of every series' group."""
    order = view.ordered
    yield "series", np.arange(len(order.starts))
    for level, (codes, names) in view.nodes.items():
        if _MIN_NODES <= len(names) < len(order.starts):
            yield level, np.unique(codes[order.rows[order.starts]], return_inverse=True)[1]


def _constant(values: np.ndarray, starts: np.ndarray) -> np.ndarray | None:
    """(series,) the one value of each series; None where a column moves in any."""
    if np.isnan(values).all():
        return None
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    still = (high - low <= 1e-9 * np.maximum(np.abs(high), 1e-300)) | np.isnan(high)
    return high if still.all() and np.nanmax(high) > np.nanmin(high) else None


def _constant_in(by_series: np.ndarray, groups: np.ndarray) -> np.ndarray | None:
    """(nodes,) the one value of each node; None where a column differs inside any."""
    first = np.full(groups.max() + 1, np.nan)
    first[groups] = by_series
    beside = np.abs(by_series - first[groups]) > 1e-9 * np.abs(by_series)
    return None if beside.any() else first


def _statistics(values: np.ndarray, groups: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Statistics per group of (rows,) values."""
    known = np.isfinite(values)
    values, groups, size = values[known], groups[known], int(groups.max()) + 1
    counts = np.bincount(groups, minlength=size)
    by_size = np.lexsort((values, groups))
    ends = np.cumsum(counts)
    there = counts > 0
    ordered = np.append(values[by_size], np.nan)
    sums = np.bincount(groups, values, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        yield "mean", sums / counts
        yield "mean logarithm", np.bincount(groups, np.log1p(np.maximum(values, 0)), minlength=size) / counts
    yield "sum", np.where(there, sums, np.nan)
    middle = ends - counts + (counts - 1) // 2, ends - counts + counts // 2
    yield "median", np.where(there, (ordered[middle[0]] + ordered[middle[1]]) / 2, np.nan)
    yield "largest value", np.where(there, ordered[ends - 1], np.nan)


def _same(by_node: np.ndarray, whole: dict[str, np.ndarray], before: dict[str, np.ndarray]) -> str | None:
    """The statistic that a column is over all rows and is not over the past alone."""
    for name, values in whole.items():
        for words, scale in _SCALES.items():
            if _line(by_node, scale(values)) and not _line(by_node, scale(before[name])):
                return f"{words}{name}"
    return None


def _line(column: np.ndarray, statistic: np.ndarray) -> bool:
    """Whether the nodes lie on one line."""
    kept = np.isfinite(column) & np.isfinite(statistic)
    x, s = column[kept], statistic[kept]
    if len(np.unique(np.round(x, 9))) < _MIN_NODES:
        return False
    x, s = x - x.mean(), s - s.mean()
    total, size = x @ x, s @ s
    if size <= 0:
        return False
    left = x - (x @ s) / size * s
    rounding = len(x) * unit_of(column[kept]) ** 2 / 12
    forgiven = _FORGIVEN * rounding if rounding <= _COARSE * total else 0.0
    return bool(left @ left <= _LEFT * total + forgiven)
