"""Zeros that are no sales lost: periods that were not loaded, and series that fall silent."""

from typing import ClassVar

import numpy as np
import pandas as pd

from expectations.grid import write_date
from expectations.history.profile import YEAR
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

SILENT = {"day": 14, "week": 4, "month": 2}  # periods without a sale that tell from chance in a series that always sold
STEADY = 0.95  # share of periods with sales before
CLOSED = {"day": 3, "week": 1, "month": 1}  # last periods that must all be empty: shops close on a holiday
Periods = int | np.ndarray  # (rows,)
OFTEN = 0.05  # share of periods in which a pause begins, above which zeros say nothing
NEVER = 0.01  # pauses that a series without any is counted as
UNLIKELY = 0.02  # periods like this one to be expected in the whole history, were it chance


class ExpectSalesAtTheEnd(PanelExpectation):
    """The last known period is not empty: a table loaded in part shows most series at zero.

    Args:
        target: the column.
    """

    target: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target")

    def find(self, view: PanelView) -> Finding:
        """Series of the last period that are zero and hardly ever were."""
        empty = empty_periods(view, self.target)
        last = view.last_known(self.target)
        need = CLOSED[view.frequency]
        if last is None or not set(range(last - need + 1, last + 1)) <= set(empty):
            return Finding(f"the last known {self.frequency} has sales like those before")
        since = last
        while since - 1 in empty:
            since -= 1
        rows = _zeros(view, self.target) & (view.numbers == last)
        found = f"{self.target!r} is 0 in {several(int(rows.sum()), 'row')} of the last known {self.frequency}"
        whole = f"this {self.frequency}"
        if since < last:
            found += f", and has been since {write_date(view.grid.date(since))}"
            whole = f"these {self.frequency}s"
        # A target that is empty in some rows of a period only breaks `known`; measured values beside a plan break `lags`.
        cure = f"Wait for the rest of the data, or leave target and measured drivers of {whole} empty in all rows"
        return Finding(f"{found}; before, most series always sold. {cure}", int(rows.sum()), view.keys(rows))


class ExpectSalesThroughout(PanelExpectation):
    """No period before the last is empty.

    Args:
        target: the column.
    """

    target: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target")

    def find(self, view: PanelView) -> Finding:
        """Periods in which most series are zero that hardly ever are."""
        empty = empty_periods(view, self.target)
        last = view.last_known(self.target)
        while empty and empty[-1] == last:
            empty, last = empty[:-1], last - 1  # another check's
        if not empty:
            return Finding(f"no {self.frequency} in which most series are at 0")
        keys = tuple(f"{self.period}={write_date(view.grid.date(number))}" for number in empty[:SHOWN_KEYS])
        found = f"{several(len(empty), self.frequency)} in which most series are at 0 that always sell"
        return Finding(
            f"{found}. If they were not delivered, have them loaded; if all was closed, a holiday says so", len(empty), keys
        )


