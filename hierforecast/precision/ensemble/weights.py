"""Weights of models from how well each foretold every week: stacking, pseudo-BMA+ and equal weights.

    stacking     w = argmax sum_t log sum_m w_m exp(elpd[t, m])   over w >= 0, sum w = 1
    pseudo-BMA+  w = mean over b of softmax_m( weeks sum_t d[b, t] elpd[t, m] ),   d[b] ~ Dirichlet(1, ..., 1) over weeks

Yao, Vehtari, Simpson & Gelman 2018, "Using stacking to average Bayesian predictive distributions", Bayesian Analysis 13(3),
doi:10.1214/17-BA1091. The standard errors of the weights come from the Bayesian bootstrap over weeks (Rubin 1981,
doi:10.1214/aos/1176345338): with stacking, the weights are found anew for every d[b]. Weeks count as exchangeable there.

Weights that predict best are not weights that attribute best.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.errors import SettingsError
from hierforecast.precision.ensemble.simplex import optimality_gap, stacking_weights
from hierforecast.precision.psis import require_log_densities

GAP = 1e-8  # nats over all weeks
BOOTSTRAP_GAP = 1e-4  # nats: far below the spread between bootstrapped weeks
PRUNED = 1e-6  # a smaller weight is tried as 0


class Weights(NamedTuple):
    """What each model weighs, in the order of the columns; log densities in nats."""

    weights: np.ndarray  # (models,) shares that sum to 1; models that foretell alike share equally
    standard_error: np.ndarray  # (models,) of the weights; 0 where they do not depend on the weeks
    elpd: np.ndarray  # (models,) sum over weeks
    elpd_difference: np.ndarray  # (models,) elpd minus the best model's, <= 0
    difference_se: np.ndarray  # (models,) standard error of the difference; 0 for the best
    gap: float  # no other weights can raise the sum over weeks of the mixture's log density by more than this


def stack(pointwise: np.ndarray, *, draws: int = 200, seed: int = 0) -> Weights:
    """The weights whose mixture foretold the weeks best, to within 1e-8 nats over all weeks.

    Args:
        pointwise: (weeks, models) log p(y_t | y_-t) or log p(y_t | y_<t) by model.
        draws: Bayesian bootstraps behind the standard errors.
        seed: of the bootstraps.

    Raises:
        PanelError: not a table of finite log densities.
        SettingsError: fewer than 2 bootstraps.
    """
    pointwise = require_log_densities(pointwise, name="pointwise", axes=("week", "model"))
    weeks = len(pointwise)
    weights = stacking_weights(pointwise, np.ones((1, weeks)), tolerance=GAP)[0]
    pruned = np.where(weights < PRUNED, 0.0, weights)
    pruned /= pruned.sum()
    if optimality_gap(pointwise, pruned) <= GAP:
        weights = pruned
    replicates = stacking_weights(pointwise, _bootstrap(weeks, draws, seed) * weeks, tolerance=BOOTSTRAP_GAP)
    return _describe(pointwise, weights, replicates.std(axis=0))


def pseudo_bma(pointwise: np.ndarray, *, draws: int = 1000, seed: int) -> Weights:
    """Pseudo-BMA+: a softmax of the models' elpd, averaged over Bayesian bootstraps of the weeks.

    Args:
        pointwise: (weeks, models) log p(y_t | y_-t) or log p(y_t | y_<t) by model.
        draws: Bayesian bootstraps.
        seed: of the bootstraps.

    Raises:
        PanelError: not a table of finite log densities.
        SettingsError: fewer than 2 bootstraps.
    """
    from scipy.special import softmax

    pointwise = require_log_densities(pointwise, name="pointwise", axes=("week", "model"))
    weeks = len(pointwise)
    replicates = softmax(weeks * (_bootstrap(weeks, draws, seed) @ pointwise), axis=1)
    return _describe(pointwise, replicates.mean(axis=0), replicates.std(axis=0))


def equal(pointwise: np.ndarray) -> Weights:
    """The same weight for every model, to compare with.

    Args:
        pointwise: (weeks, models) log p(y_t | y_-t) or log p(y_t | y_<t) by model.

    Raises:
        PanelError: not a table of finite log densities.
    """
    pointwise = require_log_densities(pointwise, name="pointwise", axes=("week", "model"))
    models = pointwise.shape[1]
    return _describe(pointwise, np.full(models, 1 / models), np.zeros(models))


def _bootstrap(weeks: int, draws: int, seed: int) -> np.ndarray:
    """(draws, weeks) shares of the weeks, Dirichlet(1, ..., 1)."""
    if draws < 2:
        raise SettingsError(f"draws is {draws}, wanted at least 2 Bayesian bootstraps (some hundreds to be of use)")
    return np.random.default_rng(seed).dirichlet(np.ones(weeks), size=draws)


def _describe(pointwise: np.ndarray, weights: np.ndarray, standard_error: np.ndarray) -> Weights:
    """The weights beside the models' own elpd and its differences, paired by week."""
    elpd = pointwise.sum(axis=0)
    difference = pointwise - pointwise[:, [int(elpd.argmax())]]
    return Weights(
        weights=weights,
        standard_error=standard_error,
        elpd=elpd,
        elpd_difference=difference.sum(axis=0),
        difference_se=np.sqrt(len(pointwise) * difference.var(axis=0)),
        gap=optimality_gap(pointwise, weights),
    )
