"""What a series' season leads to expect of a driver whose future nobody knows.

    b[s] = argmin sum_t (x[s,t] - b[s,0] - <b[s,1:], season[t]>)^2 + |b[s,1:]|^2

The sums behind it add up over batches of rows.
"""

from dataclasses import dataclass

import numpy as np

from hierforecast.hiref.moments.sums import sum_moments

_STEADY = 1e-6  # keeps a series without rows solvable


@dataclass(frozen=True)
class SeasonSums:
    """Cross products per series of the constant, the season and the drivers' columns.

    Args:
        gram: (series, width, width) of constant and season.
        right: per driver, (series, width) of constant and season with its column.
    """

    gram: np.ndarray
    right: dict[str, np.ndarray]

    def __add__(self, other: "SeasonSums") -> "SeasonSums":
        return SeasonSums(self.gram + other.gram, {name: side + other.right[name] for name, side in self.right.items()})

    def add_at(self, series: np.ndarray, part: "SeasonSums") -> "SeasonSums":
        """With the sums of a batch added at (batch series,) places, each of them once."""

        def added(old: np.ndarray, new: np.ndarray) -> np.ndarray:
            old = old.copy()
            old[series] += new
            return old

        return SeasonSums(
            added(self.gram, part.gram), {name: added(side, part.right[name]) for name, side in self.right.items()}
        )

    def renumber(self, places: np.ndarray, count: int) -> "SeasonSums":
        """The same with series s now called ``places[s]`` among `count`; the others have no rows."""
        empty = no_sums(count, self.gram.shape[1] - 1, list(self.right))
        return empty.add_at(places, self)

    def expectations(self) -> dict[str, np.ndarray]:
        """Per driver, (series, width) the coefficients b; the season is shrunk as by one row."""
        width = self.gram.shape[1]
        shrink = np.diag([_STEADY] + [1.0] * (width - 1))
        return {name: np.linalg.solve(self.gram + shrink, side[..., None])[..., 0] for name, side in self.right.items()}


def no_sums(count: int, season_columns: int, names: list[str]) -> SeasonSums:
    """The sums over no rows."""
    width = season_columns + 1
    return SeasonSums(np.zeros((count, width, width)), {name: np.zeros((count, width)) for name in names})


def sum_season(season: np.ndarray, columns: dict[str, np.ndarray], series: np.ndarray, count: int) -> SeasonSums:
    """One pass over rows.

    Args:
        season: (rows, season columns).
        columns: per driver, (rows,); at least one.
        series: (rows,) which of `count` series.
        count: number of series.
    """
    width = 1 + season.shape[1]
    *others, last = columns.values()
    products = sum_moments(np.vstack([season.T, *others]).T, last, series, count).products
    right = {name: products[:, :width, width + place] for place, name in enumerate(columns)}
    return SeasonSums(products[:, :width, :width], right)


def expect(table: np.ndarray, season: np.ndarray, series: np.ndarray) -> np.ndarray:
    """The expectation per row, (rows,).

    Args:
        table: (series, width) coefficients.
        season: (rows, season columns).
        series: (rows,) places in the table; negative, a new series, takes the average.
    """
    usual = np.vstack([table, table.mean(axis=0)])[series]
    return usual[:, 0] + (usual[:, 1:] * season).sum(axis=1)
