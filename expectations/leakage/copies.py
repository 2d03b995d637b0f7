"""Columns that are the target: copied, rescaled, taken from its future, summed up, averaged up, logarithms, with noise.

Every column x is laid beside the target y at k = -4 .. 8 periods (k > 0 is the future), and a season back, inside each
series, and so are its running changes; see `likeness` for the numbers

    r = corr(x[t], y[t+k]);  r' the same without trend and season;  r" of changes;  q the noise beside season over all noise

The shift at which r' and r" sum to most is the column's. A column that fits the target's past best is a lag, and legitimate.

    stop    equal in 99.9 % of the rows in which y moves, 95 % for a running sum (it may start anew each year)
            r surely near 0.99 (atanh(r) above atanh(0.98), and two standard errors above atanh(0.97)), r' >= 0.8,
                r" beyond chance, q >= 0.7                                   a copy, noise or not
            r' or r" >= 0.995                                               a copy behind another trend or season
            r, r' or r" 1 to six digits, or r" >= 0.9999 in a single series
    warn    r or r' near 0.95 (atanh above atanh(0.94) less two standard errors, and r >= 0.9), r' >= 0.5, r" beyond chance

The second and third of the stops ask as well that changes agree in rank (0.6) between weeks in which something sold: not one
huge week that both share, nor a flag of the weeks in which something can sell at all.

A correlation alone cannot tell a noisy copy from a strong driver. A driver and its target share trend and season (r high, r'
low), or the target has a season beside its driver (q low); a copy carries both, and q is 1. Standard errors: Fisher (1921),
1 / sqrt(pairs - 3). Not found: a copy in part of the rows of some series only. Stopped although innocent: a driver that
alone determines the target, with less than 3 % of the variance beside it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from expectations.leakage.clearest_series import clearest_series
from expectations.leakage.likeness import FORMS, SCALES, Likeness, Place, compare, sample_series
from expectations.leakage.ranks import agreement_in_rank
from expectations.panel_view import PanelView, several
from expectations.within_series import MIN_CHANGES, ahead, changes
from hierforecast.check_options import Severity

EQUAL, EQUAL_SUM, EXACT, EXACT_IN_ONE = 0.999, 0.95, 1 - 1e-6, 0.9999
_SURE, _NEAR, _LEAST_NEAR = 0.995, 0.94, 0.9
_COPY, _COPY_AT_LEAST = 0.98, 0.97
_BESIDE, _NOISE, _RANKS = 0.8, 0.7, 0.6


class Copy(NamedTuple):
    """A column that knows the target.

    Args:
        column: its name.
        verdict: "stop" or "warn".
        sentence: what it is, e.g. "equals units 1 week ahead".
        series: (series,) numbers of the series that show it.
    """

    column: str
    verdict: Severity
    sentence: str
    series: np.ndarray


def find_copies(view: PanelView, target: str, lags: dict[str, int]) -> tuple[list[Copy], list[str]]:
    """Judge every column of `lags` as the model sees it.

    Returns:
        The columns that know the target, and the names of those that move too rarely to be judged.
    """
    rows = view.ordered.rows
    known = view.frame[target].to_numpy(dtype=float)[rows]
    copies, skipped = [], []
    for lag in sorted(set(lags.values())):
        names = [name for name, own in lags.items() if own == lag]
        columns = [view.frame[name].to_numpy(dtype=float)[rows] for name in names]
        found, unjudged = _of_one_lag(view, target, known, names, columns, lag)
        copies += found
        skipped += unjudged
    order = list(lags)
    return sorted(copies, key=lambda copy: order.index(copy.column)), sorted(skipped, key=order.index)


def _of_one_lag(
    view: PanelView, target: str, known: np.ndarray, names: list[str], columns: list[np.ndarray], lag: int
) -> tuple[list[Copy], list[str]]:
    sampled = sample_series(view.ordered)
    pooled = compare(view, columns, known, lag=lag, series=sampled)
    found, skipped = {}, []
    for place, name in enumerate(names):
        if pooled.moves[:, place].sum() < MIN_CHANGES:
            skipped.append(name)
        elif copy := _judge(view, target, known, name, columns[place], pooled, place, lag):
            found[name] = copy
    if len(sampled) < len(view.ordered.starts):
        few = _in_few_series(view, target, known, names, columns, lag, sampled)
        found |= {name: copy for name, copy in few.items() if name not in found or found[name].verdict == "warn"}
        moves = {name: _moves(view, columns[names.index(name)], known, lag) for name in skipped}
        skipped = [name for name in skipped if moves[name].sum() < MIN_CHANGES]
        for name in (name for name in moves if name not in skipped):
            copy = _where_it_moves(view, target, known, name, columns[names.index(name)], lag, moves[name])
            found |= {name: copy} if copy and name not in found else {}
    return list(found.values()), skipped


def _in_few_series(
    view: PanelView,
    target: str,
    known: np.ndarray,
    names: list[str],
    columns: list[np.ndarray],
    lag: int,
    but: np.ndarray,
) -> dict[str, Copy]:
    """Copies in single series of a panel too large to look at each in full."""
    series = clearest_series(view, columns, known, lag=lag, but=but)
    if not len(series):
        return {}
    close = compare(view, columns, known, lag=lag, series=series)
    found = {}
    for place, name in enumerate(names):
        if copy := _exact_in_one(view, target, name, close, place, lag):
            found[name] = copy
    return found


def _where_it_moves(
    view: PanelView, target: str, known: np.ndarray, name: str, column: np.ndarray, lag: int, moves: np.ndarray
) -> Copy | None:
    """Judge a column that stands still in most series in those where it does not; it has moved in some."""
    busiest = np.sort(np.argsort(-moves)[: len(sample_series(view.ordered))])
    numbers = compare(view, [column], known, lag=lag, series=busiest[moves[busiest] > 0])
    return _judge(view, target, known, name, column, numbers, 0, lag)


def _moves(view: PanelView, column: np.ndarray, known: np.ndarray, lag: int) -> np.ndarray:
    """(series,) weeks in which a column changed and the target's own change is known; see `Likeness`."""
    order = view.ordered
    later = ahead(changes(known, order.series, order.periods), order.series, order.periods, lag)
    moved = (np.abs(changes(column, order.series, order.periods)) > 0) & np.isfinite(later)
    return np.bincount(order.series, moved.astype(float))


