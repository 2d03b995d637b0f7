"""What training moves, as one row of numbers: from it to raw effects of series, and from their slopes back to its own.

The two kinds of embeddings, see `effects`, are two classes with the same methods, so that training need not know which
it works on. Raw effects are those before c_f, with the baseline as the first column.
"""

from typing import Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.regression.covariance import LARGEST, Slopes, assemble, lay_out
from hierforecast.hiref.regression.effects import Columns, Parameters
from hierforecast.hiref.regression.minimum import Precondition
from hierforecast.hiref.regression.ridge import Strengths

TINY = 1e-6  # ridge on what is shared by all, so that a theta whose sign the data contradict stays finite


class Network(Protocol):
    """Parameters of either kind.

    Args:
        ridge: (parameters,) strength on the square of each.
    """

    ridge: np.ndarray

    def pack(self, parameters: Parameters) -> np.ndarray:
        """(parameters,) the numbers that training moves."""

    def unpack(self, place: np.ndarray, start: Parameters) -> Parameters:
        """The inverse of `pack`; signs and scales are those of `start`."""

    def raw(self, place: np.ndarray) -> np.ndarray:
        """(series, 1 + columns) baseline and raw effects."""

    def slopes(self, place: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """(parameters,) slopes of a function whose slopes by raw effects are (series, 1 + columns)."""

    def curvature(self, place: np.ndarray, bent: np.ndarray) -> Precondition:
        """Product with a rough inverse of the curvature, from (series, 1 + columns, 1 + columns) that of raw effects."""


def make_network(hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> Network:
    """The network of the kind that `start` is of."""
    return (FullNetwork if start.full else LowRankNetwork)(hierarchy, columns, strengths, start)


class FullNetwork:
    """``raw[s] = shared + sum over levels of Embedding_l[node_l(s)]``, an embedding being 0 for columns it may not move."""

    def __init__(self, hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> None:
        self._nodes = Nodes(hierarchy)
        self._varies = _varies(hierarchy, columns).T  # (levels, 1 + columns)
        self._shapes = [table.shape for table in start.embeddings.values()]
        self._width = 1 + len(start.theta)
        self._strengths = strengths.columns
        tables = [np.broadcast_to(row, shape).ravel() for row, shape in zip(strengths.columns, self._shapes, strict=True)]
        self.ridge = np.concatenate([np.full(self._width, TINY), *tables])

    def pack(self, parameters: Parameters) -> np.ndarray:
        """See `Network`."""
        tables = [(table * row).ravel() for table, row in zip(parameters.embeddings.values(), self._varies, strict=True)]
        return np.concatenate([[parameters.bias], parameters.theta, *tables])

    def unpack(self, place: np.ndarray, start: Parameters) -> Parameters:
        """See `Network`."""
        shared, tables = self._parts(place)
        named = {level: table.copy() for level, table in zip(start.embeddings, tables, strict=True)}
        return start._replace(bias=np.asarray(shared[0]), theta=shared[1:].copy(), embeddings=named)

    def raw(self, place: np.ndarray) -> np.ndarray:
        """See `Network`."""
        return self._nodes.spread(*self._parts(place))

    def slopes(self, place: np.ndarray, pulled: np.ndarray) -> np.ndarray:  # noqa: ARG002 raw effects are linear in them
        """See `Network`."""
        sums = self._nodes.sums(pulled)
        return np.concatenate(
            [pulled.sum(axis=0), *((part * row).ravel() for part, row in zip(sums, self._varies, strict=True))]
        )

    def curvature(self, place: np.ndarray, bent: np.ndarray) -> Precondition:  # noqa: ARG002
        """See `Network`: every node by itself."""
        inverses = [np.linalg.inv(_solvable(bent.sum(axis=0) + TINY * np.eye(self._width)))[None]]
        for blocks, row, strengths in zip(self._nodes.sums(bent), self._varies, self._strengths, strict=True):
            both = np.outer(row, row)
            inverses.append(np.linalg.inv(blocks * both + np.diag(strengths)) * both)

        def apply(slope: np.ndarray) -> np.ndarray:
            shared, tables = self._parts(slope)
            return np.concatenate([_multiply(i, part) for i, part in zip(inverses, [shared[None], *tables], strict=True)])

        return apply

    def _parts(self, place: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        return place[: self._width], _split(place[self._width :], self._shapes)


class LowRankNetwork:
    """``raw[s] = shared [1, z[s]]``, z being the embeddings side by side; shared holds bias and w above theta and P."""

    def __init__(self, hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> None:
        self._nodes, self._hierarchy = Nodes(hierarchy), hierarchy
        self._shapes = [table.shape for table in start.embeddings.values()]
        sizes = [size for _, size in self._shapes]
        varies = _varies(hierarchy, columns)
        self._keep = np.column_stack([np.ones(len(varies), dtype=bool), np.repeat(varies, sizes, axis=1)])
        self._strengths = strengths.nodes
        self._shared_ridge = np.column_stack([np.full(len(varies), TINY), np.repeat(strengths.columns.T, sizes, axis=1)])
        tables = [np.full(shape, strength).ravel() for strength, shape in zip(strengths.nodes, self._shapes, strict=True)]
        self.ridge = np.concatenate([self._shared_ridge.ravel(), *tables])

    def pack(self, parameters: Parameters) -> np.ndarray:
        """See `Network`."""
        first = np.append(parameters.bias, parameters.theta)
        shared = np.column_stack([first, np.vstack([parameters.weights, parameters.loadings])]) * self._keep
        return np.concatenate([shared.ravel(), *(table.ravel() for table in parameters.embeddings.values())])

    def unpack(self, place: np.ndarray, start: Parameters) -> Parameters:
        """See `Network`."""
        shared, tables = self._parts(place)
        return start._replace(
            bias=np.asarray(shared[0, 0]),
            weights=shared[0, 1:].copy(),
            theta=shared[1:, 0].copy(),
            loadings=shared[1:, 1:].copy(),
            embeddings={level: table.copy() for level, table in zip(start.embeddings, tables, strict=True)},
        )

    def raw(self, place: np.ndarray) -> np.ndarray:
        """See `Network`."""
        shared, tables = self._parts(place)
        spelled = [table @ block.T for table, block in zip(tables, self._blocks(shared), strict=True)]
        return self._nodes.spread(shared[:, 0], spelled)

    def slopes(self, place: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """See `Network`."""
        shared, tables = self._parts(place)
        sums = self._nodes.sums(pulled)  # per level (nodes, 1 + columns)
        back = np.column_stack([pulled.sum(axis=0), *(part.T @ table for part, table in zip(sums, tables, strict=True))])
        down = [(part @ block).ravel() for part, block in zip(sums, self._blocks(shared), strict=True)]
        return np.concatenate([(back * self._keep).ravel(), *down])

    def curvature(self, place: np.ndarray, bent: np.ndarray) -> Precondition:
        """See `Network`: of all parameters together where they are few, as of Gauss and Newton; else every node by itself,
        and every row of what is shared."""
        shared, tables = self._parts(place)
        if len(place) <= LARGEST:
            return self._together(shared, tables, bent)
        rows = self._rows_curvature(tables, bent)
        inverses = [
            np.linalg.inv(block.T @ blocks @ block + strength * np.eye(block.shape[1]))
            for blocks, block, strength in zip(self._nodes.sums(bent), self._blocks(shared), self._strengths, strict=True)
        ]

        def apply(slope: np.ndarray) -> np.ndarray:
            first, parts = self._parts(slope)
            common = _multiply(rows, first) * self._keep.ravel()
            return np.concatenate([common, *(_multiply(i, part) for i, part in zip(inverses, parts, strict=True))])

        return apply

    def _together(self, shared: np.ndarray, tables: list[np.ndarray], bent: np.ndarray) -> Precondition:
        size = self._shapes[0][1]
        slopes = Slopes(
            z=self._nodes.side_by_side(tables),
            bend=np.ones(bent.shape[:2]),
            loadings=shared[:, 1:],
            keep=self._keep,
            shared_ridge=self._shared_ridge,
            node_ridge=np.repeat(self._strengths[:, None], size, axis=1),
        )
        kept = np.flatnonzero(np.concatenate([self._keep.ravel(), np.ones(len(self.ridge) - self._keep.size, dtype=bool)]))
        matrix = assemble(bent, self._hierarchy, slopes, lay_out(self._hierarchy, slopes))
        matrix[np.diag_indices(len(kept))] += self.ridge[kept] + 1e-9 * np.maximum(matrix.diagonal(), 1e-12)
        factor = cho_factor(matrix, lower=True, overwrite_a=True)

        def apply(slope: np.ndarray) -> np.ndarray:
            step = np.zeros_like(slope)
            step[kept] = cho_solve(factor, slope[kept])
            return step

        return apply

    def _rows_curvature(self, tables: list[np.ndarray], bent: np.ndarray) -> np.ndarray:
        """(1 + columns, 1 + width, 1 + width) inverses."""
        z = self._nodes.side_by_side(tables)
        pairs = (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)
        sums = (np.einsum("skk->sk", bent).T @ pairs).reshape(bent.shape[1], z.shape[1], z.shape[1])
        kept = sums * self._keep[:, :, None] * self._keep[:, None, :]
        return np.linalg.inv(kept + np.eye(z.shape[1]) * (self._shared_ridge + 1e-9)[:, None, :])

    def _parts(self, place: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        count = self._keep.size
        return place[:count].reshape(self._keep.shape), _split(place[count:], self._shapes)

    def _blocks(self, shared: np.ndarray) -> list[np.ndarray]:
        """Per level (1 + columns, size) of w above P."""
        return np.split(shared[:, 1:], np.cumsum([size for _, size in self._shapes])[:-1], axis=1)


class Nodes:
    """From nodes to series and back."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._codes = list(hierarchy.series.T)
        self._members = _members(hierarchy)

    def spread(self, shared: np.ndarray, tables: list[np.ndarray]) -> np.ndarray:
        """``shared + sum over levels of table[node]``, (series, columns)."""
        total = np.tile(shared, (len(self._codes[0]), 1))
        for table, code in zip(tables, self._codes, strict=True):
            total += table.take(code, axis=0)
        return total

    def sums(self, values: np.ndarray) -> list[np.ndarray]:
        """Per level (nodes, ...) sums over the series of a node."""
        flat = values.reshape(len(values), -1)
        return [(members @ flat).reshape(-1, *values.shape[1:]) for members in self._members]

    def side_by_side(self, tables: list[np.ndarray]) -> np.ndarray:
        """(series, 1 + width) a 1 and the embeddings."""
        parts = [table.take(code, axis=0) for table, code in zip(tables, self._codes, strict=True)]
        return np.concatenate([np.ones((len(self._codes[0]), 1)), *parts], axis=1)


def _varies(hierarchy: Hierarchy, columns: Columns) -> np.ndarray:
    """(1 + columns, levels) what may differ between a level's nodes; the baseline always."""
    return np.vstack([np.ones(len(hierarchy.levels), dtype=bool), columns.varies(hierarchy.levels)])


def _multiply(inverses: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each row by its own (or the one) matrix, flat."""
    return (inverses @ rows[:, :, None]).ravel()


def _members(hierarchy: Hierarchy) -> list[csr_array]:
    """Per level (nodes, series), 1 where a series belongs to a node."""
    count = len(hierarchy.series)
    ones, numbers = np.ones(count), np.arange(count)
    return [
        csr_array((ones, (code, numbers)), shape=(len(hierarchy.nodes[level]), count))
        for level, code in zip(hierarchy.levels, hierarchy.series.T, strict=True)
    ]


def _split(flat: np.ndarray, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    ends = np.cumsum([rows * size for rows, size in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]


def _solvable(matrix: np.ndarray) -> np.ndarray:
    """A symmetric matrix made solvable where columns repeat each other."""
    return matrix + np.diag(1e-9 * np.maximum(np.diag(matrix), 1e-12))
