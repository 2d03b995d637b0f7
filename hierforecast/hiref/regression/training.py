"""Fitting the network to moments: a start near the answer, then L-BFGS on the whole data at once.

Every combination of nodes, a *series*, also has an intercept u[s] of its own, shrunk like any node. It needs no
parameter: the minimum over u[s] of its penalised squared error is again a quadratic form,

    min_u  sum_t (r[t] - u)^2 + ridge u^2  =  r' (M - m m' / (n + ridge)) r,   m = M's first column,

so it is profiled out of the moments beforehand, and read off them afterwards.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Columns, Parameters, effects_of, unconstrain
from hierforecast.hiref.regression.network import Network
from hierforecast.options import Training

LEAST_EFFECT = 0.02  # of a noise sd per column sd: a start at exactly 0 would sit on softplus' flat end
SPREAD = 0.3  # sd of random embeddings at the start: enough to tell nodes apart, small beside the first column's 1


class Trained(NamedTuple):
    """A fit.

    Args:
        parameters: what was found.
        intercepts: (series,) u, on the link scale.
        loss: mean penalised squared error per row, in units of the noise variance of the starting fit.
        iterations: L-BFGS iterations used.
        converged: whether it stopped by itself.
        trace: further facts about how it went, JSON-ready, such as the rows engine's learning curve.
    """

    parameters: Parameters
    intercepts: np.ndarray
    loss: float
    iterations: int
    converged: bool
    trace: dict[str, Any] | None = None


def train(
    moments: Moments, hierarchy: Hierarchy, columns: Columns, training: Training, *, start: Parameters | None = None
) -> Trained:
    """Minimise squared error / 2 + ridge / 2 * (squares of embeddings, w, P and series intercepts).

    Args:
        moments: of all rows, columns in the order of `columns`.
        hierarchy: the nodes and series behind the moments.
        columns: signs and levels per column.
        training: sizes, strengths and the seed of the start.
        start: parameters to go on from, e.g. of a fit on fewer weeks; None makes a start from the moments.
    """
    start = start or initial_parameters(moments, hierarchy, columns, training)
    products = moments.scaled(start.column_scales, float(start.target_scale))
    profiled = torch.as_tensor(_profile_intercepts(products, training.ridge))
    rows = max(float(moments.counts.sum()), 1.0)
    network = Network(start, hierarchy.series, moments.counts, _mask(columns, hierarchy, training.embedding_size))
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=training.iterations,
        history_size=20,
        max_eval=2 * training.iterations,
        tolerance_grad=1e-6,
        tolerance_change=1e-6 * rows,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = (network.squared_error(profiled) + training.ridge * network.penalty()) / 2
        value.backward()
        return value

    optimizer.step(loss)
    state = optimizer.state[optimizer.param_groups[0]["params"][0]]
    found = network.parameters_now()
    return Trained(
        parameters=found,
        intercepts=_intercepts(products, found, hierarchy, training.ridge),
        loss=2 * float(loss().detach()) / rows,
        iterations=int(state["n_iter"]),
        converged=int(state["n_iter"]) < training.iterations and int(state["func_evals"]) < 2 * training.iterations,
    )


def initial_parameters(moments: Moments, hierarchy: Hierarchy, columns: Columns, training: Training) -> Parameters:
    """A start from sums alone: bias at the target's mean, main effects by least squares within series, and in the
    first column of every embedding the node's mean residual; the other columns are small and random.
    """
    scales, noise, slopes = _within_series_fit(moments)
    products = moments.scaled(scales, noise)
    counts, signs = products[:, 0, 0], columns.signs
    theta = unconstrain(slopes * scales / noise, signs, least=LEAST_EFFECT)
    used = np.where(signs == 0, theta, signs * np.logaddexp(0.0, theta))
    left = products[:, 0, -1] - products[:, 0, 1:-1] @ used  # (series,) summed residuals
    bias = left.sum() / max(counts.sum(), 1.0)
    left = left - bias * counts
    rng = np.random.default_rng(training.seed)
    embeddings, weights = {}, []
    for level in hierarchy.levels:
        nodes = hierarchy.membership(level)
        count = len(hierarchy.nodes[level])
        mean = np.bincount(nodes, left, count) / (np.bincount(nodes, counts, count) + training.ridge)
        left = left - counts * mean[nodes]
        spread = max(float(np.sqrt(np.mean(mean**2))), 1e-3)
        table = rng.normal(0.0, SPREAD, (count, training.embedding_size))
        table[:, 0] = mean / np.sqrt(spread)  # shared evenly between embedding and weight: the cheapest split under ridge
        embeddings[level] = table
        weights.append(np.concatenate([[np.sqrt(spread)], np.zeros(training.embedding_size - 1)]))
    width = training.embedding_size * len(hierarchy.levels)
    return Parameters(
        bias=np.asarray(bias),
        weights=np.concatenate(weights),
        theta=theta,
        loadings=np.zeros((len(theta), width)),
        embeddings=embeddings,
        signs=signs,
        column_scales=scales,
        target_scale=np.asarray(noise),
    )


def _within_series_fit(moments: Moments) -> tuple[np.ndarray, float, np.ndarray]:
    """Column scales (columns,), noise sd and slopes (columns,) of one regression about each series' mean."""
    centred, rows = moments.centred(), max(float(moments.counts.sum()), 1.0)
    total = moments.products.sum(axis=0)
    variance = np.diag(centred)[:-1] / rows
    # A driver that is constant within every series is still told apart between them.
    whole = np.diag(total)[1:-1] / rows - (total[0, 1:-1] / rows) ** 2
    scales = np.sqrt(np.where(variance > 1e-12 * np.maximum(whole, 1e-300), variance, np.maximum(whole, 0.0)))
    scales = np.where(scales > 0, scales, 1.0)
    gram = centred[:-1, :-1] / np.outer(scales, scales) + np.eye(len(scales))  # the 1 keeps collinear columns solvable
    right = centred[:-1, -1] / scales
    slopes = np.linalg.solve(gram, right)
    noise = (centred[-1, -1] - right @ slopes) / rows
    least = 1e-6 * max(abs(total[-1, -1]) / rows, 1e-12)
    return scales, float(np.sqrt(max(noise, least))), slopes / scales


def _profile_intercepts(products: np.ndarray, ridge: float) -> np.ndarray:
    first = products[:, 0, :]
    return products - first[:, :, None] * first[:, None, :] / (first[:, 0] + ridge)[:, None, None]


def _intercepts(products: np.ndarray, parameters: Parameters, hierarchy: Hierarchy, ridge: float) -> np.ndarray:
    unscaled = parameters._replace(column_scales=np.ones(len(parameters.theta)), target_scale=np.asarray(1.0))
    effects = effects_of(unscaled, hierarchy.series)
    first = products[:, 0, :]
    left = first[:, -1] - first[:, 0] * effects.baseline - (first[:, 1:-1] * effects.total).sum(axis=1)
    return left / (first[:, 0] + ridge) * float(parameters.target_scale)


def _mask(columns: Columns, hierarchy: Hierarchy, size: int) -> np.ndarray:
    varies = np.array([[level in by for level in hierarchy.levels] for by in columns.by], dtype=float)
    return np.repeat(varies.reshape(len(columns.by), len(hierarchy.levels)), size, axis=1)