def _judge(
    view: PanelView,
    target: str,
    known: np.ndarray,
    name: str,
    column: np.ndarray,
    numbers: Likeness,
    number: int,
    lag: int,
) -> Copy | None:
    place = _best(numbers, number)
    verdict = _verdict(numbers, place, lambda: agreement_in_rank(view, column, known, place, numbers, lag))
    if numbers.shifts[place.shift] >= 0 and verdict:
        by_series = np.abs(numbers.by_series[(slice(None), *place)])
        series = numbers.series[by_series >= by_series.max() - 1e-9]
        return Copy(name, verdict, _sentence(view, target, numbers, place, lag), series)
    alone = _exact_in_one(view, target, name, numbers, number, lag)
    return alone if alone and verdict != "stop" else None


def _best(numbers: Likeness, number: int) -> Place:
    """The form, shift and scale at which a column is most like the target; the plainest of equals."""
    equal = numbers.equal[number] >= EQUAL
    equal[1:] |= numbers.equal[number, 1:] >= EQUAL_SUM
    exact = numbers.level[number] >= EXACT
    score = np.round(numbers.season[number] + numbers.change[number] + 2 * equal + exact, 3)
    return Place(number, *map(int, np.unravel_index(np.argmax(score), score.shape)))


def _verdict(numbers: Likeness, place: Place, ranks: Callable[[], float]) -> Severity | None:
    level, season, change, noise, error, equal = (
        float(values[place])
        for values in (numbers.level, numbers.season, numbers.change, numbers.noise, numbers.error, numbers.equal)
    )
    if equal >= (EQUAL_SUM if place.form == 1 else EQUAL) or max(level, season, change) >= EXACT:
        return "stop"
    height = np.arctanh(min(level, EXACT))
    related = change >= max(4 * error, 0.25)
    surely = height >= max(np.arctanh(_COPY), np.arctanh(_COPY_AT_LEAST) + 2 * error)
    copied = surely and season >= _BESIDE and related and noise >= _NOISE
    hidden = max(season, change) >= _SURE
    if (copied or hidden) and ranks() >= _RANKS:
        return "stop"
    near = max(_LEAST_NEAR, np.tanh(np.arctanh(_NEAR) - 2 * error))
    alike = season >= near or (level >= near and season >= 0.5 and noise >= _NOISE)
    return "warn" if copied or hidden or (alike and related) else None


def _exact_in_one(view: PanelView, target: str, name: str, numbers: Likeness, number: int, lag: int) -> Copy | None:
    """A column that is the target in at least one series that moves often enough."""
    past = np.array(numbers.shifts) < 0
    enough = (numbers.moves[:, number] >= MIN_CHANGES)[:, None, None, None] & (numbers.pairs[:, number] >= MIN_CHANGES)
    r = np.abs(numbers.by_series[:, number]) * enough
    lagged = r[:, :, past].max(axis=(1, 2, 3), initial=0) >= EXACT_IN_ONE
    exact = (r[:, :, ~past].max(axis=(1, 2, 3)) >= EXACT_IN_ONE) & ~lagged
    if not exact.any():
        return None
    clearest = r[exact][0] * ~past[:, None]
    place = Place(number, *map(int, np.unravel_index(np.argmax(np.round(clearest, 4)), clearest.shape)))
    return Copy(name, "stop", _sentence(view, target, numbers, place, lag), numbers.series[exact])


def _sentence(view: PanelView, target: str, numbers: Likeness, place: Place, lag: int) -> str:
    steps = numbers.shifts[place.shift]
    verb = "equals" if numbers.equal[place] >= (EQUAL_SUM if place.form else EQUAL) else "moves with"
    when = f"{several(steps, view.frequency)} ahead" if steps else f"of the same {view.frequency}"
    if lag:
        when += f" after its lag of {several(lag, view.frequency)}"
    by_series = np.abs(numbers.by_series[(slice(None), *place)])
    beside = f"{numbers.season[place]:.3f} without trend and season"
    proof = f"r {numbers.level[place]:.3f}, {beside}, of changes {by_series.max():.4f}"
    if view.levels:
        judged = f"{len(numbers.series):,} series"
        proof += f" in the clearest of {judged}, at 0.99 or more in {int((by_series >= 0.99).sum()):,}"
    return f"{verb} {FORMS[place.form]}{SCALES[place.scale]}{target!r} {when} ({proof})"
