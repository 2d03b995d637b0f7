"""No column that explains the target may be the target: not copied, rescaled, summed up, or taken from its future.

For every column x, compared with the target y and with log(1 + y), 0 to 4 periods ahead, inside each series:

    equality      x[t] = y[t+k] in at least 99.9 % of the rows in which y moves
    correlation   |corr(dx[t], dy[t+k])| >= 0.99, or >= 0.90 where |corr(x[t], y[t+k])| >= 0.99 as well
    one series    |corr(dx[t], dy[t+k])| >= 0.9999 in any single series
    running sum   all of these with dx in place of x

with d the change since the period before. Changes come first because levels lie: two columns that share a season or a
trend correlate at 0.99 without knowing anything of each other, and their changes do not. Lags of the target (k < 0) are
legitimate and not looked at. Not found: a smoothed copy of the future, a copy in part of the rows only, and a driver
that truly determines the target, which is reported as if it were a copy.
"""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np

from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several
from expectations.within_series import MIN_CHANGES, Centred, SeriesCorrelation, ahead, centre, changes, correlate

FURTHEST = 4  # periods ahead
SURE, ALMOST, EXACT, EQUAL = 0.99, 0.90, 0.9999, 0.999


class Leak(NamedTuple):
    """A column that knows the target.

    Args:
        column: its name.
        sentence: what it is, e.g. "equals units 1 week ahead".
        rows: positions of rows that show it.
    """

    column: str
    sentence: str
    rows: np.ndarray


class _Future(NamedTuple):
    """The target some periods after what the model sees of a column, (rows,) in order of series."""

    steps: int
    logged: bool
    level: np.ndarray
    change: Centred


class _Judged(NamedTuple):
    """How alike a column and the target are at one distance; kept for the clearest."""

    strength: float
    equal: float
    steps: int
    summed: bool
    changes: SeriesCorrelation


class ExpectNoLeakage(PanelExpectation):
    """No driver, control or medium equals, leads or nearly determines the target; see the module for the law.

    Args:
        target: the column to be explained.
        lags: per column the periods by which the model moves it back before use; it is judged as the model sees it.
    """

    target: str
    lags: dict[str, int]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "lags")

    def find(self, view: PanelView) -> Finding:
        """Columns that leak, with rows to look at; and which columns could not be judged."""
        leaks, skipped = find_leaks(view, self.target, self.lags)
        note = f" Too few changes to judge: {', '.join(skipped)}." if skipped else ""
        if not leaks:
            return Finding(f"{several(len(self.lags) - len(skipped), 'column')} judged, none knows {self.target!r}.{note}")
        each = max(1, SHOWN_KEYS // len(leaks))
        keys = [f"{key} ({leak.column})" for leak in leaks for key in view.keys(leak.rows[:each])]
        found = "; ".join(f"{leak.column!r} {leak.sentence}" for leak in leaks)
        return Finding(f"{found}. Remove the column or move it into the past.{note}", len(leaks), tuple(keys[:SHOWN_KEYS]))


def find_leaks(view: PanelView, target: str, lags: dict[str, int]) -> tuple[list[Leak], list[str]]:
    """Judge every column of `lags` against the target; returns the leaks and the columns that could not be judged."""
    order = view.ordered
    futures = {lag: _futures(view, target, lag) for lag in set(lags.values())}
    leaks, skipped = [], []
    for column, lag in lags.items():
        values = view.frame[column].to_numpy(dtype=float)[order.rows]
        judged = list(_judge(view, values, futures[lag]))
        if not any(each.changes.moved >= MIN_CHANGES for each in judged):
            skipped.append(column)
            continue
        suspects = [each for each in judged if _leaks(each)]
        if suspects:
            worst = max(suspects, key=lambda each: (each.equal >= EQUAL, round(each.strength, 3), -each.steps, not each.summed))
            leaks.append(_describe(view, column, target, worst, lag))
    return leaks, skipped


def _futures(view: PanelView, target: str, lag: int) -> list[_Future]:
    """The target 0 to 4 periods after a column's lag, in its own unit and on the log scale."""
    order = view.ordered
    known = view.frame[target].to_numpy(dtype=float)[order.rows]
    futures = []
    for steps in range(FURTHEST + 1):
        level = ahead(known, order.series, order.periods, lag + steps)
        for logged, scaled in ((False, level), (True, np.log1p(np.maximum(level, 0.0)))):
            change = changes(scaled, order.series, order.periods)
            futures.append(_Future(steps, logged, scaled, centre(change, order.starts)))
    return futures


def _judge(view: PanelView, values: np.ndarray, futures: list[_Future]) -> Iterator[_Judged]:
    """Compare a column, and its changes (were it a running sum), with the target at every distance and on both scales."""
    order = view.ordered
    moved = changes(values, order.series, order.periods)
    for summed, level in ((False, values), (True, moved)):
        change = centre(changes(level, order.series, order.periods), order.starts)
        for future in futures:
            alike = correlate(change, future.change, order.starts)
            strength = alike.strength
            if ALMOST <= strength < SURE and _levels_agree(level, future.level, order.starts):
                strength = SURE
            equal = 0.0 if future.logged else _equal_share(level, future)
            yield _Judged(strength, equal, future.steps, summed, alike)


def _leaks(judged: _Judged) -> bool:
    alike = judged.changes
    if alike.moved < MIN_CHANGES:
        return False
    exact = (alike.moves >= MIN_CHANGES) & (np.abs(alike.by_series) >= EXACT)
    return judged.strength >= SURE or judged.equal >= EQUAL or bool(exact.any())


def _levels_agree(level: np.ndarray, future: np.ndarray, starts: np.ndarray) -> bool:
    return correlate(centre(level, starts), centre(future, starts), starts).strength >= SURE


def _equal_share(level: np.ndarray, future: _Future) -> float:
    """Share of equal values among rows where the target has just moved; where it stands still, equality is cheap."""
    telling = np.flatnonzero((future.change.moves > 0) & np.isfinite(level))
    if len(telling) < MIN_CHANGES:
        return 0.0
    sample = telling[:: max(1, len(telling) // 1000)]  # a copy shows in a thousand rows; only then look at all
    share = _share_equal(level[sample], future.level[sample])
    return _share_equal(level[telling], future.level[telling]) if share >= ALMOST else share


def _share_equal(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.isclose(first, second, rtol=1e-6, atol=1e-9).mean())


def _describe(view: PanelView, column: str, target: str, leak: _Judged, lag: int) -> Leak:
    order = view.ordered
    by_series = np.abs(leak.changes.by_series)
    clearest = by_series >= max(by_series.max() - 1e-9, 0)
    rows = order.rows[clearest[order.series] & np.isfinite(view.frame[column].to_numpy(dtype=float)[order.rows])]
    verb = "equals" if leak.equal >= EQUAL else "moves with"
    what = f"the running sum of {target!r}" if leak.summed else repr(target)
    when = f"{several(leak.steps, view.frequency)} ahead" if leak.steps else f"of the same {view.frequency}"
    if lag:
        when += f" after its lag of {several(lag, view.frequency)}"
    proof = f"changes correlate at {by_series.max():.4f}"
    if view.levels:
        close = int((by_series >= SURE).sum())
        proof += f" in the clearest of {len(by_series):,} series, at {SURE} or more in {close:,}"
    return Leak(column, f"{verb} {what} {when} ({proof})", rows)
