"""Sums that hold everything a squared loss can learn from rows: one small matrix per series.

    M[s] = [1 X y]' [1 X y]   summed over the rows of series s

Moments of disjoint rows add up, so shards, weeks and folds combine by ``+`` instead of another pass over the rows.
"""

from dataclasses import dataclass

import numpy as np


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
        """(series,) rows behind each matrix."""
        return self.products[:, 0, 0]

    def centred(self) -> np.ndarray:
        """(columns + 1, columns + 1) products of columns and target about each series' own mean, over all series."""
        sums = self.products[:, 0, 1:]
        means = sums / np.maximum(self.counts, 1)[:, None]
        return self.products[:, 1:, 1:].sum(axis=0) - sums.T @ means

    def scaled(self, columns: np.ndarray, target: float) -> np.ndarray:
        """The products in units of (columns,) column scales and of the target's scale."""
        scale = np.concatenate([[1.0], columns, [target]])
        return self.products / np.outer(scale, scale)


def sum_moments(columns: np.ndarray, target: np.ndarray, series: np.ndarray, count: int) -> Moments:
    """One pass over rows.

    Args:
        columns: (rows, columns), fastest in Fortran order.
        target: (rows,) on the link scale.
        series: (rows,) which of `count` series; rows of a series must lie together.
        count: number of series, those without rows included.
    """
    size = columns.shape[1] + 2
    products = np.zeros((count, size, size))
    if not len(target):
        return Moments(products)
    starts = np.flatnonzero(np.concatenate([[True], series[1:] != series[:-1]]))
    present = series[starts]
    sides = [np.ones(len(target)), *columns.T, target]
    for i in range(size):
        for j in range(i, size):
            products[present, i, j] = products[present, j, i] = np.add.reduceat(sides[i] * sides[j], starts)
    return Moments(products)
