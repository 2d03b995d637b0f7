"""No column that explains the target may know it: three laws, each in its room, and two verdicts.

    copies      the target, its future, sums, means, logarithms and noisy copies of it                        stop or warn
    derived     features made of the target's present or future, such as centred and forward means           stop
    encoding    a column that is each series' sales, counted over all weeks                                   stop

What warns is told by a check of its own, because a driver may truly dominate: a price that explains 90 % of the variance is
no copy. Lags of the target are legitimate. Both checks share one look at the panel.
"""

from typing import ClassVar, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from expectations.leakage.copies import Copy, find_copies
from expectations.leakage.derived import find_derived
from expectations.leakage.encoding import find_encodings
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several
from hierforecast.check_options import Severity

_CURE = "Remove the column, or move it into the past by as many periods as it takes to know it"
_NEAR_CURE = "Make sure that it is a cause and known in time; if it is a result of the target, remove it"


class Leak(NamedTuple):
    """A column that knows the target.

    Args:
        column: its name.
        verdict: "stop" or "warn".
        sentence: what it is, e.g. "equals units 1 week ahead".
        rows: positions of rows that show it.
    """

    column: str
    verdict: Severity
    sentence: str
    rows: np.ndarray


class Leaks(NamedTuple):
    """All that was found, and what could not be judged.

    Args:
        leaks: one per column that knows the target.
        skipped: columns that move too rarely to be judged.
        unread: columns of which `derived` cannot say what is new in them: short stretches, or their own past tells all.
    """

    leaks: tuple[Leak, ...]
    skipped: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def of(self, verdict: Severity) -> list[Leak]:
        """The leaks of one verdict."""
        return [leak for leak in self.leaks if leak.verdict == verdict]


class _ExpectNoLeak(PanelExpectation):
    """What both checks take.

    Args:
        target: the column to be explained.
        lags: per column the periods by which the model moves it back before use; it is judged as the model sees it.
        horizon: periods held out for the test.
    """

    target: str
    lags: dict[str, int]
    horizon: int
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "lags", "horizon")

    def _found(self, view: PanelView) -> Leaks:
        known = _SEEN.setdefault(view, {})
        key = (self.target, tuple(self.lags.items()), self.horizon)
        if key not in known:
            known[key] = find_leaks(view, self.target, self.lags, horizon=self.horizon)
        return known[key]


class ExpectNoLeakage(_ExpectNoLeak):
    """No driver, control or medium is the target, its future, or made of them."""

    def find(self, view: PanelView) -> Finding:
        """Columns that leak, with rows to look at; and which columns could not be judged."""
        found = self._found(view)
        note = f" Too few changes to judge: {', '.join(found.skipped)}." if found.skipped else ""
        if found.unread:
            note += f" Too short or too regular to tell whether means of later {view.frequency}s: {', '.join(found.unread)}."
        leaks = found.of("stop")
        if not leaks:
            judged = several(len(self.lags) - len(found.skipped), "column")
            return Finding(f"{judged} judged, none knows {self.target!r}.{note}")
        return _told(view, leaks, f"{_CURE}.{note}")


class ExpectNoNearLeakage(_ExpectNoLeak):
    """No driver, control or medium all but determines the target once series means and season are taken off."""

    def find(self, view: PanelView) -> Finding:
        """Columns too close to the target to be taken without a look."""
        leaks = self._found(view).of("warn")
        if not leaks:
            return Finding(f"no column comes near {self.target!r} without being it")
        return _told(view, leaks, f"{_NEAR_CURE}.")


def find_leaks(view: PanelView, target: str, lags: dict[str, int], *, horizon: int = 0) -> Leaks:
    """Judge every column of `lags` against the target by all laws; one leak per column, the worst.

    Args:
        view: the panel.
        target: the column to be explained.
        lags: per column the periods by which the model moves it back.
        horizon: periods held out: what is counted over the weeks before them is known.
    """
    copies, skipped = find_copies(view, target, lags)
    stopped = {copy.column: copy for copy in copies if copy.verdict == "stop"}
    rest = {column: lag for column, lag in lags.items() if column not in stopped and column not in skipped}
    derived, unread = find_derived(view, target, rest)
    made = {each.column: each.sentence for each in (*derived, *find_encodings(view, target, skipped, horizon=horizon))}
    order = view.ordered
    leaks = {copy.column: Leak(copy.column, copy.verdict, copy.sentence, _rows(view, copy)) for copy in copies}
    leaks |= {column: Leak(column, "stop", sentence, order.rows) for column, sentence in made.items()}
    unjudged = tuple(column for column in skipped if column not in made)
    return Leaks(tuple(leaks[column] for column in lags if column in leaks), unjudged, tuple(unread))


_SEEN: WeakKeyDictionary[PanelView, dict[tuple, Leaks]] = WeakKeyDictionary()


def _rows(view: PanelView, copy: Copy) -> np.ndarray:
    """Positions of a few rows of the series that show a copy."""
    order = view.ordered
    rows = order.rows[np.isin(order.series, copy.series)]
    return rows[np.isfinite(view.frame[copy.column].to_numpy(dtype=float)[rows])][:SHOWN_KEYS]


def _told(view: PanelView, leaks: list[Leak], end: str) -> Finding:
    each = max(1, SHOWN_KEYS // len(leaks))
    keys = [f"{key} ({leak.column})" for leak in leaks for key in view.keys(leak.rows[:each])]
    found = "; ".join(f"{leak.column!r} {leak.sentence}" for leak in leaks)
    return Finding(f"{found}. {end}", len(leaks), tuple(keys[:SHOWN_KEYS]))
