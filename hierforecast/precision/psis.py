"""Leave-one-week-out from one fit: Pareto-smoothed importance sampling.

    log ratio[s, t] = -log p(y_t | ..., theta_s)              draw s of the fit to all weeks, as if week t were not there
    elpd[t] = log sum_s weight[s, t] p(y_t | ..., theta_s)    weights: smoothed ratios that sum to 1 over the draws

The largest ratios, M = ceil(min(S / 5, 3 sqrt(S / relative efficiency))) of S draws, are replaced by the expected order
statistics of a generalised Pareto distribution fitted to them, and none may pass the largest raw ratio. Its shape k says how
far the weights may be believed.

Vehtari, Simpson, Gelman, Yao & Gabry 2024, "Pareto smoothed importance sampling", JMLR 25(72). The fit is the empirical Bayes
estimate of Zhang & Stephens 2009, Technometrics 51(3), doi:10.1198/tech.2009.08017, with their weak prior on k.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.errors import PanelError, SettingsError

LARGEST_K = 0.7  # above it the error of the estimate no longer falls at a useful rate, however many draws (JMLR 25(72))
FEWEST_IN_TAIL = 5  # a distribution of two parameters is not fitted to fewer
PRIOR_DRAWS = 10  # the weak prior: as if so many draws had said k = 1/2
NAMED = 5  # weeks that a warning names before it counts the others
LOWEST_CUTOFF = math.log(np.finfo(float).tiny)  # below it a ratio is 0 beside the largest


class SmoothedWeights(NamedTuple):
    """Importance weights and how far to believe them."""

    log_weights: np.ndarray  # (draws, weeks) log of weights that sum to 1 over the draws
    pareto_k: np.ndarray  # (weeks,) inf: no tail to fit; -inf: every draw weighs the same, nothing is approximated


class Loo(NamedTuple):
    """Expected log predictive density of weeks left out one at a time; log densities in the units of what was given."""

    pointwise: np.ndarray  # (weeks,) log p(y_t | y_-t)
    pareto_k: np.ndarray  # (weeks,) as in `SmoothedWeights`
    elpd: float  # sum over weeks
    standard_error: float  # of the sum
    effective_parameters: float  # p_loo: log density within sample minus elpd
    largest_k: float  # a week above it is not to be believed

    def warnings(self, weeks: Sequence | None = None) -> tuple[str, ...]:
        """A sentence that names the weeks whose value is not to be believed, worst first; none where all are.

        Args:
            weeks: (weeks,) names of the weeks; their positions where not given.
        """
        bad = [week for week in np.argsort(-self.pareto_k, kind="stable") if self.pareto_k[week] > self.largest_k]
        if not bad:
            return ()
        named = ", ".join(f"{week if weeks is None else weeks[week]} (k = {self.pareto_k[week]:.2f})" for week in bad[:NAMED])
        others = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        return (
            f"Pareto k is above {self.largest_k:.2f} in {len(bad)} of {len(self.pareto_k)} weeks: {named}{others}; "
            "look at those weeks, draw more, or fit without them",
        )


def psis_loo(log_likelihood: np.ndarray, *, relative_efficiency: float = 1.0) -> Loo:
    """Leave-one-out of every week, from the draws of one fit to all of them.

    Args:
        log_likelihood: (draws, weeks) log p(y_t | y_-t, theta); log p(y_t | theta) where weeks are independent given theta.
        relative_efficiency: effective draws / draws.

    Raises:
        PanelError: too few draws, or a log density that is not a finite number.
        SettingsError: the relative efficiency is not positive.
    """
    from scipy.special import logsumexp

    log_likelihood = require_log_densities(log_likelihood, name="log_likelihood", axes=("draw", "week"), fewest=2)
    log_weights, pareto_k = smoothed_log_weights(-log_likelihood, relative_efficiency=relative_efficiency)
    draws, weeks = log_likelihood.shape
    pointwise = logsumexp(log_weights + log_likelihood, axis=0)
    within_sample = logsumexp(log_likelihood, axis=0) - math.log(draws)
    return Loo(
        pointwise=pointwise,
        pareto_k=pareto_k,
        elpd=float(pointwise.sum()),
        standard_error=math.sqrt(weeks * pointwise.var()),
        effective_parameters=float((within_sample - pointwise).sum()),
        largest_k=min(1 - 1 / math.log10(draws), LARGEST_K),
    )


def smoothed_log_weights(log_ratios: np.ndarray, *, relative_efficiency: float = 1.0) -> SmoothedWeights:
    """Pareto-smoothed, truncated and normalised weights.

    Args:
        log_ratios: (draws, weeks) log of target over proposal density, each week up to a constant.
        relative_efficiency: effective draws / draws.

    Raises:
        PanelError: fewer than 2 draws, or a ratio that is not a finite number.
        SettingsError: the relative efficiency is not positive.
    """
    from scipy.special import logsumexp

    log_ratios = require_log_densities(log_ratios, name="log_ratios", axes=("draw", "week"), fewest=2)
    draws = len(log_ratios)
    if not 0 < relative_efficiency < math.inf:
        raise SettingsError(f"relative_efficiency is {relative_efficiency}, wanted effective draws / draws, a number above 0")
    ratios = np.ascontiguousarray((log_ratios - log_ratios.max(axis=0)).T)  # (weeks, draws)
    in_tail = math.ceil(min(draws / 5, 3 * math.sqrt(draws / relative_efficiency)))
    pareto_k = _smooth_tails(ratios, in_tail)
    pareto_k[np.ptp(log_ratios, axis=0) == 0] = -np.inf
    ratios -= logsumexp(ratios, axis=1, keepdims=True)
    return SmoothedWeights(ratios.T, pareto_k)


def _smooth_tails(ratios: np.ndarray, in_tail: int) -> np.ndarray:
    """Smooth the tails of (weeks, draws) log ratios <= 0 in place, and give Pareto k (weeks,)."""
    weeks, draws = ratios.shape
    places = np.argpartition(ratios, draws - in_tail - 1, axis=1)[:, -in_tail - 1 :]
    places = np.take_along_axis(places, np.argsort(np.take_along_axis(ratios, places, axis=1), axis=1), axis=1)
    largest = np.take_along_axis(ratios, places, axis=1)  # (weeks, in_tail + 1) ascending
    cutoff = np.exp(np.maximum(largest[:, :1], LOWEST_CUTOFF))
    lengths = (largest > np.maximum(largest[:, :1], LOWEST_CUTOFF)).sum(axis=1)
    pareto_k = np.full(weeks, np.inf)
    for length in np.unique(lengths[lengths >= FEWEST_IN_TAIL]):  # ties shorten a tail; as a rule there is one length
        rows = np.flatnonzero(lengths == length)
        shape, scale = _fit_generalised_pareto(np.exp(largest[rows, -length:]) - cutoff[rows])
        fitted = np.isfinite(shape) & np.isfinite(scale)
        rows, shape, scale = rows[fitted], shape[fitted], scale[fitted]
        quantiles = _pareto_quantiles((np.arange(length) + 0.5) / length, shape[:, None], scale[:, None])
        ratios[rows[:, None], places[rows, -length:]] = np.minimum(np.log(quantiles + cutoff[rows]), 0.0)
        pareto_k[rows] = shape
    return pareto_k


def _fit_generalised_pareto(excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shape and scale, (weeks,) each, of (weeks, tail) excesses > 0 in ascending order.

    Posterior mean of b = -shape / scale over a grid under the likelihood with the shape profiled out; not finite where the
    excesses are too extreme for floating point.
    """
    tail = excess.shape[1]
    points = 30 + int(math.sqrt(tail))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        spread = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
        quartile = excess[:, int(tail / 4 + 0.5) - 1]
        grid = 1 / excess[:, -1:] + spread / (3 * quartile[:, None])  # (weeks, points)
        profiled = np.stack([np.log1p(-b[:, None] * excess).mean(axis=1) for b in grid.T], axis=1)
        likelihood = tail * (np.log(-grid / profiled) - profiled - 1)
        weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        weights[weights < 10 * np.finfo(float).eps] = 0.0
        b = (grid * weights).sum(axis=1) / weights.sum(axis=1)
        shape = np.log1p(-b[:, None] * excess).mean(axis=1)
        scale = -shape / b
    return (tail * shape + PRIOR_DRAWS * 0.5) / (tail + PRIOR_DRAWS), scale


