"""A start from another model's parameters, which saves most of the optimiser's iterations.

What the two have in common, nodes and columns by name and the first numbers of every embedding, is taken over; further
numbers of an embedding are small and random, so that training can tell nodes apart by them; further columns start at no
effect.
"""

from collections.abc import Sequence

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.material import Material
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.training import SPREAD
from hierforecast.options import Training


def start_from(
    parameters: Parameters,
    known: Hierarchy,
    names: Sequence[str],
    *,
    data: Material,
    training: Training,
) -> Parameters:
    """Parameters of a fitted model, in the shape of another.

    Args:
        parameters: of the fitted model.
        known: its nodes; its levels are those of `data`.
        names: its columns, in order.
        data: what the other is to be trained on.
        training: sizes and seed of the other.
    """
    hierarchy, columns = data.hierarchy, data.design.columns
    rng = np.random.default_rng(training.seed)
    size, old = training.embedding_size, next(iter(parameters.embeddings.values())).shape[1]
    shared = min(size, old)
    embeddings = {}
    for level in hierarchy.levels:
        table = rng.normal(0.0, SPREAD, (len(hierarchy.nodes[level]), size))
        place = {node: row for row, node in enumerate(known.nodes[level])}
        here = [row for row, node in enumerate(hierarchy.nodes[level]) if node in place]
        table[here, :shared] = parameters.embeddings[level][[place[hierarchy.nodes[level][row]] for row in here], :shared]
        embeddings[level] = table
    levels = len(hierarchy.levels)
    weights = np.zeros((levels, size))
    weights[:, :shared] = parameters.weights.reshape(levels, old)[:, :shared]
    places = {name: place for place, name in enumerate(names)}
    wanted = [places.get(name, -1) for name in columns.names]
    had = np.array(wanted) >= 0
    loadings = np.zeros((len(wanted), levels, size))
    loadings[had, :, :shared] = parameters.loadings.reshape(len(names), levels, old)[np.array(wanted)[had], :, :shared]
    return Parameters(
        bias=parameters.bias,
        weights=weights.reshape(-1),
        theta=np.where(had, np.append(parameters.theta, 0.0)[wanted], 0.0),
        loadings=loadings.reshape(len(wanted), -1),
        embeddings=embeddings,
        signs=columns.signs,
        column_scales=np.where(had, np.append(parameters.column_scales, 1.0)[wanted], _spread(data.moments)),
        target_scale=parameters.target_scale,
    )


def _spread(moments: Moments) -> np.ndarray:
    """(columns,) standard deviation of each column within series; 1 where it does not move."""
    variance = np.diag(moments.centred())[:-1] / max(float(moments.counts.sum()), 1.0)
    return np.where(variance > 0, np.sqrt(np.maximum(variance, 0.0)), 1.0)
