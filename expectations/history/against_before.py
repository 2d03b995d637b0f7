"""A panel beside the one that the champion was trained on: later, as large, with the same past, nodes and drivers."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from expectations.grid import write_date
from expectations.history.drift import Drift, drifts
from expectations.history.profile import LAST_PERIODS, ColumnProfile
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

NO_CHAMPION = "no champion yet, or none that says what it was trained on: nothing to compare with"
NO_TARGET = "no known target: not judged"
REWRITTEN = 0.02  # share of a period's total by which late bookings may move it


class ExpectNoStepBack(PanelExpectation):
    """The last known period is not before the champion's.

    Args:
        target: the column.
        last: the champion's last known period; None without a champion.
    """

    target: str
    last: str | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "last")

    def find(self, view: PanelView) -> Finding:
        """The last known period, if the champion has seen later ones."""
        now = view.last_known(self.target)
        if self.last is None or now is None:
            return Finding(NO_CHAMPION if self.last is None else NO_TARGET)
        written = write_date(view.grid.date(now))
        if view.grid.date(now) >= pd.Timestamp(self.last):
            return Finding(f"known up to {written}, the champion's data up to {self.last}")
        found = f"{self.target!r} is known up to {written}, and the champion was trained up to {self.last}"
        return Finding(f"{found}: a file of an earlier {view.frequency}? Give the newest", 1, (f"{self.period}={written}",))


class ExpectSamePast(PanelExpectation):
    """Totals of periods that the champion was trained on are as they were, up to late bookings.

    Args:
        target: the column.
        totals: its sum by period then; None without a champion.
    """

    target: str
    totals: dict[str, float] | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "totals")

    def find(self, view: PanelView) -> Finding:
        """Periods whose total has changed."""
        if self.totals is None:
            return Finding(NO_CHAMPION)
        known = view.frame[self.target].notna().to_numpy()
        if not known.any():
            return Finding(NO_TARGET)
        numbers, place = np.unique(view.numbers[known], return_inverse=True)
        sums = np.bincount(place, weights=view.frame[self.target].to_numpy(dtype=float)[known])
        now = {write_date(view.grid.date(number)): total for number, total in zip(numbers, sums, strict=True)}
        shared = [date for date in self.totals if date in now]
        if not shared:
            return Finding(f"no {self.frequency} of the champion's data is in these: not judged")
        before, after = np.array([self.totals[date] for date in shared]), np.array([now[date] for date in shared])
        moved = np.abs(after - before) > REWRITTEN * np.maximum(before, 1e-9)
        if not moved.any():
            return Finding(f"{several(len(shared), self.frequency)} of the champion's data have the same totals")
        keys = [f"{self.period}={shared[at]}: {before[at]:,.6g} then, {after[at]:,.6g} now" for at in np.flatnonzero(moved)]
        found = f"{several(int(moved.sum()), self.frequency)} of {len(shared):,} that the champion was trained on have another"
        cure = "If the past was not corrected on purpose, find out what changed it"
        return Finding(f"{found} total of {self.target!r}. {cure}", int(moved.sum()), tuple(keys[-SHOWN_KEYS:]))


class ExpectUsualSize(PanelExpectation):
    """As many rows per period as the champion's data had, up to a share (`checks.max_row_change`).

    Args:
        target: the column that tells known periods.
        limit: the share.
        usual: rows per period then; None without a champion.
    """

    target: str
    limit: float
    usual: float | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "limit", "usual")

    def find(self, view: PanelView) -> Finding:
        """The number of rows, where it is another."""
        known = view.frame[self.target].notna().to_numpy()
        if self.usual is None or not known.any():
            return Finding(NO_CHAMPION if self.usual is None else NO_TARGET)
        now = float(np.median(np.unique(view.numbers[known], return_counts=True)[1][-LAST_PERIODS:]))
        change = now / self.usual - 1.0
        found = f"{now:,.0f} rows per {self.frequency}, {self.usual:,.0f} in the champion's data ({change:+.0%})"
        if abs(change) <= self.limit:
            return Finding(found)
        return Finding(f"{found}. Was a part left out, or delivered twice?", 1)


class ExpectNodesToStay(PanelExpectation):
    """Every node that the champion knows is still there.

    Args:
        names: nodes by level then; None without a champion.
    """

    names: dict[str, list[str]] | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "names")

    def find(self, view: PanelView) -> Finding:
        """Nodes without a row."""
        if self.names is None:
            return Finding(NO_CHAMPION)
        now = {level: set(map(str, names)) for level, (_, names) in view.nodes.items()}
        lost = [
            f"{level}={name}" for level, names in self.names.items() if level in now for name in names if name not in now[level]
        ]
        if not lost:
            return Finding("every node of the champion's data is there")
        cure = "Renamed, closed, or left out of the file?"
        return Finding(
            f"{several(len(lost), 'node')} of the champion's data without a row. {cure}", len(lost), tuple(lost[:SHOWN_KEYS])
        )


class ExpectDriversToStay(PanelExpectation):
    """The last year of every driver lies where the champion's did (`checks.max_drift`); see `drift` for the law.

    Args:
        target: the column that tells known periods.
        limit: of the population stability index above chance.
        before: profiles of columns then, as JSON; None without a champion.
    """

    target: str
    limit: float
    before: dict[str, Any] | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "limit", "before")

    def find(self, view: PanelView) -> Finding:
        """Columns that moved, the furthest first."""
        if self.before is None or view.last_known(self.target) is None:
            return Finding(NO_CHAMPION if self.before is None else NO_TARGET)
        then = {name: ColumnProfile.model_validate(column) for name, column in self.before.items()}
        found = sorted(drifts(view, self.target, then).items(), key=lambda pair: -pair[1].index)
        if not found:
            return Finding("no driver to compare")
        moved = [(name, drift) for name, drift in found if drift.index > self.limit]
        if not moved:
            return Finding(f"{several(len(found), 'driver')}; the furthest is {found[0][0]!r} with {found[0][1].index:.2f}")
        keys = tuple(f"{name}: {_written(drift)}" for name, drift in moved[:SHOWN_KEYS])
        worst, far = moved[0]
        told = f"{several(len(moved), 'driver')} of {len(found)} moved; the furthest is {worst!r}, index {far.index:.2f}"
        cure = f"At most {self.limit:g} is usual: a new unit, a new source, or another way of counting?"
        return Finding(f"{told} (Kolmogorov-Smirnov distance {far.distance:.2f}). {cure}", len(moved), keys)


def _written(drift: Drift) -> str:
    zeros = f", zeros {drift.zeros[0]:.0%} then and {drift.zeros[1]:.0%} now" if max(drift.zeros) else ""
    return f"index {drift.index:.2f}, distance {drift.distance:.2f}{zeros}"
