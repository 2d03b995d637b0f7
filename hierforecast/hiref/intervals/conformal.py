"""Prediction intervals from errors that were made on weeks the model had not seen (split conformal).

A fit without the last periods forecasts them; its errors on the link scale, each divided by its series' noise, are
pooled, and their quantiles times a series' noise are the interval. Horizons are pooled.

Source: Lei et al. (2018), Distribution-free predictive inference for regression, JASA 113(523), section 5 (scaled).
"""

from typing import NamedTuple

import numpy as np

NOISE_ROWS = 10.0  # rows' worth of doubt before a series' noise departs from the common one
FEWEST = 100  # errors that must stand behind a quantile


class Interval(NamedTuple):
    """Quantiles of scaled errors: a forecast's interval is its value plus noise times these."""

    lower: float
    upper: float


def noise_of(squares: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Noise sd per series, (series,), from summed squared residuals and rows; shrunk to the common one."""
    common = squares.sum() / max(counts.sum(), 1.0)
    return np.sqrt(np.maximum((squares + NOISE_ROWS * common) / (counts + NOISE_ROWS), 1e-300))


def series_noise(residuals: np.ndarray, series: np.ndarray, count: int) -> np.ndarray:
    """`noise_of` (rows,) residuals of (rows,) series."""
    return noise_of(np.bincount(series, residuals**2, count), np.bincount(series, minlength=count).astype(float))


def conformal(unseen: np.ndarray, fitted: np.ndarray, coverage: float) -> Interval:
    """The interval that covered `coverage` of scaled errors.

    Args:
        unseen: errors of forecasts, divided by noise; used alone when there are at least `FEWEST`.
        fitted: errors within training, divided by noise, to fill up with.
        coverage: nominal share between the two ends.
    """
    errors = unseen if len(unseen) >= FEWEST else np.concatenate([unseen, fitted])
    tail = (1.0 - coverage) / 2.0
    # (n + 1) / n: with few errors the outermost quantiles must reach a little further to cover as promised.
    tail = max(tail * (len(errors) + 1) / len(errors) - 1.0 / len(errors), 0.0)
    lower, upper = np.quantile(errors, [tail, 1.0 - tail])
    return Interval(min(float(lower), 0.0), max(float(upper), 0.0))
