"""A history cut into blocks of time: rows about their own series' mean in each block, and one matrix of sums per block.

    C[b] = sum over series s and rows t in block b of w[s] (v[s,t] - mean[s,b]) (v[s,t] - mean[s,b])', v = [columns, target]

What moves more slowly than a block is the recent level's business and cannot be told from it, so it is taken out here:
otherwise two things that merely drift would explain each other (spurious regression: Granger & Newbold 1974,
doi:10.1016/0304-4076(74)90034-7). Series are weighed by how precise their sales are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.errors import PanelError
from hierforecast.hiref.material import Material

FEWEST_BLOCKS, MOST_BLOCKS = 6, 16  # fewer leave nothing to take halves of; more make blocks too short to have a mean
DOUBT = 5.0  # rows' worth of the average variance in each series' own
ALWAYS = -1  # the group of columns that are never left out: season, trend, holidays, target lags


class Blocks(NamedTuple):
    """Centred, weighted rows and their sums; columns are in units of their own spread, the target in that of its noise.

    Args:
        columns: (rows, columns).
        target: (rows,) on the link scale.
        block: (rows,) number of the block of time.
        series: (rows,) series of the hierarchy.
        group: (columns,) place of the driver each column belongs to, or ALWAYS.
        signs: (columns,) +1, -1, or 0 where free.
        sums: (blocks, columns + 1, columns + 1), target last, as means per row of the block.
        rows: (blocks,) rows behind each.
    """

    columns: np.ndarray
    target: np.ndarray
    block: np.ndarray
    series: np.ndarray
    group: np.ndarray
    signs: np.ndarray
    sums: np.ndarray
    rows: np.ndarray

    def total(self, chosen: np.ndarray) -> np.ndarray:
        """Mean products over (..., blocks) chosen blocks: (..., columns + 1, columns + 1)."""
        weights = chosen * self.rows
        return np.tensordot(weights / weights.sum(axis=-1, keepdims=True), self.sums, axes=1)


def cut_blocks(data: Material, drivers: Sequence[str], horizon: int) -> Blocks:
    """Cut a history into blocks of about one horizon.

    Raises:
        PanelError: the history is too short to be cut into blocks.
    """
    rows = data.recent.rows
    periods = rows.last + 1
    count = int(np.clip(periods // max(horizon, 1), FEWEST_BLOCKS, MOST_BLOCKS))
    if periods < 4 * count:
        raise PanelError(
            f"drivers are chosen over {count} blocks of time of at least 4 periods each, and this history has {periods} "
            "periods; give a longer one, or declare the drivers yourself"
        )
    block = np.minimum(rows.period * count // periods, count - 1)
    group = np.full(len(data.design.columns.names), ALWAYS)
    for place, driver in enumerate(drivers):
        group[data.design.drivers[driver]] = place
    sides = np.column_stack([data.recent.X, data.recent.value])
    cell = rows.series * count + block  # rows of a series lie together and in time, so cells do too
    centred = _centre(sides, cell)
    centred *= np.sqrt(_precision(centred, rows.series, len(data.hierarchy.series)))[:, None]
    if data.recent.weight is not None:
        centred *= np.sqrt(data.recent.weight / max(data.recent.weight.mean(), 1e-12))[:, None]
    spread = np.sqrt(np.mean(centred**2, axis=0))
    # A driver that never moves within a block is left without effect here, not divided by nothing.
    centred /= np.where(spread > 1e-9 * max(spread[-1], 1e-12), spread, np.inf)
    sums = np.stack([centred[block == b].T @ centred[block == b] / max((block == b).sum(), 1) for b in range(count)])
    signs = np.where(group == ALWAYS, 0.0, data.design.columns.signs)
    behind = np.bincount(block, minlength=count).astype(float)
    return Blocks(centred[:, :-1], centred[:, -1], block, rows.series, group, signs, sums, behind)


def _centre(sides: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """(rows, sides) about the mean of each row's cell."""
    starts = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    sizes = np.diff(np.append(starts, len(cell)))
    means = np.add.reduceat(sides, starts, axis=0) / sizes[:, None]
    return sides - np.repeat(means, sizes, axis=0)


def _precision(centred: np.ndarray, series: np.ndarray, count: int) -> np.ndarray:
    """One over the noise variance of each row's series, (rows,), from one regression for all; 1 on average."""
    columns, target = centred[:, :-1], centred[:, -1]
    gram = columns.T @ columns
    gram += 1e-6 * np.diag(np.diag(gram)) + 1e-12 * np.eye(len(gram))
    left = target - columns @ np.linalg.solve(gram, columns.T @ target)
    squares, rows = np.bincount(series, left**2, count), np.bincount(series, minlength=count)
    usual = max(float(squares.sum() / len(left)), 1e-12)
    precision = (rows + DOUBT) / (squares + DOUBT * usual)
    precision = precision[series]
    return precision / precision.mean()