class ExpectNoSilentSeries(PanelExpectation):
    """No series that always sold is at zero in all last periods while its drivers go on: out of stock, or delisted.

    Args:
        target: the column.
        drivers: columns that explain the silence where they fall to zero as well.
    """

    target: str
    drivers: list[str]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "drivers")

    def find(self, view: PanelView) -> Finding:
        """Series that fell silent."""
        last, k = view.last_known(self.target), SILENT[view.frequency]
        if last is None:
            return Finding("no known target: nothing to judge")
        order, half_year = view.ordered, YEAR[view.frequency] // 2
        values = view.frame[self.target].to_numpy(dtype=float)[order.rows]
        ago = last - order.periods
        length = np.minimum.reduceat(np.where(values > 0, ago, half_year + 1), order.starts)  # periods since the last sale
        since = length[order.series]
        now, before = _within(values, ago, 0, since), _within(values, ago, since, since + half_year)
        last_year = _within(values, ago, YEAR[view.frequency] - 1, YEAR[view.frequency] + k + 1)

        def count(rows: np.ndarray) -> np.ndarray:
            return np.add.reduceat(rows.astype(float), order.starts)

        silent = (count(now) >= k) & (length <= half_year)
        silent &= (count(before) >= 3 * k) & (count(before & (values > 0)) >= STEADY * count(before))
        silent &= ~((count(last_year) > 0) & (count(last_year & (values > 0)) == 0))  # as every year
        if silent.any() and silent.mean() <= 0.5:  # where most are, the data are not whole, which others say
            silent &= ~self._explained(view, silent, now, before)
        else:
            silent[:] = False
        if not silent.any():
            return Finding(f"no series that always sold is at 0 in all last {several(k, self.frequency)}")
        dates = [write_date(view.grid.date(last - int(ago))) for ago in length[silent][:SHOWN_KEYS]]
        shown = zip(order.rows[order.starts[silent]], dates, strict=False)
        keys = tuple(f"{view.series_key(row)}: last sale {date}" for row, date in shown)
        found = f"{int(silent.sum()):,} series sold steadily and not at all in the last {several(k, self.frequency)} or more"
        # Not an empty target: `known` stops at it.
        cure = "Out of stock, or delisted? Then take its rows after its last sale out"
        return Finding(f"{found}, while prices and other drivers go on. {cure}", int(silent.sum()), keys)

    def _explained(self, view: PanelView, silent: np.ndarray, now: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Series of which a driver that was always there is gone as well, (series,)."""
        order = view.ordered
        candidates = np.flatnonzero(silent[order.series])
        explained = np.zeros(len(silent), dtype=bool)
        for column in self.drivers:
            values = view.frame[column].to_numpy(dtype=float)[order.rows[candidates]]
            table = pd.DataFrame({"series": order.series[candidates], "there": (values != 0) & np.isfinite(values)})
            was = table[before[candidates]].groupby("series")["there"].mean()
            still = table[now[candidates]].groupby("series")["there"].mean()
            gone = was.index[(was >= STEADY) & (still.reindex(was.index) == 0)]
            explained[gone] = True
        return explained


def empty_periods(view: PanelView, target: str) -> list[int]:
    """Periods in which more than half of the series are at zero that hardly ever are, (numbers on the grid).

    Chance is kept out: the product of how often pauses begin in the series, this one left out, must be below what a whole
    history would show by chance. So is a yearly pause: the same period a year before or after is not empty as well.
    """
    order = view.ordered
    values = view.frame[target].to_numpy(dtype=float)[order.rows]
    known, zero = np.isfinite(values), values == 0
    if not zero.any():
        return []
    begins = zero & ~np.r_[False, zero[:-1] & (np.diff(order.series) == 0)]
    periods = np.add.reduceat(known.astype(float), order.starts)
    others = np.maximum(np.add.reduceat(begins.astype(float), order.starts) - 1, 0)
    rate = (others + NEVER) / np.maximum(periods, 1)
    mean = np.add.reduceat(np.where(known, values, 0.0), order.starts) / np.maximum(periods, 1)
    rate = np.maximum(rate, np.exp(-np.maximum(mean, 0.0)))  # small counts are zero by chance (Poisson)
    steady = (rate <= OFTEN)[order.series] & known
    place = order.periods - order.periods.min()
    there = np.bincount(place[steady], minlength=int(place.max()) + 1)
    gone = steady & zero
    at_zero = np.bincount(place[gone], minlength=len(there))
    luck = np.bincount(place[gone], weights=np.log(rate)[order.series[gone]], minlength=len(there))
    empty = (at_zero > 0.5 * there) & (luck < np.log(UNLIKELY / len(there)))
    year = YEAR[view.frequency]
    for away in (*range(-year - 2, -year + 3), *range(year - 2, year + 3)):
        # Not `empty` itself: one of two may miss the limit by little.
        other = np.full(len(there), 0.0)
        source = np.arange(len(there)) + away
        inside = (source >= 0) & (source < len(there))
        other[inside] = (at_zero / np.maximum(there, 1))[source[inside]]
        empty &= other <= 0.5
    return (np.flatnonzero(empty) + int(order.periods.min())).tolist()


def _zeros(view: PanelView, target: str) -> np.ndarray:
    return view.frame[target].to_numpy(dtype=float) == 0


def _within(values: np.ndarray, ago: np.ndarray, low: Periods, high: Periods) -> np.ndarray:
    """Known rows from `low` to below `high` periods before the last known one, (rows,) mask."""
    return np.isfinite(values) & (ago >= low) & (ago < high)
