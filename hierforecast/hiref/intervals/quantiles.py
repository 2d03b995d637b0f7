"""Quantiles of errors that forecasts made on weeks the model had not seen: split conformal, by size of the forecast.

A forecast's interval is its value plus its scale times the quantiles of scaled errors of forecasts of its size. Between the
middles of size classes the quantiles are interpolated, so that a forecast that grows a little does not jump.

With few origins, whole origins being off together is what one knows least about. The quantiles are then stretched as
Student's t is against the normal, with the degrees of freedom that the errors' origins leave (Satterthwaite 1946,
doi:10.2307/3002019).

Source: Lei et al. (2018), Distribution-free predictive inference for regression, JASA 113(523), section 5 (scaled),
doi:10.1080/01621459.2017.1307116; by class of size: Mondrian conformal prediction, Vovk et al. (2005), Algorithmic Learning
in a Random World, ch. 4.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

FEWEST = 100  # errors that must stand behind a quantile
PER_CLASS = 1000  # errors per size class, so that the outermost 2.5 % are two dozen
MOST_CLASSES = 10
LEAST_FREEDOM = 2.0  # Student's t of fewer degrees promises next to nothing
# Probabilities that quantiles are kept at, closer together towards the ends.
GRID = 1.0 / (1.0 + np.exp(-np.linspace(-7.6, 7.6, 121)))


class Quantiles(NamedTuple):
    """Quantiles of scaled errors.

    Args:
        sizes: (classes,) log of the middle forecast of each class, ascending.
        values: (classes, probabilities of `GRID`).
        freedom: degrees of freedom that the errors' origins leave.
    """

    sizes: np.ndarray
    values: np.ndarray
    freedom: float

    def ends(self, size: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Scaled errors, (rows,) each, below and above which (1 - coverage) / 2 lie; never beyond 0 on the wrong side.

        Args:
            size: (rows,) log of the forecasts; NaN takes the middle of all sizes.
            coverage: nominal share between the two.
        """
        tail = (1.0 - coverage) / 2.0
        stretch = float(stdtrit(self.freedom, tail) / ndtri(tail)) if tail < 0.5 else 1.0
        lower, upper = ([np.interp(p, GRID, row) for row in self.values] for p in (tail, 1.0 - tail))
        below, above = (
            np.where(np.isnan(size), np.mean(end), np.interp(size, self.sizes, end)) * stretch for end in (lower, upper)
        )
        return np.minimum(below, 0.0), np.maximum(above, 0.0)


def tabulate(scaled: np.ndarray, size: np.ndarray, freedom: float) -> Quantiles:
    """Quantiles of (errors,) scaled errors of forecasts of (errors,) log sizes.

    Fewer errors than `FEWEST` are filled up with those of a normal distribution of the same root mean square.
    """
    if len(scaled) < FEWEST:
        spread = np.sqrt(np.mean(scaled**2)) if len(scaled) else 1.0
        missing = FEWEST - len(scaled)
        scaled = np.concatenate([scaled, spread * ndtri((np.arange(missing) + 0.5) / missing)])
        return Quantiles(np.zeros(1), _quantiles(scaled)[None, :], max(freedom, LEAST_FREEDOM))
    order = np.argsort(size, kind="stable")
    distinct = 1 + int((np.diff(size[order]) > 0).sum())
    classes = int(np.clip(len(scaled) // PER_CLASS, 1, min(MOST_CLASSES, distinct)))
    parts = np.array_split(order, classes)
    sizes = np.maximum.accumulate([np.median(size[part]) for part in parts])
    return Quantiles(sizes, np.stack([_quantiles(scaled[part]) for part in parts]), max(freedom, LEAST_FREEDOM))


def _quantiles(errors: np.ndarray) -> np.ndarray:
    """(probabilities of `GRID`,) quantiles, which reach a little further than the sample's own, as they must to cover."""
    count = len(errors)
    outward = np.where(GRID < 0.5, GRID - (1.0 - GRID) / count, GRID + GRID / count)
    return np.quantile(errors, np.clip(outward, 0.0, 1.0))
