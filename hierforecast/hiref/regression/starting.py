"""A start from another model's parameters, which saves most of the optimiser's iterations.

Only a model of the same columns and sizes can lend them: nodes are found by name, and one that it did not know starts at 0,
where what the other levels say of it holds.
"""

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.regression.effects import Columns, Parameters
from hierforecast.hiref.regression.initial import FULL, identity_loadings
from hierforecast.options import Training


def start_from(
    parameters: Parameters,
    known: Hierarchy,
    had: Columns,
    hierarchy: Hierarchy,
    columns: Columns,
    *,
    training: Training,
) -> Parameters | None:
    """Parameters of a fitted model for other rows or strengths; None where columns or sizes differ.

    Args:
        parameters: of the fitted model.
        known: its nodes; its levels are those of `hierarchy`.
        had: its columns.
        hierarchy: nodes of what the other is to be trained on.
        columns: of the other.
        training: how the other is to be trained.
    """
    size = FULL if parameters.full else next(iter(parameters.embeddings.values())).shape[1]
    if had.names != columns.names or size != training.embedding_size:
        return None
    embeddings = {}
    for level, table in parameters.embeddings.items():
        place = {node: row for row, node in enumerate(known.nodes[level])}
        rows = np.array([place.get(node, len(table)) for node in hierarchy.nodes[level]])
        embeddings[level] = np.vstack([table, np.zeros((1, table.shape[1]))])[rows]
    loadings = identity_loadings(columns, hierarchy) if parameters.full else parameters.loadings
    return parameters._replace(embeddings=embeddings, loadings=loadings, signs=columns.signs)