def _pareto_quantiles(probability: np.ndarray, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """scale ((1 - p)^-shape - 1) / shape, and its limit where the shape is 0."""
    exponent = -np.log1p(-probability)
    flat = np.abs(shape) < np.finfo(float).eps
    return scale * np.where(flat, exponent, np.expm1(shape * exponent) / np.where(flat, 1.0, shape))


def require_log_densities(values: np.ndarray, *, name: str, axes: tuple[str, str], fewest: int = 1) -> np.ndarray:
    """The values as a table of finite float64 with enough rows and a column.

    Args:
        values: two-dimensional.
        name: what the caller calls it.
        axes: what a row and a column are, for the message.
        fewest: rows that are needed at least.

    Raises:
        PanelError: another shape, or an entry that is not a finite number.
    """
    try:
        table = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise PanelError(f"{name} is not a table of numbers ({error}); wanted ({axes[0]}s, {axes[1]}s)") from error
    if table.ndim != 2 or not table.size or len(table) < fewest:
        raise PanelError(f"{name} has the shape {table.shape}, wanted ({axes[0]}s >= {fewest}, {axes[1]}s >= 1)")
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        row, column = bad[0]
        raise PanelError(
            f"{name} is {table[row, column]} at {axes[0]} {row}, {axes[1]} {column} ({len(bad)} such entries), wanted finite "
            "log densities; leave out weeks without a target, and look at what the model says of that week"
        )
    return table
