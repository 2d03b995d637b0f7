"""From full embeddings to ones of low rank: the few numbers per node that say most of what the full ones say.

Full embeddings pose a problem with one minimum, where signs are free at least; those of low rank have many, and which one
training ends in depends on where it begins. Beginning at the full answer, cut to its leading directions, every fit of about
the same rows ends in about the same place.

With penalties a on embeddings E and b_c on the rows of the loadings L, the cheapest way to write a table M = E L' is by the
singular values of sqrt(a) M diag(sqrt(b)), shared evenly between both sides.

Source: Srebro, Rennie & Jaakkola (2004), Maximum-margin matrix factorization, NeurIPS 17, for the even split.
"""

import numpy as np

from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.ridge import Strengths


def factor_embeddings(full: Parameters, size: int, strengths: Strengths) -> Parameters:
    """Parameters of low rank that come nearest to full ones, in the measure of the penalties.

    Args:
        full: with full embeddings.
        size: numbers per node.
        strengths: ridge of nodes, and of columns per level.
    """
    embeddings, loadings = {}, []
    for (level, table), node, columns in zip(full.embeddings.items(), strengths.nodes, strengths.columns, strict=True):
        left, values, right = np.linalg.svd(table * np.sqrt(node * columns), full_matrices=False)
        kept = min(size, len(values))
        root = np.sqrt(values[:kept])
        embeddings[level] = np.zeros((len(table), size))
        embeddings[level][:, :kept] = left[:, :kept] * root / np.sqrt(node)
        block = np.zeros((table.shape[1], size))
        block[:, :kept] = (right[:kept].T * root) / np.sqrt(columns)[:, None]
        loadings.append(block)
    both = np.hstack(loadings)  # (1 + columns, width)
    return full._replace(embeddings=embeddings, weights=both[0], loadings=both[1:])
