"""A start near the answer from sums alone, from which training needs few iterations."""

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Columns, Parameters, constrain, unconstrain
from hierforecast.hiref.regression.ridge import Strengths

LEAST_EFFECT = 0.02  # of a noise sd per column sd: a start at exactly 0 would sit on softplus' flat end
FULL = "full"


def initial_parameters(
    moments: Moments, hierarchy: Hierarchy, columns: Columns, strengths: Strengths, *, rows: float
) -> Parameters:
    """Full embeddings: bias at the target's mean, main effects by least squares within series, and in the first number of
    every embedding the node's mean residual; the others are 0.

    `rows` are those behind the moments, see `training.train`.
    """
    scales, noise, slopes = _within_series_fit(moments, rows)
    products = moments.scaled(scales, noise)
    counts, signs = products[:, 0, 0], columns.signs
    theta = unconstrain(slopes * scales / noise, signs, least=LEAST_EFFECT)
    left = products[:, 0, -1] - products[:, 0, 1:-1] @ constrain(theta, signs)  # (series,) summed residuals
    bias = left.sum() / max(counts.sum(), 1e-300)
    left = left - bias * counts
    size = 1 + len(theta)
    embeddings = {}
    for level, strength in zip(hierarchy.levels, strengths.columns[:, 0], strict=True):
        nodes, count = hierarchy.membership(level), len(hierarchy.nodes[level])
        mean = np.bincount(nodes, left, count) / (np.bincount(nodes, counts, count) + strength)
        left = left - counts * mean[nodes]
        embeddings[level] = np.zeros((count, size))
        embeddings[level][:, 0] = mean
    return Parameters(
        bias=np.asarray(bias),
        weights=np.tile(np.eye(size)[0], len(embeddings)),
        theta=theta,
        loadings=identity_loadings(columns, hierarchy),
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
