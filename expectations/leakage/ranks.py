"""Whether the changes of a column and of the target agree in rank, series by series, in weeks in which something sold.

One huge week that both share, and a flag of the weeks in which anything can sell, correlate at 0.99 with a target that they
know nothing else of. Ranks give such weeks no more weight than others, and a flag stands still while something sells.
"""

import numpy as np

from expectations.leakage.likeness import Likeness, Place, in_all_forms
from expectations.leakage.series_blocks import changed, cut, shifted
from expectations.panel_view import PanelView
from expectations.within_series import MIN_PAIRS

_ENOUGH = 16  # pairs in all
_ROWS = 20_000


def agreement_in_rank(
    view: PanelView, column: np.ndarray, target: np.ndarray, place: Place, numbers: Likeness, lag: int
) -> float:
    """Mean over series of |Spearman's r| of changes between weeks that both sold something.

    Where sales are too rare for that, of the values themselves in weeks with sales, less 0.3: the few that there are, or none
    and a flag, agree in order too easily.

    Args:
        view: the panel.
        column: sorted (rows,).
        target: sorted (rows,).
        place: the form, shift and scale that are judged.
        numbers: the series and shifts that `place` was found in.
        lag: periods by which the model moves the column back.
    """
    of_changes, of_values = _Mean(), _Mean()
    for block in cut(view.ordered, numbers.series[:: max(1, len(view.ordered.rows) // _ROWS)]):
        own = block.take([target])
        form = in_all_forms(block.take([column]), own[:, 0], block.periods)[:, place.form]
        future = shifted(own, block.periods, lag + numbers.shifts[place.shift])[:, 0]
        sold = np.where(future != 0, future, np.nan)
        of_values.add(form, sold)
        of_changes.add(changed(form, block.periods), changed(sold, block.periods))
    return of_changes.mean if of_changes.pairs >= _ENOUGH else of_values.mean - 0.3


class _Mean:
    """Mean of |Spearman's r|, weighted by pairs."""

    def __init__(self) -> None:
        self.total, self.pairs = 0.0, 0

    def add(self, first: np.ndarray, second: np.ndarray) -> None:
        """Add (series, weeks) of both."""
        for x, y in zip(first, second, strict=True):
            kept = np.isfinite(x) & np.isfinite(y)
            if kept.sum() >= MIN_PAIRS:
                self.total += kept.sum() * abs(_spearman(x[kept], y[kept]))
                self.pairs += int(kept.sum())

    @property
    def mean(self) -> float:
        return self.total / self.pairs if self.pairs else 0.0


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    ranks = [_ranked(values) for values in (first, second)]
    size = np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1]))
    return float(ranks[0] @ ranks[1] / size) if size > 0 else 0.0


def _ranked(values: np.ndarray) -> np.ndarray:
    """Centred ranks; equal values share theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared = ends - (counts - 1) / 2
    ranks = shared[place]
    return ranks - ranks.mean()
