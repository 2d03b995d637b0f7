"""Errors of forecasts that were made from earlier origins, about rows their fits had not seen."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Errors(NamedTuple):
    """One place per row and origin.

    Args:
        series: in training.
        origin: first period that was not known.
        horizon: periods ahead, from 1.
        actual: units.
        mean: forecast, units.
        median: forecast, units.
        value: forecast on the link scale, recent level included.
        error: actual beyond the value, as `Link.errors` measures it.
        noise: sd of such errors in the rows before the origin, of the series.
    """

    series: np.ndarray
    origin: np.ndarray
    horizon: np.ndarray
    actual: np.ndarray
    mean: np.ndarray
    median: np.ndarray
    value: np.ndarray
    error: np.ndarray
    noise: np.ndarray

    @property
    def scaled(self) -> np.ndarray:
        """Errors in units of noise."""
        return self.error / self.noise


def join(parts: Sequence[Errors]) -> Errors:
    """Errors of several origins; none of none."""
    if not parts:
        return Errors(*(np.empty(0, dtype=np.int64),) * 3, *(np.empty(0),) * 6)
    return Errors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def wape(errors: Errors, forecast: np.ndarray) -> float:
    """Absolute error of a forecast, (rows,) units, as a share of what was sold."""
    return float(np.abs(forecast - errors.actual).sum() / max(errors.actual.sum(), 1e-300))


def bias(errors: Errors, forecast: np.ndarray) -> float:
    """What a forecast, (rows,) units, sums to beyond what was sold, as a share of that."""
    return float((forecast - errors.actual).sum() / max(errors.actual.sum(), 1e-300))
