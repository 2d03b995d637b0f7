"""At which levels a driver's effect varies, by what that is worth on later blocks of time.

What is left after one effect for all is regressed on the driver node by node, each node shrunk as far as the nodes before
the origin differ by no more than chance:

    u[n] = S_n(x r) / (S_n(x x) + 1 / spread),      spread = the nodes' variance beyond their errors, in noise variances

Source: empirical Bayes by moments, DerSimonian & Laird 1986, doi:10.1016/0197-2456(86)90046-2.
"""

from collections.abc import Sequence

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.selection.blocks import Blocks

SURE = 2.0  # standard errors by which a level must pay


def find_levels(
    blocks: Blocks, hierarchy: Hierarchy, driver: int, residual: np.ndarray, origins: Sequence[int]
) -> tuple[tuple[str, ...], float]:
    """The levels whose nodes differ, the most useful first, and their worth together.

    Args:
        blocks: the history.
        hierarchy: nodes per series.
        driver: its place.
        residual: (origins, rows) what is left at each origin after one effect for all, fitted before it.
        origins: first block after each.

    Returns:
        The levels, and the share of held-out squared error that they take away.
    """
    column = blocks.columns[:, blocks.group == driver].sum(axis=1)
    left = [residual[place].copy() for place in range(len(origins))]
    found: list[str] = []
    before = _held_out(blocks, left, origins)
    while len(found) < len(hierarchy.levels):
        tried = {}
        for level in hierarchy.levels:
            if level in found or len(hierarchy.nodes[level]) < 2:
                continue
            node = hierarchy.membership(level)[blocks.series]
            fits = [_deviations(blocks, column, rows, node, origin) for rows, origin in zip(left, origins, strict=True)]
            after = [rows - fit for rows, fit in zip(left, fits, strict=True)]
            gain = _held_out(blocks, left, origins) - _held_out(blocks, after, origins)
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
            if gain.mean() > SURE * error:
                tried[level] = (gain.mean(), after)
        if not tried:
            break
        best = max(tried, key=lambda level: tried[level][0])
        found.append(best)
        left = tried[best][1]
    return tuple(found), float(1.0 - _held_out(blocks, left, origins).mean() / before.mean())


def _deviations(blocks: Blocks, column: np.ndarray, residual: np.ndarray, node: np.ndarray, origin: int) -> np.ndarray:
    """What nodes of their own would add to each row, (rows,), learned before the origin."""
    early = blocks.block < origin
    count = int(node.max()) + 1
    gram = np.bincount(node[early], column[early] ** 2, count)
    cross = np.bincount(node[early], column[early] * residual[early], count)
    seen = gram > 1e-9
    slopes, noise = cross[seen] / gram[seen], float(np.mean(residual[early] ** 2))
    weights = gram[seen]
    middle = (weights * slopes).sum() / max(weights.sum(), 1e-12)
    excess = (weights * (slopes - middle) ** 2).sum() - (seen.sum() - 1) * noise
    spread = excess / max(weights.sum() - (weights**2).sum() / max(weights.sum(), 1e-12), 1e-12)
    if spread <= 0:
        return np.zeros(len(residual))
    return (cross / (gram + noise / spread))[node] * column


def _held_out(blocks: Blocks, rows: Sequence[np.ndarray], origins: Sequence[int]) -> np.ndarray:
    """Mean squared error in the block after each origin, (origins,)."""
    return np.array([float(np.mean(left[blocks.block == origin] ** 2)) for left, origin in zip(rows, origins, strict=True)])
