"""Feeds that stand still: the same value again and again where a series always moved."""

from typing import ClassVar

import numpy as np

from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

REPEATED = 8  # equal values in a row
RESTLESS = 0.9  # share of a series' other values that differ from the one before
MOSTLY = 0.6  # the same over all series and stretches: prices rest, and one that moved a while does not always


class ExpectMovingValues(PanelExpectation):
    """No series that always moves stands still for 8 periods: a feed that repeats its last value.

    Args:
        target: the column that parts history from plan; plans may be flat.
        columns: to be judged, each by itself.
    """

    target: str
    columns: list[str]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "columns")

    def find(self, view: PanelView) -> Finding:
        """Series with such a stretch, and where it begins."""
        last = view.last_known(self.target)
        if last is None:
            return Finding("no known target: nothing to judge")
        found, keys = [], []
        for column in self.columns:
            begins = standing_still(view, column, last)
            if len(begins):
                found.append(f"{column!r} in {several(len(begins), 'stretch').replace('stretchs', 'stretches')}")
                keys += [f"{key} ({column})" for key in view.keys(begins)]
        if not found:
            return Finding(f"{several(len(self.columns), 'column')}, none stands still where it used to move")
        cure = "Does the source still deliver?"
        what = f"the same value for {REPEATED} or more {self.frequency}s where it always moved: {'; '.join(found)}"
        return Finding(f"{what}. {cure}", len(found), tuple(keys[:SHOWN_KEYS]))


def standing_still(view: PanelView, column: str, last: int) -> np.ndarray:
    """Rows that begin a stretch of equal values other than 0, in series that move nearly always, (stretches,) positions."""
    order = view.ordered
    values = view.frame[column].to_numpy(dtype=float)[order.rows]
    judged = np.isfinite(values) & (order.periods <= last)
    same = np.zeros(len(values), dtype=bool)
    same[1:] = (values[1:] == values[:-1]) & (np.diff(order.series) == 0) & judged[1:] & judged[:-1]
    begins = np.flatnonzero(~same)
    lengths = np.diff(np.r_[begins, len(values)])
    held = values[judged] if judged.any() else np.zeros(1)
    bounds = (0.0, held.min(), held.max())  # where shares and ratings rest by nature
    long = (lengths >= REPEATED) & ~np.isin(values[begins], bounds) & judged[begins]
    if not long.any():
        return np.array([], dtype=int)
    inside = np.repeat(long, lengths)
    others = judged & ~inside
    moves = np.add.reduceat((others & ~same).astype(float), order.starts)
    count = np.add.reduceat(others.astype(float), order.starts)
    if moves.sum() < MOSTLY * judged.sum():
        return np.array([], dtype=int)
    restless = (count >= 2 * REPEATED) & (moves >= RESTLESS * count)
    chosen = begins[long]
    return order.rows[chosen[restless[order.series[chosen]]]]
