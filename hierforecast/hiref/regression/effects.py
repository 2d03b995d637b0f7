"""The model's equations in NumPy: from parameters and nodes to the baseline and the effects of every series.

    z[s]        = concat over levels of Embedding_l[node_l(s)]
    baseline[s] = bias + <w, z[s]>
    effect[s,f] = c_f(theta_f + <P_f, z[s]>)
    c_f(u)      = softplus(u) for sign "+", -softplus(u) for "-", u when free
    total[s,f]  = c_f(...) + own[s,f], cut off at 0 where f has a sign

Because c_f wraps the whole effect, main and interaction together, and what a series adds of its own is cut off at 0, no
series can break a declared sign.

Embeddings come in two kinds. Of low rank, a few numbers per node, with w and P found in training. *Full*, one number for
the baseline and one per column, with w and P fixed at 0 and 1, so that every effect of every node has its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.hierarchy import BOTTOM


class Columns(NamedTuple):
    """What the equations must know of the regression's columns.

    Args:
        names: (columns,).
        signs: (columns,) +1, -1, or 0 where free.
        by: per column, the levels its effect varies over; "bottom" is the series.
        groups: per column, the group by which settings name its strength; none where all are alike.
    """

    names: tuple[str, ...]
    signs: np.ndarray
    by: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...] = ()

    @property
    def own(self) -> np.ndarray:
        """(columns,) whether each series has an effect of its own."""
        return np.array([BOTTOM in by for by in self.by], dtype=bool)

    def varies(self, levels: Sequence[str]) -> np.ndarray:
        """(columns, levels) whether a column's effect varies over a level."""
        return np.array([[level in by for level in levels] for by in self.by], dtype=bool).reshape(-1, len(levels))


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

    @property
    def full(self) -> bool:
        """Whether w and P are 0 and 1 by construction: one number per node for the baseline and one per column."""
        size = 1 + len(self.theta)
        return np.array_equal(self.weights, np.tile(np.eye(size)[0], self.weights.size // size))


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


def effects_of(parameters: Parameters, codes: np.ndarray, own: np.ndarray | None = None) -> SeriesEffects:
    """Baseline and effects of (series, levels) node codes.

    Args:
        parameters: of the regression.
        codes: negative where a node is unseen.
        own: (series, columns) what each series adds to its effects, link scale per unit of a column; 0 for a new series.
    """
    z = embed(parameters, codes)  # (series, width)
    per_unit = parameters.target_scale / parameters.column_scales
    signs = parameters.signs
    total = constrain(parameters.theta + z @ parameters.loadings.T, signs) * per_unit
    return SeriesEffects(
        baseline=(parameters.bias + z @ parameters.weights) * parameters.target_scale,
        main=constrain(parameters.theta, signs) * per_unit,
        total=total if own is None else keep_signs(total + own, signs),
    )


def spelled_out(parameters: Parameters) -> dict[str, np.ndarray]:
    """Per level, (nodes, 1 + columns) what each node adds to baseline and raw effects, in scaled units."""
    loadings = np.vstack([parameters.weights, parameters.loadings])  # (1 + columns, width)
    tables, start = {}, 0
    for level, table in parameters.embeddings.items():
        tables[level] = table @ loadings[:, start : start + table.shape[1]].T
        start += table.shape[1]
    return tables


def keep_signs(effect: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Effects along the last axis, 0 where they would have the wrong sign."""
    return np.where(signs * effect < 0, 0.0, effect)


def constrain(raw: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """c_f along the last axis: softplus with the sign where there is one, unchanged where `signs` is 0."""
    return np.where(signs == 0, raw, signs * np.logaddexp(0.0, raw))


def bend(raw: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softplus with a sign along the last axis, and its slope, the logistic function with the sign; good to 1e-16.

    With one exponential and one logarithm, because training asks for both hundreds of times.
    """
    share = 1.0 / (1.0 + np.exp(-np.abs(raw)))
    effect = signs * (np.maximum(raw, 0.0) - np.log(share))
    return effect, signs * (0.5 + np.copysign(share - 0.5, raw))


def unconstrain(effect: np.ndarray, signs: np.ndarray, *, least: float) -> np.ndarray:
    """The inverse of `constrain`; an effect of the wrong sign, or nearer to 0 than `least`, becomes `least`."""
    size = np.maximum(signs * effect, least)
    return np.where(signs == 0, effect, size + np.log(-np.expm1(-size)))
