"""What a fit says about rows, from the columns of the design and the effects of every series."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from hierforecast.hiref.link import LARGEST, Link


class Predicted(NamedTuple):
    """A fit's value of rows.

    Args:
        value: (rows,) on the link scale; under the mixed link in units.
        grown: (rows,) under the mixed link, log of what the drivers are added to; None otherwise.
    """

    value: np.ndarray
    grown: np.ndarray | None = None

    def shifted(self, level: np.ndarray) -> "Predicted":
        """With (rows,) of a recent level added, on the scale on which the baseline adds up."""
        if self.grown is None:
            return Predicted(self.value + level)
        grown = self.grown + level
        return Predicted(self.value + raise_to_units(grown) - raise_to_units(self.grown), grown)

    def only(self, chosen: np.ndarray) -> "Predicted":
        """Of some rows."""
        return Predicted(self.value[chosen], None if self.grown is None else self.grown[chosen])


def predict(link: Link, X: np.ndarray, series: np.ndarray, baseline: np.ndarray, total: np.ndarray, calendar: int) -> Predicted:
    """Apply effects to rows.

    Args:
        link: of the model.
        X: (rows, columns) of the design.
        series: (rows,) places in the next two.
        baseline: (series,) with intercepts; under the mixed link a log.
        total: (series, columns).
        calendar: how many columns belong to the calendar, the first ones; they multiply under the mixed link.
    """
    if link.name != "mixed":
        return Predicted(baseline[series] + weigh(X, total, series, range(X.shape[1])))
    grown = baseline[series] + weigh(X, total, series, range(calendar))
    added = weigh(X, total, series, range(calendar, X.shape[1]))
    return Predicted(raise_to_units(grown) + added, grown)


def raise_to_units(grown: np.ndarray) -> np.ndarray:
    """exp, bounded where floats end."""
    return np.exp(np.minimum(grown, LARGEST))


def weigh(X: np.ndarray, effects: np.ndarray, series: np.ndarray, columns: Collection[int]) -> np.ndarray:
    """``sum_k X[row,k] effects[series[row],k]`` over the given columns, (rows,), without a (rows, columns) copy."""
    total = np.zeros(len(X))
    for column in columns:
        total += X[:, column] * effects[:, column][series]
    return total
