"""The covariance of the network's parameters around an optimum, laid out by what is shared and what belongs to nodes.

Shared are bias, w, theta and P, as (1 + columns, 1 + width): row 0 is bias and w, row k theta and P of column k. Each node
has its embedding. Both couple through every series, so the matrix is put together from small products per series.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from hierforecast.hierarchy import Hierarchy

LARGEST = 1500  # parameters whose covariance is kept whole; nodes of levels beyond that are taken one by one
_CHUNK = 1024  # series at a time, to bound memory


class Slopes(NamedTuple):
    """How baseline and effects move with the parameters.

    Args:
        z: (series, 1 + width) a 1 and the embeddings; the 1 alone where embeddings are full, as w and P stay then.
        bend: (series, 1 + columns) slope of softplus, 1 where free.
        loadings: (1 + columns, width) w above P.
        keep: as wide as z, per baseline and column: which shared parameters exist.
        shared_ridge: of the same shape.
        node_ridge: (levels, size).
    """

    z: np.ndarray
    bend: np.ndarray
    loadings: np.ndarray
    keep: np.ndarray
    shared_ridge: np.ndarray
    node_ridge: np.ndarray

    @property
    def size(self) -> int:
        """Numbers per node."""
        return self.node_ridge.shape[1]


class Covariance(NamedTuple):
    """Variances of the raw effect of one column, before softplus, in terms of what series are made of.

    Args:
        shared: (1 + width, 1 + width) of theta and P.
        cross: (1 + width, nodes) of theta and P with each node's share.
        nodes: (nodes, nodes) of the nodes' shares, levels one after another; those kept whole.
        apart: per level number that is not kept whole, (nodes,) variances.
    """

    shared: np.ndarray
    cross: np.ndarray
    nodes: np.ndarray
    apart: dict[int, np.ndarray]


class Layout(NamedTuple):
    """Which levels are kept whole, where their nodes start in a list of all such nodes, and how many those are."""

    whole: tuple[int, ...]
    starts: dict[int, int]
    count: int


def lay_out(hierarchy: Hierarchy, slopes: Slopes) -> Layout:
    """Keep whole the levels with the fewest nodes, as long as their parameters are at most `LARGEST`."""
    sizes = [len(hierarchy.nodes[level]) for level in hierarchy.levels]
    room, whole = LARGEST - int(slopes.keep.sum()), []
    for level in np.argsort(sizes, kind="stable"):
        if sizes[level] * slopes.size <= room:
            room -= sizes[level] * slopes.size
            whole.append(int(level))
    starts, count = {}, 0
    for level in sorted(whole):
        starts[level] = count
        count += sizes[level]
    return Layout(tuple(sorted(whole)), starts, count)


def covariances(
    products: np.ndarray, scale: np.ndarray, hierarchy: Hierarchy, slopes: Slopes, layout: Layout
) -> list[Covariance]:
    """Per column (without the constant), how its raw effect may be off.

    Args:
        products: (series, 1 + columns, 1 + columns) weighted, intercepts profiled out.
        scale: (series,) noise variance times weight: 1 where weights say all that is to say about noise.
        hierarchy: nodes and series.
        slopes: at the optimum.
        layout: from `lay_out`.
    """
    bent = products * slopes.bend[:, :, None]
    bent *= slopes.bend[:, None, :]
    ridge = _ridge(hierarchy, slopes, layout)
    usual = float(np.average(scale, weights=np.maximum(products[:, 0, 0], 1e-12)))
    blocks = {level: _alone(bent, scale, usual, level, hierarchy, slopes) for level in _apart(hierarchy, layout)}
    bread = assemble(bent, hierarchy, slopes, layout) + np.diag(ridge)
    bent *= scale[:, None, None]  # in place: it is as large as the moments
    meat = assemble(bent, hierarchy, slopes, layout) + np.diag(usual * ridge)
    inverse = _invert(bread)
    whole = inverse @ meat @ inverse
    return [_of_column(column, whole, blocks, slopes, layout) for column in range(1, bent.shape[1])]


def _of_column(column: int, whole: np.ndarray, blocks: dict[int, np.ndarray], slopes: Slopes, layout: Layout) -> Covariance:
    keep, size = slopes.keep, slopes.size
    shared_count, width = int(keep.sum()), keep.shape[1]
    own = keep.ravel().cumsum().reshape(keep.shape)[column] - 1
    exists = np.flatnonzero(keep[column])
    rows = own[exists]
    shared = np.zeros((width, width))
    shared[np.ix_(exists, exists)] = whole[np.ix_(rows, rows)]
    cross = np.zeros((width, layout.count))
    pull = np.zeros(layout.count * size)
    for level in layout.whole:
        start, stop = _span(level, layout, whole, shared_count, size)
        pull[start:stop] = np.tile(slopes.loadings[column, level * size : (level + 1) * size], (stop - start) // size)
    cross[exists] = (whole[rows, shared_count:] * pull).reshape(len(rows), layout.count, size).sum(axis=2)
    local = whole[shared_count:, shared_count:] * np.outer(pull, pull)
    nodes = local.reshape(layout.count, size, layout.count, size).sum(axis=(1, 3))
    apart = {}
    for level, block in blocks.items():
        loading = slopes.loadings[column, level * size : (level + 1) * size]
        apart[level] = np.einsum("nij,i,j->n", block, loading, loading)
    return Covariance(shared, cross, nodes, apart)


def assemble(bent: np.ndarray, hierarchy: Hierarchy, slopes: Slopes, layout: Layout) -> np.ndarray:
    """``sum_s J' A J`` over the parameters kept whole, without ridge."""
    keep, size = slopes.keep.ravel(), slopes.size
    shared_count = int(keep.sum())
    total = np.zeros((shared_count + layout.count * size,) * 2)
    total[:shared_count, :shared_count] = _shared(bent, slopes.z)[np.ix_(keep, keep)]
    for level in layout.whole:
        pulled = bent @ slopes.loadings[:, level * size : (level + 1) * size]  # (series, 1 + columns, size)
        start, stop = (shared_count + end for end in _span(level, layout, total, shared_count, size))
        cross = _cross(pulled, slopes.z, hierarchy.series[:, level], (stop - start) // size)
        total[:shared_count, start:stop] = cross[keep]
        total[start:stop, :shared_count] = cross[keep].T
        for other in (other for other in layout.whole if other >= level):
            first, last = (shared_count + end for end in _span(other, layout, total, shared_count, size))
            total[start:stop, first:last] = _between(pulled, slopes, hierarchy, level, other)
            total[first:last, start:stop] = total[start:stop, first:last].T
    return total


def _shared(bent: np.ndarray, z: np.ndarray) -> np.ndarray:
    count, width = bent.shape[1], z.shape[1]
    row, column = np.triu_indices(count)  # both sides are symmetric, so a quarter of the products says all
    first, second = np.triu_indices(width)
    flat = row * count + column
    upper = np.zeros((len(row), len(first)))
    for at in range(0, len(z), _CHUNK):
        part = z[at : at + _CHUNK]
        pairs = part.take(first, axis=1) * part.take(second, axis=1)
        upper += bent[at : at + _CHUNK].reshape(len(part), -1).take(flat, axis=1).T @ pairs
    half = np.empty((len(row), width, width))
    half[:, first, second] = half[:, second, first] = upper
    total = np.empty((count, count, width, width))
    total[row, column] = total[column, row] = half
    return total.transpose(0, 2, 1, 3).reshape(count * width, count * width)


def _cross(pulled: np.ndarray, z: np.ndarray, node: np.ndarray, nodes: int) -> np.ndarray:
    """Shared parameters against the embeddings of a level, (shared, nodes * size)."""
    count, size, width = pulled.shape[1], pulled.shape[2], z.shape[1]
    order = np.argsort(node, kind="stable")
    ends = np.searchsorted(node[order], np.arange(nodes + 1))
    total = np.zeros((count, width, nodes, size))
    for number in range(nodes):
        rows = order[ends[number] : ends[number + 1]]
        total[:, :, number] = np.tensordot(pulled[rows], z[rows], axes=(0, 0)).transpose(0, 2, 1)
    return total.reshape(count * width, nodes * size)


def _between(pulled: np.ndarray, slopes: Slopes, hierarchy: Hierarchy, level: int, other: int) -> np.ndarray:
    """Embeddings of one level, whose products are `pulled`, against those of another, (nodes * size, nodes * size)."""
    size = slopes.size
    small = pulled.transpose(0, 2, 1) @ slopes.loadings[:, other * size : (other + 1) * size]
    rows, columns = (len(hierarchy.nodes[hierarchy.levels[number]]) for number in (level, other))
    pair = hierarchy.series[:, level].astype(np.int64) * columns + hierarchy.series[:, other]
    total = _sums(pair, small, rows * columns).reshape(rows, columns, size, size)
    return total.transpose(0, 2, 1, 3).reshape(rows * size, columns * size)


def _alone(bent: np.ndarray, scale: np.ndarray, usual: float, level: int, hierarchy: Hierarchy, slopes: Slopes) -> np.ndarray:
    """Covariance of every node's embedding with all else held fixed, (nodes, size, size)."""
    size, node = slopes.size, hierarchy.series[:, level]
    loading = slopes.loadings[:, level * size : (level + 1) * size]
    small = np.einsum("ki,skl,lj->sij", loading, bent, loading, optimize=True)
    count = len(hierarchy.nodes[hierarchy.levels[level]])
    bread, meat = _sums(node, small, count), _sums(node, small * scale[:, None, None], count)
    ridge = np.diag(slopes.node_ridge[level])
    inverse = np.linalg.inv(bread + ridge)
    return inverse @ (meat + usual * ridge) @ inverse


def _sums(codes: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count, ...) sums of (series, ...) values that have the same code."""
    members = csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(count, len(codes)))
    return (members @ values.reshape(len(values), -1)).reshape(count, *values.shape[1:])


def _ridge(hierarchy: Hierarchy, slopes: Slopes, layout: Layout) -> np.ndarray:
    """Per parameter kept whole; bias and theta go free."""
    counts = {level: len(hierarchy.nodes[hierarchy.levels[level]]) for level in layout.whole}
    local = [np.tile(slopes.node_ridge[level], count) for level, count in counts.items()]
    return np.concatenate([slopes.shared_ridge[slopes.keep], *local])


def _invert(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric matrix; directions the data say nothing of are kept from blowing up."""
    size = np.sqrt(np.maximum(np.diag(matrix), 1e-12))
    return np.linalg.inv(matrix / np.outer(size, size) + 1e-9 * np.eye(len(matrix))) / np.outer(size, size)


def _apart(hierarchy: Hierarchy, layout: Layout) -> list[int]:
    return [level for level in range(len(hierarchy.levels)) if level not in layout.whole]


def _span(level: int, layout: Layout, total: np.ndarray, shared_count: int, size: int) -> tuple[int, int]:
    """Where a level's embeddings lie among those of all levels kept whole."""
    later = [start for start in layout.starts.values() if start > layout.starts[level]]
    stop = min(later) * size if later else len(total) - shared_count
    return layout.starts[level] * size, stop
