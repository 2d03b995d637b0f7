"""Features made of the target that reach into weeks nobody knows yet: centred and forward means, means that count this week.

Rows whose neighbours from `back` periods before to `far` periods after are all known are laid out, and two regressions are
compared, within series, in units of each series' spread of the target:

    past    x[t] = own x[t-1] + sum over k = 1 .. back of b_k y[t-k]
    all     the same + sum over k = 0 .. far of c_k y[t+k]

What is new in x this week is what `past` leaves. If the target's present and future explain 99.95 % of that (what x lost by
being rounded is forgiven), x was made of them: a trailing mean without this week is explained by the past alone, a stock
at the start of the week by what sold before it, and a real driver by nothing that sold, to such digits.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from expectations.leakage.rounding import unit_of
from expectations.leakage.series_blocks import ONE_THREAD
from expectations.panel_view import PanelView
from expectations.within_series import ahead

_REACHES = ((4, 4), (8, 12), (53, 26))  # periods back and ahead, the least first
_ROWS_PER_TERM = 40
_LEFT, _FORGIVEN, _COARSE = 5e-4, 2.0, 0.05
_PREDICTABLE = 1e-6  # share of variance: a column that its own past explains to this has nothing new


class Derived(NamedTuple):
    """A column made of the target's present or future.

    Args:
        column: its name.
        sentence: what was found.
    """

    column: str
    sentence: str


def find_derived(view: PanelView, target: str, lags: dict[str, int]) -> tuple[list[Derived], list[str]]:
    """Judge every column of `lags` as the model sees it.

    Returns:
        The columns made of the present or future, and the names of those that no long enough stretch could judge.
    """
    order = view.ordered
    found, unjudged = {}, []
    known = view.frame[target].to_numpy(dtype=float)[order.rows]
    futures = {lag: ahead(known, order.series, order.periods, lag) if lag else known for lag in set(lags.values())}
    layouts = {lag: list(_layouts(view, future)) for lag, future in futures.items()}
    for column, lag in lags.items():
        values = view.frame[column].to_numpy(dtype=float)[order.rows]
        judged = [_left_by(values, layout) for layout in layouts[lag]]
        shares = [(layout, share) for layout, share in zip(layouts[lag], judged, strict=True) if share is not None]
        if not shares:
            unjudged.append(column)
        for layout, share in shares:
            if share <= 0 and column not in found:
                found[column] = Derived(column, _sentence(view, target, layout))
    return list(found.values()), unjudged


class _Layout(NamedTuple):
    """Rows with known neighbours.

    Args:
        rows: (cases,) positions in sorted rows.
        series: (cases,) their series, numbered from 0.
        past, future: (cases, periods) values of the target in units of its series' spread, series means taken off.
        spread: (cases,) that unit.
        logged: whether these are logarithms.
    """

    rows: np.ndarray
    series: np.ndarray
    past: np.ndarray
    future: np.ndarray
    spread: np.ndarray
    logged: bool


def _layouts(view: PanelView, target: np.ndarray) -> Iterator[_Layout]:
    order = view.ordered
    for back, far in _REACHES:
        rows = _whole(order.series, order.periods, target, back, far)
        series = np.unique(order.series[rows])
        terms = back + far + 2
        stride = max(1, len(rows) // (_ROWS_PER_TERM * terms))
        rows = rows[np.isin(order.series[rows], series[::stride])]
        if len(rows) < 3 * terms:
            continue
        numbers = np.unique(order.series[rows], return_inverse=True)[1]
        for logged in (False, True):
            scaled = np.log1p(np.maximum(target, 0.0)) if logged else target
            windows = scaled[rows[:, None] + np.arange(-back, far + 1)]
            windows = _centred(windows, numbers)
            spread = np.sqrt(np.bincount(numbers, windows[:, back] ** 2) / np.bincount(numbers))[numbers]
            spread = np.where(spread > 0, spread, 1.0)
            windows = windows / spread[:, None]
            yield _Layout(rows, numbers, windows[:, :back], windows[:, back:], spread, logged)


def _whole(series: np.ndarray, periods: np.ndarray, target: np.ndarray, back: int, far: int) -> np.ndarray:
    """Sorted rows with every neighbour there and known."""
    if len(target) <= back + far:
        return np.empty(0, dtype=np.int64)
    rows = np.arange(back, len(target) - far)
    first, last = rows - back, rows + far
    holes = np.r_[0, np.cumsum(~np.isfinite(target))]
    whole = (series[first] == series[last]) & (periods[last] - periods[first] == back + far) & (holes[last + 1] == holes[first])
    return rows[whole]


def _left_by(values: np.ndarray, layout: _Layout) -> float | None:
    """How far the target's present and future are from explaining what is new in a column; 0 or less: they do."""
    kept = np.isfinite(values[layout.rows]) & np.isfinite(values[layout.rows - 1])
    terms = layout.past.shape[1] + layout.future.shape[1] + 1
    if kept.sum() < 3 * terms:
        return None
    series, spread = np.unique(layout.series[kept], return_inverse=True)[1], layout.spread[kept]
    past, future = (each if kept.all() else _centred(each[kept], series) for each in (layout.past, layout.future))
    now, before = values[layout.rows[kept]], values[layout.rows[kept] - 1]
    own = _centred(np.column_stack([now, before]), series) / spread[:, None]
    explained, past = own[:, 0], np.column_stack([own[:, 1], past])
    total = explained @ explained
    free = kept.sum() - series.max() - 1
    if total <= 0 or free <= terms:
        return None
    new = _unexplained(explained, past)
    if new <= _PREDICTABLE * total:
        return None
    left = _unexplained(explained, np.column_stack([past, future]))
    left *= (free - past.shape[1]) / max(free - terms, 1)
    rounding = (unit_of(now) ** 2 / 12 / spread**2).sum()
    forgiven = _FORGIVEN * rounding if rounding <= _COARSE * new else 0.0
    return float(left - forgiven - _LEFT * new)


def _unexplained(explained: np.ndarray, terms: np.ndarray) -> float:
    """Sum of squares that a regression leaves."""
    gram = _squared(terms)
    size = np.diag(gram).copy()
    gram[np.diag_indices_from(gram)] += np.where(size > 0, 1e-11 * size, 1.0)
    left = explained - terms @ np.linalg.solve(gram, terms.T @ explained)
    return float(left @ left)


def _squared(terms: np.ndarray) -> np.ndarray:
    """(terms, terms) product of (cases, terms) with itself, in pieces that BLAS does in one thread; see `series_blocks`."""
    cases, size = terms.shape
    rows = max(1, ONE_THREAD // size**2)
    whole = terms[: cases // rows * rows].reshape(-1, rows, size)
    rest = terms[len(whole) * rows :]
    return (whole.transpose(0, 2, 1) @ whole).sum(axis=0) + rest.T @ rest


def _centred(values: np.ndarray, series: np.ndarray) -> np.ndarray:
    """(cases, columns) less their means over each series."""
    counts = np.bincount(series)
    means = np.column_stack([np.bincount(series, column) / counts for column in values.T])
    return values - means[series]


def _sentence(view: PanelView, target: str, layout: _Layout) -> str:
    scale = "the logarithm of " if layout.logged else ""
    reach = layout.future.shape[1] - 1
    return (
        f"is made of {scale}{target!r} of the same {view.frequency} or later: what is new in it, its own last value and the "
        f"past of {target!r} known, is a fixed sum of the values 0 to {reach} {view.frequency}s ahead"
    )
