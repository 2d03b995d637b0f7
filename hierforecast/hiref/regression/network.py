"""What training moves, as one row of numbers: from it to raw effects of series, and from their slopes back to its own.

The two kinds of embeddings, see `effects`, are two classes with the same methods, so that training need not know which
it works on. Raw effects are those before c_f, with the baseline as the first column.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.regression.effects import Columns, Parameters
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

    def curvature(self, place: np.ndarray, bent: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Product with a rough inverse of the curvature, from (series, 1 + columns, 1 + columns) that of raw effects."""


def make_network(hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> Network:
    """The network of the kind that `start` is of."""
    return (FullNetwork if start.full else LowRankNetwork)(hierarchy, columns, strengths, start)


class FullNetwork:
    """``raw[s] = shared + sum over levels of Embedding_l[node_l(s)]``, an embedding being 0 for columns it may not move."""

    def __init__(self, hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> None:
        self._codes = list(hierarchy.series.T)
        self._members = _members(hierarchy)
        self._varies = np.vstack([np.ones(len(hierarchy.levels), dtype=bool), columns.varies(hierarchy.levels)]).T
        self._shapes = [table.shape for table in start.embeddings.values()]
        self._width = 1 + len(start.theta)
        self._strengths = strengths.columns
        tables = [np.broadcast_to(row, shape).ravel() for row, shape in zip(strengths.columns, self._shapes, strict=True)]
        self.ridge = np.concatenate([np.full(self._width, TINY), *tables])

    def pack(self, parameters: Parameters) -> np.ndarray:
        """See `Network`."""
        tables = [(table * varies).ravel() for table, varies in zip(parameters.embeddings.values(), self._varies, strict=True)]
        return np.concatenate([[parameters.bias], parameters.theta, *tables])

    def unpack(self, place: np.ndarray, start: Parameters) -> Parameters:
        """See `Network`."""
        tables = dict(zip(start.embeddings, (table.copy() for table in self._tables(place)), strict=True))
        return start._replace(bias=np.asarray(place[0]), theta=place[1 : self._width].copy(), embeddings=tables)

    def raw(self, place: np.ndarray) -> np.ndarray:
        """See `Network`."""
        total = np.broadcast_to(place[: self._width], (len(self._codes[0]), self._width)).copy()
        for table, code in zip(self._tables(place), self._codes, strict=True):
            total += table.take(code, axis=0)
        return total

    def slopes(self, place: np.ndarray, pulled: np.ndarray) -> np.ndarray:  # noqa: ARG002 raw effects are linear here
        """See `Network`."""
        tables = [(members @ pulled * varies).ravel() for members, varies in zip(self._members, self._varies, strict=True)]
        return np.concatenate([pulled.sum(axis=0), *tables])

    def curvature(self, place: np.ndarray, bent: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:  # noqa: ARG002
        """See `Network`."""
        flat = bent.reshape(len(bent), -1)
        inverses = [np.linalg.inv(_solvable(bent.sum(axis=0) + TINY * np.eye(self._width)))[None]]
        for members, varies, strengths in zip(self._members, self._varies, self._strengths, strict=True):
            blocks = (members @ flat).reshape(-1, self._width, self._width) * np.outer(varies, varies)
            inverses.append(np.linalg.inv(blocks + np.diag(strengths)) * np.outer(varies, varies))

        def apply(slope: np.ndarray) -> np.ndarray:
            parts = [slope[: self._width][None], *self._tables(slope)]
            return np.concatenate([(i @ p[:, :, None]).ravel() for i, p in zip(inverses, parts, strict=True)])

        return apply

    def _tables(self, place: np.ndarray) -> list[np.ndarray]:
        return _split(place[self._width :], self._shapes)


class LowRankNetwork:
    """``raw[s] = shared [1, z[s]]``, z being the embeddings side by side; shared holds bias and w above theta and P."""

    def __init__(self, hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> None:
        self._codes = list(hierarchy.series.T)
        self._members = _members(hierarchy)
        self._shapes = [table.shape for table in start.embeddings.values()]
        sizes = [size for _, size in self._shapes]
        varies = np.vstack([np.ones(len(sizes), dtype=bool), columns.varies(hierarchy.levels)])
        self._keep = np.column_stack([np.ones(len(varies), dtype=bool), np.repeat(varies, sizes, axis=1)])
        self._nodes = strengths.nodes
        shared = np.column_stack([np.full(len(varies), TINY), np.repeat(strengths.columns.T, sizes, axis=1)])
        tables = [np.full(shape, strength).ravel() for strength, shape in zip(strengths.nodes, self._shapes, strict=True)]
        self._shared_ridge = shared
        self.ridge = np.concatenate([shared.ravel(), *tables])

    def pack(self, parameters: Parameters) -> np.ndarray:
        """See `Network`."""
        first = np.column_stack(
            [np.append(parameters.bias, parameters.theta), np.vstack([parameters.weights, parameters.loadings])]
        )
        return np.concatenate([(first * self._keep).ravel(), *(table.ravel() for table in parameters.embeddings.values())])

    def unpack(self, place: np.ndarray, start: Parameters) -> Parameters:
        """See `Network`."""
        shared, tables = self._parts(place)
        return start._replace(
            bias=np.asarray(shared[0, 0]),
            weights=shared[0, 1:].copy(),
            theta=shared[1:, 0].copy(),
            loadings=shared[1:, 1:].copy(),
            embeddings=dict(zip(start.embeddings, (table.copy() for table in tables), strict=True)),
        )

    def raw(self, place: np.ndarray) -> np.ndarray:
        """See `Network`."""
        shared, tables = self._parts(place)
        return self._z(tables) @ shared.T

    def slopes(self, place: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """See `Network`."""
        shared, tables = self._parts(place)
        back = pulled @ shared[:, 1:]  # (series, width)
        parts = [members @ part for members, part in zip(self._members, self._blocks(back), strict=True)]
        return np.concatenate([(pulled.T @ self._z(tables) * self._keep).ravel(), *(part.ravel() for part in parts)])

    def curvature(self, place: np.ndarray, bent: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """See `Network`."""
        shared, tables = self._parts(place)
        z, pulled = self._z(tables), bent @ shared[:, 1:]  # (series, 1 + columns, width)
        common = self._shared_curvature(z, bent)
        inverses = []
        for members, part, block, strength in zip(
            self._members, self._blocks(shared[:, 1:]), self._blocks(pulled), self._nodes, strict=True
        ):
            size = part.shape[1]
            small = (part.T @ block).reshape(len(block), -1)  # (series, size * size)
            inverses.append(np.linalg.inv((members @ small).reshape(-1, size, size) + strength * np.eye(size)))

        def apply(slope: np.ndarray) -> np.ndarray:
            first, parts = self._parts(slope)
            left = [(i @ p[:, :, None]).ravel() for i, p in zip(inverses, parts, strict=True)]
            return np.concatenate([common(first).ravel(), *left])

        return apply

    def _shared_curvature(self, z: np.ndarray, bent: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Rows of shared parameters together: sums of bent products times products of z, as if these were unrelated."""
        size = bent.shape[1]
        pairs = (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)
        own = np.einsum("skk->sk", bent).T @ pairs  # (1 + columns, width * width)
        blocks = own.reshape(size, z.shape[1], z.shape[1]) * self._keep[:, :, None] * self._keep[:, None, :]
        inverse = np.linalg.inv(blocks + np.eye(z.shape[1]) * (self._shared_ridge + 1e-9)[:, None, :])
        return lambda first: (inverse @ first[:, :, None])[:, :, 0] * self._keep

    def _parts(self, place: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        count = self._keep.size
        return place[:count].reshape(self._keep.shape), _split(place[count:], self._shapes)

    def _z(self, tables: list[np.ndarray]) -> np.ndarray:
        parts = [table.take(code, axis=0) for table, code in zip(tables, self._codes, strict=True)]
        return np.concatenate([np.ones((len(self._codes[0]), 1)), *parts], axis=1)

    def _blocks(self, wide: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([size for _, size in self._shapes])[:-1]
        return np.split(wide, ends, axis=-1)


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
