"""The errors that intervals rest on, as they are kept with a fit."""

from typing import NamedTuple

import numpy as np

from hierforecast.hiref.intervals.errors import Errors
from hierforecast.hiref.intervals.yardstick import Sums, Yardstick, measure_rows, measure_sums

ORIGINS = 12  # earlier origins whose errors within training are kept
MOST_ROWS = 1_000_000  # errors within training that are kept at most; a folder grows by 25 bytes each


class PastErrors(NamedTuple):
    """One place per row that was forecast from an earlier origin.

    Held-out errors are of regressions that had not seen the row. Those within training are of the final regression, which
    had, but with recent levels as they stood at the origin: many origins at no cost, and too small by the share that the
    held-out ones tell.

    Args:
        series: in training.
        origin: first period that was not known.
        horizon: periods ahead, from 1.
        actual: units.
        mean: forecast, units.
        scaled: error on the link scale in units of the series' noise.
        held: whether the regression had not seen the row.
    """

    series: np.ndarray
    origin: np.ndarray
    horizon: np.ndarray
    actual: np.ndarray
    mean: np.ndarray
    scaled: np.ndarray
    held: np.ndarray

    @property
    def period(self) -> np.ndarray:
        """Of each row, since the origin of training."""
        return self.origin + self.horizon - 1

    def only(self, chosen: np.ndarray) -> "PastErrors":
        """Those at some places, or where (errors,) booleans hold."""
        return PastErrors(*(values[chosen] for values in self))


def keep_errors(held: Errors, inside: Errors) -> PastErrors:
    """Held-out errors and those within training together, in small types.

    Over training as a whole, means are made to add up to what was sold: a bias there says nothing of the weeks to come, of
    which held-out errors tell.
    """
    count = len(held.actual)
    within = float(inside.mean.sum())
    inside = inside._replace(mean=inside.mean * (float(inside.actual.sum()) / within if within > 0 else 1.0))
    joined = Errors(*(np.concatenate(pair) for pair in zip(held, inside, strict=True)))
    return PastErrors(
        series=joined.series.astype(np.int32),
        origin=joined.origin.astype(np.int32),
        horizon=joined.horizon.astype(np.int32),
        actual=joined.actual.astype(np.float32),
        mean=joined.mean.astype(np.float32),
        scaled=joined.scaled.astype(np.float32),
        held=np.arange(len(joined.actual)) < count,
    )


def measure_series(past: PastErrors) -> Yardstick:
    """The yardstick of single series."""
    return measure_rows(past.scaled.astype(float), past.mean.astype(float), past.origin, past.horizon, past.held)


def measure_nodes(past: PastErrors, own: np.ndarray, nodes: np.ndarray, growth: float) -> Yardstick:
    """The yardstick of nodes that series add up to.

    Args:
        past: errors of the series.
        own: (errors,) noise variances of the rows, units squared.
        nodes: (series,) the node of each.
        growth: of the series' errors with the horizon.
    """
    keys = np.stack([nodes[past.series], past.origin, past.horizon, past.held], axis=1)
    cells, place = unique_rows(keys)
    sums = [np.bincount(place, values.astype(float), len(cells)) for values in (past.actual, past.mean, own)]
    actual, mean, own = sums
    return measure_sums(Sums(actual - mean, mean, own, cells[:, 1], cells[:, 2], cells[:, 3] > 0), growth)


def unique_rows(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of (rows, columns) integers >= 0, sorted, and the place of every row among them."""
    sizes = keys.max(axis=0, initial=0).astype(np.int64) + 1
    number = np.zeros(len(keys), dtype=np.int64)
    for column, size in enumerate(sizes):
        number = number * size + keys[:, column]
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    return keys[first], place.reshape(-1)
