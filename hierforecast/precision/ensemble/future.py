"""Leave the future out: how well would each week have been foretold by a fit to the weeks before it?

    log ratio[s, t] = -sum_{j >= t} log p(y_j | y_<j, theta_s)     from all weeks back to those before week t
    elpd[t] = log sum_s weight[s, t] p(y_t | y_<t, theta_s)

The weights are Pareto-smoothed. The further back, the more factors are dropped and the less the draws of the full fit know
about what a fit would have believed then: where Pareto k passes 0.7, only a refit helps. From a refit, whose weights are all
equal at its week, the walk goes on backwards. Scales and centres that a fit took from all weeks have still seen the future.

Bürkner, Gabry & Vehtari 2020, "Approximate leave-future-out cross-validation for Bayesian time series models", Journal of
Statistical Computation and Simulation 90(14), doi:10.1080/00949655.2020.1783262.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.psis import LARGEST_K, require_log_densities, smoothed_log_weights


class LeaveFutureOut(NamedTuple):
    """One-step-ahead log predictive densities, and from where on they are to be believed."""

    weeks: np.ndarray  # (scored,) positions of the scored weeks: start .. last
    pointwise: np.ndarray  # (scored,) log p(y_t | y_<t)
    pareto_k: np.ndarray  # (scored,) of the weights before any refit at that week
    elpd: float  # sum over the scored weeks, believed or not
    standard_error: float  # of the sum
    trusted_from: int  # from this week to the last all are to be believed; one past the last where none is
    refits: tuple[int, ...]  # weeks whose value is from a fit to the weeks before, latest first


def leave_future_out(factors: np.ndarray, *, start: int, refit: Callable[[int], np.ndarray] | None = None) -> LeaveFutureOut:
    """One-step-ahead log predictive densities from week `start` on.

    Args:
        factors: (draws, weeks) log p(y_t | y_<t, theta) of a fit to all weeks; their sum over weeks is the log likelihood.
        start: position of the first week to score, from 0; before it lie the weeks that every fit may see.
        refit: gives the (draws, weeks) factors of a fit that has seen only weeks before the given position; called from the
            last weeks to the first where k passes 0.7. Without it those weeks are scored all the same, and not trusted.

    Raises:
        PanelError: factors, given or refitted, of the wrong shape or not finite.
        SettingsError: `start` is not the position of a week.
    """
    factors = require_log_densities(factors, name="factors", axes=("draw", "week"), fewest=2)
    weeks = factors.shape[1]
    if not 0 <= start < weeks:
        raise SettingsError(f"start is {start}, wanted the position of a week, 0 to {weeks - 1}")
    pointwise, pareto_k = np.empty(weeks - start), np.empty(weeks - start)
    refits: list[int] = []
    end = weeks  # the weeks from here on are settled
    while end > start:
        pointwise[: end - start], pareto_k[: end - start] = _score(factors[:, :end], start)
        end = _first_trusted(pareto_k[: end - start], start) - 1
        if refit is None or end < start:
            break
        factors = _refitted(refit, end)
        pointwise[end - start] = _log_mean(factors[:, end])
        refits.append(end)
    return LeaveFutureOut(
        weeks=np.arange(start, weeks),
        pointwise=pointwise,
        pareto_k=pareto_k,
        elpd=float(pointwise.sum()),
        standard_error=math.sqrt(len(pointwise) * pointwise.var()),
        trusted_from=_first_trusted(pareto_k, start) if refit is None else start,
        refits=tuple(refits),
    )


def _score(factors: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Log densities and Pareto k, (weeks - start,) each, by dropping the factors from every week on, from the last back."""
    from scipy.special import logsumexp

    scored = factors[:, start:]
    dropped = np.cumsum(scored[:, ::-1], axis=1)[:, ::-1]
    log_weights, pareto_k = smoothed_log_weights(-dropped)
    return logsumexp(log_weights + scored, axis=0), pareto_k


def _first_trusted(pareto_k: np.ndarray, start: int) -> int:
    """The first week from which no later one is past the bound; one past the last where the last is."""
    bad = np.flatnonzero(pareto_k > LARGEST_K)
    return start + int(bad[-1]) + 1 if bad.size else start


def _refitted(refit: Callable[[int], np.ndarray], week: int) -> np.ndarray:
    """The factors up to and with `week`, (draws, week + 1), from a fit to the weeks before it."""
    factors = np.asarray(refit(week))
    if factors.ndim == 2 and factors.shape[1] <= week:
        raise PanelError(f"refit({week}) gave factors of {factors.shape[1]} weeks, wanted week {week} and all before it")
    return require_log_densities(factors[..., : week + 1], name=f"refit({week})", axes=("draw", "week"), fewest=2)


def _log_mean(log_densities: np.ndarray) -> float:
    """Log of the mean density over (draws,)."""
    from scipy.special import logsumexp

    return float(logsumexp(log_densities) - math.log(len(log_densities)))
