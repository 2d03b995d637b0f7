"""The model's equations in NumPy: from parameters and nodes to the baseline and the effects of every series.

    z[s]        = concat over levels of Embedding_l[node_l(s)]
    baseline[s] = bias + <w, z[s]>
    effect[s,f] = c_f(theta_f + <P_f, z[s]>)
    c_f(u)      = softplus(u) for sign "+", -softplus(u) for "-", u when free

Because c_f wraps the whole effect, main and interaction together, no series can break a declared sign.
"""

from typing import NamedTuple

import numpy as np


class Columns(NamedTuple):
    """What the equations must know of the regression's columns.

    Args:
        names: (columns,).
        signs: (columns,) +1, -1, or 0 where free.
        by: per column, the levels its effect varies over.
    """

    names: tuple[str, ...]
    signs: np.ndarray
    by: tuple[tuple[str, ...], ...]


class Parameters(NamedTuple):
    """What training finds, in scaled units: the target per `target_scale`, column k per `column_scales[k]`.

    Args:
        bias: () the baseline of an average series.
        weights: (width,) w, from embeddings to the baseline; width is the sum over levels of their embedding size.
        theta: (columns,) main effect of each column before its sign.
        loadings: (columns, width) P, from embeddings to effects; 0 where a driver does not vary over a level.
        embeddings: per level (nodes, size).
        signs: (columns,) +1, -1, or 0 where free.
        column_scales: (columns,) standard deviation of each column within series.
        target_scale: () standard deviation of the noise on the link scale.
    """

    bias: np.ndarray
    weights: np.ndarray
    theta: np.ndarray
    loadings: np.ndarray
    embeddings: dict[str, np.ndarray]
    signs: np.ndarray
    column_scales: np.ndarray
    target_scale: np.ndarray


class SeriesEffects(NamedTuple):
    """Parameters spelled out per series, on the link scale and in the columns' own units.

    Args:
        baseline: (series,).
        main: (columns,) the effect shared by all.
        total: (series, columns) main effect and interaction together.
    """

    baseline: np.ndarray
    main: np.ndarray
    total: np.ndarray


def embed(parameters: Parameters, codes: np.ndarray) -> np.ndarray:
    """Embeddings of (series, levels) node codes side by side, (series, width); a negative code, unseen, is zero."""
    parts = []
    for level, table in enumerate(parameters.embeddings.values()):
        known = codes[:, level] >= 0
        parts.append(np.where(known[:, None], table[np.maximum(codes[:, level], 0)], 0.0))
    return np.concatenate(parts, axis=1)


def effects_of(parameters: Parameters, codes: np.ndarray) -> SeriesEffects:
    """Baseline and effects of (series, levels) node codes."""
    z = embed(parameters, codes)  # (series, width)
    per_unit = parameters.target_scale / parameters.column_scales
    signs = parameters.signs
    return SeriesEffects(
        baseline=(parameters.bias + z @ parameters.weights) * parameters.target_scale,
        main=constrain(parameters.theta, signs) * per_unit,
        total=constrain(parameters.theta + z @ parameters.loadings.T, signs) * per_unit,
    )


def constrain(raw: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """c_f along the last axis: softplus with the sign where there is one, unchanged where `signs` is 0."""
    softplus = np.logaddexp(0.0, raw)
    return np.where(signs == 0, raw, signs * softplus)


def unconstrain(effect: np.ndarray, signs: np.ndarray, *, least: float) -> np.ndarray:
    """The inverse of `constrain`; an effect of the wrong sign, or nearer to 0 than `least`, becomes `least`."""
    size = np.maximum(signs * effect, least)
    return np.where(signs == 0, effect, size + np.log(-np.expm1(-size)))
