"""Custom expectations about time: dates on the declared calendar, no period missing, no hole inside a series."""

from typing import ClassVar

import numpy as np

from expectations.grid import write_date
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several


class ExpectRegularDates(PanelExpectation):
    """Every date is one period away from the next: the same weekday, day of the month or time of day throughout."""

    def find(self, view: PanelView) -> Finding:
        """Rows whose date lies beside the grid of most dates."""
        codes, dates = view.dates
        beside = ~view.grid.fits(dates)
        if not beside.any():
            return Finding(f"{several(len(dates), self.frequency)}, {view.grid}")
        rows = beside[codes]
        named = ", ".join(write_date(date) for date in dates[beside][:SHOWN_KEYS])
        found = f"{several(int(beside.sum()), 'date')} in {several(int(rows.sum()), 'row')} beside {view.grid}: {named}"
        return Finding(found, int(rows.sum()), view.keys(rows))


class ExpectCompleteCalendar(PanelExpectation):
    """The panel as a whole has rows in every period between its first and its last."""

    def find(self, view: PanelView) -> Finding:
        """Periods without a single row."""
        present = np.unique(view.numbers)
        missing = np.setdiff1d(np.arange(present[0], present[-1] + 1), present)
        first, last = (write_date(view.grid.date(number)) for number in (present[0], present[-1]))
        if not len(missing):
            return Finding(f"every {self.frequency} from {first} to {last} is there")
        keys = tuple(f"{self.period}={write_date(view.grid.date(number))}" for number in missing[:SHOWN_KEYS])
        found = f"{several(len(missing), self.frequency)} between {first} and {last} without a single row"
        return Finding(found, len(missing), keys)


class ExpectNoGaps(PanelExpectation):
    """No series misses a period between its first and its last row (`gaps: forbid`)."""

    def find(self, view: PanelView) -> Finding:
        """Periods that a series jumps over, named by series and first missing period."""
        order = view.ordered
        jumps = np.diff(order.periods)
        jumps[order.starts[1:] - 1] = 1  # from the end of one series to the start of the next
        missing = int((jumps - 1)[jumps > 1].sum())
        if not missing:
            return Finding(_whole(len(order.starts)))
        before = np.flatnonzero(jumps > 1)
        keys = tuple(
            ", ".join(filter(None, (view.series_key(order.rows[row]), self._hole(view, order.periods[row], jumps[row]))))
            for row in before[:SHOWN_KEYS]
        )
        series = len(np.unique(order.series[before]))
        return Finding(
            f"{missing:,} missing rows inside {series:,} series; fill them, or declare gaps: allow", len(before), keys
        )

    def _hole(self, view: PanelView, before: int, jump: int) -> str:
        first = f"{self.period}={write_date(view.grid.date(before + 1))}"
        return first if jump == 2 else f"{first} to {write_date(view.grid.date(before + jump - 1))}"


class ExpectFullLastPeriod(PanelExpectation):
    """The last period with a known target is not half delivered: at least half as many series report as usual.

    Usual is the median over the eight known periods before it. A half-loaded last week looks like a collapse of sales.
    """

    target: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target")

    def find(self, view: PanelView) -> Finding:
        """Series of the period before the last that are missing in the last."""
        known = view.frame[self.target].notna().to_numpy()
        periods, counts = np.unique(view.numbers[known], return_counts=True)
        if len(periods) < 3:
            return Finding("fewer than three known periods: not judged")
        usual, last = float(np.median(counts[-9:-1])), int(counts[-1])
        date = write_date(view.grid.date(periods[-1]))
        found = f"{last:,} series report in the last known {self.frequency}, {date}; usual are {usual:,.0f}"
        if 2 * last >= usual:
            return Finding(found)
        return Finding(f"{found}. Wait for the rest, or leave this {self.frequency} out", 1, self._absent(view, known, periods))

    def _absent(self, view: PanelView, known: np.ndarray, periods: np.ndarray) -> tuple[str, ...]:
        order = view.ordered
        numbers = np.where(known[order.rows], order.periods, -1)
        there = np.unique(order.series[numbers == periods[-1]])
        before = np.flatnonzero((numbers == periods[-2]) & ~np.isin(order.series, there))
        return tuple(view.series_key(order.rows[row]) for row in before[:SHOWN_KEYS])


def _whole(series: int) -> str:
    return "the series has no gap" if series == 1 else f"none of {series:,} series has a gap"
