"""A period that is held out for the test may not be a copy of an earlier one, as a feed that got stuck delivers it.

For the last `horizon` known periods h and every earlier period t: 99.9 % of the series that have both agree to the digit. How
little that can be chance is counted in nats over the cells in which something sold:

    evidence(h, t) = sum over series of -log(how often the series has this value again, or any two periods the same)

summed over the held-out periods that are copied from the same distance h - t. A copy is told where the evidence is above
log(comparisons) + log(1e6). A single series has the rest of its row to agree in as well: its media, controls or drivers.
Cells without sales say nothing: shops close on the same days of every year.
"""

from typing import ClassVar, NamedTuple

import numpy as np

from expectations.grid import write_date
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

_MILLION = 6 * np.log(10)
_FEW, _COMPARED = 8, 400  # series: below it the whole row is compared; and how many are compared first
_AGREE = 0.999


class CopiedPeriod(NamedTuple):
    """A held-out period and the earlier one that it repeats, as numbers on the grid."""

    period: int
    source: int


class ExpectNoCopiedPeriods(PanelExpectation):
    """No held-out period repeats an earlier one.

    Args:
        target: the column that is forecast.
        columns: the rest of the row.
        horizon: periods held out.
    """

    target: str
    columns: list[str]
    horizon: int
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "columns", "horizon")

    def find(self, view: PanelView) -> Finding:
        """Held-out periods that are copies, by their dates."""
        copied = find_copied_periods(view, self.target, self.columns, horizon=self.horizon)
        if not copied:
            return Finding(f"the last {several(self.horizon, self.frequency)} repeat none before")
        date = view.grid.date
        keys = tuple(
            f"{self.period}={write_date(date(each.period))} repeats {write_date(date(each.source))}"
            for each in copied[:SHOWN_KEYS]
        )
        what = several(len(copied), f"held-out {self.frequency}")
        found = f"{what} equal to an earlier one in {self.target!r} of at least {_AGREE:.1%} of the series"
        return Finding(f"{found}. Read these {self.frequency}s again from their source, or leave them out", len(copied), keys)


def find_copied_periods(view: PanelView, target: str, columns: list[str], *, horizon: int) -> list[CopiedPeriod]:
    """Held-out periods that repeat earlier ones.

    Args:
        view: the panel.
        target: the column that is forecast.
        columns: the rest of the row, compared where there are fewer than eight series.
        horizon: periods held out.
    """
    order = view.ordered
    known = view.frame[target].to_numpy(dtype=float)[order.rows]
    periods = np.unique(order.periods[np.isfinite(known)])
    if len(periods) < 4:
        return []
    held_out = min(horizon, len(periods) - 2)
    tables = [_table(order.series, order.periods, known, periods)]
    if len(order.starts) < _FEW:
        values = (view.frame[column].to_numpy(dtype=float)[order.rows] for column in columns)
        tables += [_table(order.series, order.periods, each, periods) for each in values]
    evidence = _evidence(tables, held_out)
    if evidence is None:
        return []
    enough = np.log(held_out * len(periods)) + _MILLION
    return [CopiedPeriod(int(periods[place]), int(periods[source])) for place, source in _copied(evidence, enough)]


def _table(series: np.ndarray, numbers: np.ndarray, values: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """(periods, series) values; NaN where there is none."""
    table = np.full((len(periods), int(series.max()) + 1), np.nan)
    place = np.minimum(np.searchsorted(periods, numbers), len(periods) - 1)
    kept = periods[place] == numbers
    table[place[kept], series[kept]] = values[kept]
    return table


def _evidence(tables: list[np.ndarray], held_out: int) -> np.ndarray | None:
    """(periods, periods) nats that say the later period (row) repeats the earlier one; -inf where it does not."""
    sold, count = tables[0], len(tables[0])
    few = slice(None, None, max(1, sold.shape[1] // _COMPARED))
    pairs = [
        (late, source)
        for late in range(count - held_out, count)
        for source in np.flatnonzero(_agree(sold[late, few], sold[:late, few]))
        if _agree(sold[late], sold[[source]]).all() and all(_agree(table[late], table[[source]]).all() for table in tables)
    ]
    if not pairs:
        return None
    evidence = np.full((count, count), -np.inf)
    surprise = [_surprise(table) for table in tables]
    for late, source in pairs:
        cells = [values[late] * (table[late] == table[source]) for table, values in zip(tables, surprise, strict=True)]
        evidence[late, source] = sum(nats.sum() for nats in cells)
    return evidence


def _agree(late: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """(earlier periods,) whether the series that have both agree; where none has both, nothing speaks against it."""
    both = np.isfinite(late) & np.isfinite(earlier)
    same = (np.abs(late - earlier) <= 1e-9 * np.abs(late)) & both
    return same.sum(axis=1) >= _AGREE * both.sum(axis=1)


def _surprise(table: np.ndarray) -> np.ndarray:
    """(periods, series) nats by which to see a cell's value again would surprise; 0 for cells that are 0 or empty."""
    nats = np.zeros(table.shape)
    for place, column in enumerate(table.T):
        telling = np.isfinite(column) & (column != 0)
        if telling.sum() > 1:
            _, where, counts = np.unique(column[telling], return_inverse=True, return_counts=True)
            total = telling.sum()
            of_value = np.maximum(counts - 1, 1) / total
            of_any = max((counts * (counts - 1)).sum(), 2) / (total * (total - 1))
            nats[telling, place] = -np.log(np.minimum(of_value, of_any))[where]
    return nats


def _copied(evidence: np.ndarray, enough: float) -> list[tuple[int, int]]:
    """Held-out periods and their sources, where all that came from one distance is beyond chance."""
    late, source = np.nonzero(np.isfinite(evidence) & (evidence > 0))
    distance = late - source
    summed = np.bincount(distance, evidence[late, source]) if len(late) else np.zeros(1)
    kept = summed[distance] >= enough
    return sorted({int(place): int(origin) for place, origin in zip(late[kept], source[kept], strict=True)}.items())
