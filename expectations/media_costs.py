"""Money and exposure of a tactical belong together: period by period, and at a price that does not jump."""

from typing import ClassVar

import numpy as np

from expectations.history.plausibility import far_from_usual
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

SMALL = 0.01  # of a tactical's usual period: what is left of a booking or a view
SCATTER = 5  # median distances from the median: what is bought in different sizes has no one price
# Share of its periods above which a tactical is left out: it is free, or billed at other times than it is shown. Money without
# exposure has fewer good reasons (paid in advance, or spread over a month of which ads ran in a part) than the other way.
SELDOM = {"spend": 0.2, "exposure": 0.5}


class ExpectSpendAndExposureTogether(PanelExpectation):
    """No period in which a tactical costs money and is not seen, or is seen and costs nothing while others do cost.

    Where that is more than seldom, it is how the tactical is counted: it is left out, and named.

    Args:
        pairs: per tactical its spend column and its exposure column.
        missing: "exposure" or "spend": what must be there where the other is.
    """

    pairs: dict[str, list[str]]
    missing: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "pairs", "missing")

    def find(self, view: PanelView) -> Finding:
        """Periods with the one and without the other."""
        found, keys, broken, left_out = [], [], 0, []
        for tactical, columns in self.pairs.items():
            spend, exposure = (view.frame[column].to_numpy(dtype=float) for column in columns)
            there, gone = (spend, exposure) if self.missing == "exposure" else (exposure, spend)
            present = _counts(there)
            rows = present & ~(gone > 0)
            if rows.sum() > SELDOM[self.missing] * present.sum():
                left_out.append(f"{tactical} ({int(rows.sum()):,} of {several(int(present.sum()), self.frequency)})")
            elif rows.any():
                found.append(f"{tactical} in {several(int(rows.sum()), self.frequency)}")
                keys += [f"{key} ({tactical})" for key in view.keys(rows)]
                broken += int(rows.sum())
        other = "spend" if self.missing == "exposure" else "exposure"
        note = f". Too often without {self.missing} to be judged: {', '.join(left_out)}" if left_out else ""
        if not found:
            judged = several(len(self.pairs) - len(left_out), "tactical")
            return Finding(f"{judged}, none with {other} and without {self.missing}{note}")
        cure = "Is a join or a delivery incomplete?"
        return Finding(f"{other} without {self.missing}: {', '.join(found)}. {cure}{note}", broken, tuple(keys[:SHOWN_KEYS]))


class ExpectSteadyCost(PanelExpectation):
    """What one exposure costs stays within a factor (`checks.max_jump`) of the tactical's median, and within its scatter.

    Args:
        pairs: per tactical its spend column and its exposure column.
        limit: the factor.
    """

    pairs: dict[str, list[str]]
    limit: float
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "pairs", "limit")

    def find(self, view: PanelView) -> Finding:
        """Periods in which a tactical was far cheaper or dearer than usual."""
        found, keys, broken = [], [], 0
        for tactical, columns in self.pairs.items():
            spend, exposure = (view.frame[column].to_numpy(dtype=float) for column in columns)
            both = (spend > 0) & (exposure > 0) & (_counts(spend) | _counts(exposure))
            cost = np.divide(spend, exposure, out=np.zeros(len(spend)), where=both)
            rows = far_from_usual(view, cost, self.limit) & _outlying(cost, both)
            if rows.any():
                found.append(f"{tactical} in {several(int(rows.sum()), self.frequency)}")
                usual = float(np.median(cost[both]))
                shown = np.flatnonzero(rows)[:SHOWN_KEYS]
                keys += [
                    f"{key} ({tactical}): {cost[row] / usual:,.3g} times the usual cost"
                    for key, row in zip(view.keys(shown), shown, strict=True)
                ]
                broken += int(rows.sum())
        if not found:
            return Finding(f"{several(len(self.pairs), 'tactical')}, each at its usual cost per exposure")
        cure = "Another unit of spend or of exposure, or a slip?"
        told = f"cost per exposure beyond a factor of {self.limit:g}: {', '.join(found)}"
        return Finding(f"{told}. {cure}", broken, tuple(keys[:SHOWN_KEYS]))


def _outlying(cost: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Rows whose cost lies far out of the tactical's own scatter, (rows,)."""
    if not both.any():
        return both
    logs = np.log(cost, out=np.zeros(len(cost)), where=both)
    away = np.abs(logs - np.median(logs[both]))
    return both & (away > SCATTER * np.median(away[both]))


def _counts(amounts: np.ndarray) -> np.ndarray:
    """Rows with more than what is left over from other periods, (rows,)."""
    positive = amounts > 0
    return amounts > (SMALL * np.median(amounts[positive]) if positive.any() else 0.0)
