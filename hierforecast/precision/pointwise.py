"""Log densities of single weeks under every draw, in the target's unit: two arrays that must not be mixed up.

    given the past    log p(y_t | y_<t, theta)   add up to the joint log density of all weeks
    given the rest    log p(y_t | y_-t, theta)   what leave-one-out weighs; the same where residuals are independent

Source: Buerkner, Gabry & Vehtari 2021, Computational Statistics 36, doi:10.1007/s00180-020-01045-4.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.precision.operations import in_numpy
from hierforecast.precision.posterior.data import Residuals, follow_each_other
from hierforecast.precision.posterior.residuals import log_factors, log_shock
from hierforecast.precision.response import Coefficients

NODES = 96  # of the quadrature that a Student-t with AR(1) needs; twice as many change nothing beyond 1e-6


class Pointwise(NamedTuple):
    """(draws, observed weeks) log densities, per target unit."""

    given_past: np.ndarray
    given_rest: np.ndarray


def pointwise_log_likelihood(
    coefficients: Coefficients, fitted: np.ndarray, actual: np.ndarray, observed: np.ndarray
) -> Pointwise:
    """Log densities of the observed weeks.

    Args:
        coefficients: draws.
        fitted: (draws, weeks) means, target units.
        actual: (weeks,) target; anything where not observed.
        observed: (weeks,) bool.
    """
    residual = np.where(observed, np.where(observed, actual, 0.0) - fitted, 0.0)
    weeks, noise = follow_each_other(observed), coefficients.noise[:, None]
    correlation = coefficients.correlation[:, None] if coefficients.correlation.any() else None
    tails = coefficients.tails[:, None] if np.isfinite(coefficients.tails).all() else None
    factors = log_factors(residual, noise, correlation, tails, weeks, in_numpy())
    if correlation is None:
        return Pointwise(factors[:, observed], factors[:, observed])
    given_rest = _given_neighbours(residual, noise, correlation, tails, weeks)
    return Pointwise(factors[:, observed], given_rest[:, observed])


def _given_neighbours(
    residual: np.ndarray, noise: np.ndarray, correlation: np.ndarray, tails: np.ndarray | None, weeks: Residuals
) -> np.ndarray:
    """log p(r_t | r_previous, r_next): under AR(1) no other week matters.

    The two shocks that a week takes part in are r_t - c r_previous over s and r_next - c' r_t over s'.
    """
    carried, scale = _links(noise, correlation, weeks)
    onward, onward_scale, following = _next_links(carried, scale, residual, weeks)
    mean = carried * residual[:, weeks.previous]
    if tails is None:
        precision = 1.0 / scale**2 + onward**2 / onward_scale**2
        centre = (mean / scale**2 + onward * following / onward_scale**2) / precision
        return 0.5 * np.log(precision) + log_shock((residual - centre) * np.sqrt(precision), None, in_numpy())
    return _student_given_neighbours(residual, mean, scale, onward, onward_scale, following, tails)


def _student_given_neighbours(
    residual: np.ndarray,
    mean: np.ndarray,
    scale: np.ndarray,
    onward: np.ndarray,
    onward_scale: np.ndarray,
    following: np.ndarray,
    tails: np.ndarray,
) -> np.ndarray:
    """A product of two Student-t densities over its integral, which a quadrature takes, one week after another."""
    ops = in_numpy()
    points, weights = np.polynomial.legendre.leggauss(NODES)
    alone = onward == 0.0  # no week follows

    def product(week: int, value: np.ndarray) -> np.ndarray:
        one = (value - mean[:, week, None]) / scale[:, week, None]
        other = (following[:, week, None] - onward[:, week, None] * value) / onward_scale[:, week, None]
        return log_shock(one, tails, ops) + np.where(alone[:, week, None], 0.0, log_shock(other, tails, ops))

    def integral(week: int, peak: np.ndarray, spread: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Log integral of the product around a peak, (draws,); the tangent takes an angle to the line."""
        first, last = np.arctan((start - peak) / spread)[:, None], np.arctan((end - peak) / spread)[:, None]
        angle = 0.5 * (first + last) + 0.5 * (last - first) * points
        terms = product(week, peak[:, None] + spread[:, None] * np.tan(angle))
        terms += np.log(weights * 0.5 * (last - first) * spread[:, None]) - 2.0 * np.log(np.cos(angle))
        return np.logaddexp.reduce(terms, axis=1)

    density = np.empty_like(residual)
    for week in range(residual.shape[1]):
        # Each factor has a peak of its own; they are far apart where neighbours disagree, so each takes its side of the line.
        steep = np.where(alone, 1.0, onward)[:, week]
        peaks = np.stack([mean[:, week], np.where(alone[:, week], mean[:, week], following[:, week] / steep)])
        spreads = np.stack([scale[:, week], np.where(alone[:, week], scale[:, week], onward_scale[:, week] / np.abs(steep))])
        order = np.argsort(peaks, axis=0)
        (left, right), (near, far) = (np.take_along_axis(both, order, axis=0) for both in (peaks, spreads))
        # The wider one walks in steps that the narrower one, or the way to it, still shows in.
        between, apart = 0.5 * (left + right), right - left
        near, far = np.minimum(near, np.maximum(far, apart)), np.minimum(far, np.maximum(near, apart))
        whole = np.logaddexp(
            integral(week, left, near, np.full_like(left, -np.inf), between),
            integral(week, right, far, between, np.full_like(right, np.inf)),
        )
        density[:, week] = product(week, residual[:, week, None])[:, 0] - whole
    return density


def _links(noise: np.ndarray, correlation: np.ndarray, weeks: Residuals) -> tuple[np.ndarray, np.ndarray]:
    """What a week carries on from the one before, and the scale of what is new; (draws, weeks) each."""
    carried = weeks.follows * np.sign(correlation) ** weeks.gap * np.abs(correlation) ** weeks.gap
    return carried, noise * np.sqrt((1.0 - carried**2) / (1.0 - correlation**2))


def _next_links(
    carried: np.ndarray, scale: np.ndarray, residual: np.ndarray, weeks: Residuals
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same three of the observed week that follows each: nothing is carried, at scale 1, where none does."""
    onward, onward_scale, following = np.zeros_like(carried), np.ones_like(carried), np.zeros_like(carried)
    later = np.flatnonzero(weeks.follows > 0)
    earlier = weeks.previous[later]
    onward[:, earlier], onward_scale[:, earlier], following[:, earlier] = carried[:, later], scale[:, later], residual[:, later]
    return onward, onward_scale, following
