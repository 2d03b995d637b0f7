"""A quick look at all series: where does a column move like the target's present or future, if only in a few of them?"""

import numpy as np

from expectations.leakage.likeness import FURTHEST
from expectations.leakage.series_blocks import changed, correlate_all, cut, shifted
from expectations.panel_view import PanelView
from expectations.within_series import MIN_CHANGES

_WORTH_A_LOOK = 0.8  # a logarithm of the target moves with it at this
_LOOKED_AT = 5  # series per column


def clearest_series(view: PanelView, columns: list[np.ndarray], target: np.ndarray, *, lag: int, but: np.ndarray) -> np.ndarray:
    """Numbers of the few series in which any sorted (rows,) column moves most like the target 0 to 8 periods ahead.

    Args:
        view: the panel.
        columns: each compared as it is and as a running sum.
        target: sorted (rows,).
        lag: periods by which the model moves the columns back.
        but: series that have been looked at already.
    """
    rest = np.setdiff1d(np.arange(len(view.ordered.starts)), but, assume_unique=True)
    found = np.zeros((len(view.ordered.starts), len(columns)))
    for block in cut(view.ordered, rest):
        step = changed(block.take([target]), block.periods)
        futures = np.concatenate([shifted(step, block.periods, lag + ahead) for ahead in range(FURTHEST + 1)], axis=1)
        moved = changed(block.take(columns), block.periods)
        judged = np.isfinite(futures[:, :1])
        enough = ((np.abs(moved) > 0) & judged).sum(axis=2) >= MIN_CHANGES
        for form in (moved, changed(moved, block.periods)):
            beside = correlate_all(form, futures)
            strongest = np.abs(beside.r * (beside.pairs >= MIN_CHANGES)).max(axis=2)
            found[block.series] = np.maximum(found[block.series], strongest * enough)
    few = min(_LOOKED_AT, len(found))
    top = np.argpartition(-found, few - 1, axis=0)[:few]
    clear = np.take_along_axis(found, top, axis=0) >= _WORTH_A_LOOK
    return np.unique(top[clear])
