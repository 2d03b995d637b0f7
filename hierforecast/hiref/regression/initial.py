"""A start near the answer from sums alone, from which training needs few iterations."""

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Columns, Parameters, constrain, unconstrain
from hierforecast.hiref.regression.ridge import Strengths
from hierforecast.options import Training

LEAST_EFFECT = 0.02  # of a noise sd per column sd: a start at exactly 0 would sit on softplus' flat end
SPREAD = 0.3  # sd of random embeddings at the start: enough to tell nodes apart, small beside the first column's 1
FULL = "full"


def initial_parameters(
    moments: Moments, hierarchy: Hierarchy, columns: Columns, training: Training, strengths: Strengths, *, rows: float
) -> Parameters:
    """Bias at the target's mean, main effects by least squares within series, and in the first number of every embedding
    the node's mean residual; further numbers are small and random, or 0 where embeddings are full.

    `rows` are those behind the moments, see `training.train`.
    """
    scales, noise, slopes = _within_series_fit(moments, rows)
    products = moments.scaled(scales, noise)
    counts, signs = products[:, 0, 0], columns.signs
    theta = unconstrain(slopes * scales / noise, signs, least=LEAST_EFFECT)
    left = products[:, 0, -1] - products[:, 0, 1:-1] @ constrain(theta, signs)  # (series,) summed residuals
    bias = left.sum() / max(counts.sum(), 1e-300)
    left = left - bias * counts
    full = training.embedding_size == FULL
    size = 1 + len(theta) if full else training.embedding_size
    rng = np.random.default_rng(training.seed)
    embeddings, weights = {}, []
    for level, strength in zip(hierarchy.levels, strengths.columns[:, 0], strict=True):
        nodes, count = hierarchy.membership(level), len(hierarchy.nodes[level])
        mean = np.bincount(nodes, left, count) / (np.bincount(nodes, counts, count) + strength)
        left = left - counts * mean[nodes]
        spread = 1.0 if full else max(float(np.sqrt(np.mean(mean**2))), 1e-3)
        table = np.zeros((count, size)) if full else rng.normal(0.0, SPREAD, (count, size))
        table[:, 0] = mean / np.sqrt(spread)  # shared evenly between embedding and weight: the cheapest split under ridge
        embeddings[level] = table
        weights.append(np.concatenate([[np.sqrt(spread)], np.zeros(size - 1)]))
    return Parameters(
        bias=np.asarray(bias),
        weights=np.concatenate(weights),
        theta=theta,
        loadings=identity_loadings(columns, hierarchy) if full else np.zeros((len(theta), size * len(hierarchy.levels))),
        embeddings=embeddings,
        signs=signs,
        column_scales=scales,
        target_scale=np.asarray(noise),
    )


def identity_loadings(columns: Columns, hierarchy: Hierarchy) -> np.ndarray:
    """P of full embeddings, (columns, width): each column reads its own number of every level it varies over."""
    count = len(columns.names)
    varies = columns.varies(hierarchy.levels)  # (columns, levels)
    places = np.eye(1 + count)[1:]  # (columns, 1 + columns)
    return (varies[:, :, None] * places[:, None, :]).reshape(count, len(hierarchy.levels) * (1 + count))


def _within_series_fit(moments: Moments, rows: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Column scales (columns,), noise sd and slopes (columns,) of one regression about each series' mean."""
    centred = moments.centred()
    total = moments.products.sum(axis=0)
    variance = np.diag(centred)[:-1] / rows
    # A driver that is constant within every series is still told apart between them.
    whole = np.diag(total)[1:-1] / rows - total[0, 1:-1] ** 2 / (rows * max(total[0, 0], 1e-300))
    scales = np.sqrt(np.where(variance > 1e-12 * np.maximum(whole, 1e-300), variance, np.maximum(whole, 0.0)))
    scales = np.where(scales > 0, scales, 1.0)
    gram = centred[:-1, :-1] / np.outer(scales, scales) + np.eye(len(scales))  # the 1 keeps collinear columns solvable
    right = centred[:-1, -1] / scales
    slopes = np.linalg.solve(gram, right)
    noise = (centred[-1, -1] - right @ slopes) / rows
    least = 1e-6 * max(abs(total[-1, -1]) / rows, 1e-12)
    return scales, float(np.sqrt(max(noise, least))), slopes / scales
