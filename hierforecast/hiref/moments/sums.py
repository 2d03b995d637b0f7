"""Sums that hold everything a squared loss can learn from rows: one small matrix per series.

    M[s] = sum_t weight[t] [1 X y]' [1 X y]        over the rows t of series s

Moments of disjoint rows add up, so shards, weeks and folds combine by ``+`` instead of another pass over the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BLOCK_ROWS = 8192  # rows multiplied at once: their columns then stay in the processor's cache


@dataclass(frozen=True)
class Moments:
    """Cross products per series.

    Args:
        products: (series, columns + 2, columns + 2), symmetric; first the constant, then the columns, last the target.
    """

    products: np.ndarray

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.products + other.products)

    @property
    def counts(self) -> np.ndarray:
        """(series,) rows behind each matrix; where rows are weighted, the sum of their weights."""
        return self.products[:, 0, 0]

    def centred(self) -> np.ndarray:
        """(columns + 1, columns + 1) products of columns and target about each series' own mean, over all series."""
        sums = self.products[:, 0, 1:]
        means = sums / np.where(self.counts > 0, self.counts, 1.0)[:, None]
        return self.products[:, 1:, 1:].sum(axis=0) - sums.T @ means

    def scaled(self, columns: np.ndarray, target: float) -> np.ndarray:
        """The products in units of (columns,) column scales and of the target's scale."""
        scale = np.concatenate([[1.0], columns, [target]])
        return self.products / np.outer(scale, scale)

    def placed(self, places: np.ndarray, count: int) -> "Moments":
        """The same sums with series s standing at ``places[s]`` of `count` series; the others have no rows."""
        products = np.zeros((count, *self.products.shape[1:]))
        products[places] = self.products
        return Moments(products)

    def packed(self) -> np.ndarray:
        """(series, n (n + 1) / 2) the upper triangles row by row, n = columns + 2: symmetric matrices at half the size."""
        upper = np.triu_indices(self.products.shape[1])
        return self.products[:, *upper]

    @classmethod
    def unpacked(cls, triangles: np.ndarray) -> "Moments":
        """The inverse of `packed`."""
        size = int(np.sqrt(2 * triangles.shape[1]))
        products = np.empty((len(triangles), size, size))
        row, column = np.triu_indices(size)
        products[:, row, column] = products[:, column, row] = triangles
        return cls(products)


def sum_moments(
    columns: np.ndarray,
    target: np.ndarray,
    series: np.ndarray,
    count: int,
    *,
    weights: np.ndarray | None = None,
    stretch: np.ndarray | None = None,
    stretched: int = 0,
) -> Moments:
    """One pass over rows.

    Args:
        columns: (rows, columns), fastest in Fortran order.
        target: (rows,) on the link scale; also a working response that is made per row from the present fit.
        series: (rows,) which of `count` series; fastest where they ascend.
        count: number of series, those without rows included.
        weights: (rows,) >= 0, of the present step where weights are found again and again; None weighs rows alike.
        stretch: (rows,) what the constant and the first `stretched` columns are multiplied by; None leaves them.
        stretched: how many.
    """
    size = columns.shape[1] + 2
    products = np.zeros((count, size, size))
    add_rows(products, columns, target, series, weights=weights, stretch=stretch, stretched=stretched)
    return Moments(products)


def add_rows(
    products: np.ndarray,
    columns: np.ndarray,
    target: np.ndarray,
    series: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    stretch: np.ndarray | None = None,
    stretched: int = 0,
) -> None:
    """Add the products of rows, as `sum_moments` takes them, to (series, columns + 2, columns + 2) sums in place."""
    size = columns.shape[1] + 2
    for rows, members in _blocks(series):
        groups, length = rows.shape
        chosen = rows.ravel()
        sides = np.empty((size, groups * length))
        sides[0] = 1.0
        if chosen[-1] - chosen[0] == len(chosen) - 1 and (np.diff(chosen) == 1).all():
            chosen = slice(chosen[0], chosen[-1] + 1)  # neighbours are read faster than scattered rows
            sides[1:-1] = columns[chosen].T
        else:
            columns.T.take(chosen, axis=1, out=sides[1:-1], mode="clip")  # clip: straight into `out`
        sides[-1] = target[chosen]
        if stretch is not None:
            sides[: 1 + stretched] *= stretch[chosen]
        if weights is not None:
            sides *= np.sqrt(weights[chosen])
        batch = sides.reshape(size, groups, length).transpose(1, 0, 2)  # (groups, columns + 2, length)
        if members[-1] - members[0] == len(members) - 1:  # they ascend: neighbours again
            members = slice(members[0], members[-1] + 1)
        products[members] += batch @ batch.transpose(0, 2, 1)


def _blocks(series: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of equally long series side by side: (groups, length) rows, and (groups,) the series of each, all different."""
    if not len(series):
        return
    order = np.arange(len(series))
    if (series[1:] < series[:-1]).any():
        order = np.argsort(series, kind="stable")
        series = series[order]
    starts = np.flatnonzero(np.concatenate([[True], series[1:] != series[:-1]]))
    lengths = np.diff(starts, append=len(series))
    for length in np.unique(lengths[lengths <= BLOCK_ROWS]):
        these = starts[lengths == length]
        step = max(BLOCK_ROWS // int(length), 1)
        for first in range(0, len(these), step):
            some = these[first : first + step]
            yield order[some[:, None] + np.arange(length)], series[some]
    for start, length in zip(starts[lengths > BLOCK_ROWS], lengths[lengths > BLOCK_ROWS], strict=True):
        for first in range(start, start + length, BLOCK_ROWS):
            yield order[None, first : min(first + BLOCK_ROWS, start + length)], series[first : first + 1]
