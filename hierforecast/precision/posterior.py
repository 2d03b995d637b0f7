"""The log posterior of the marketing mix model, as a function of one flat vector and the data.

    y[t] = intercept + sum_i beta_i (a_i[t] - mean a_i) + Z[t] gamma + noise e[t],   e ~ N(0, 1)
    a_i  = adstock of tactical i with decay_i = 2^(-1 / half_life_i)
    log beta_i = global + channel + platform + tactical offsets, a scale per level

The flat vector's entries are standard normals under the prior (non-centred), so no Jacobian is needed. Only the tacticals'
own are centred to a degree c_i that grows with what the data say about them (Gorinova, Moore & Hoffman 2020, "Automatic
reparameterisation of probabilistic programs", ICML):

    log beta_i = parent_i + scale^(1 - c_i) (x_i - c_i parent_i),   x_i ~ N(c_i parent_i, scale^c_i)

A strong medium under a non-centred tree is a thin curved ridge that forces tiny steps, a weak one under a centred tree is
a funnel.

Adstock is centred over the observed weeks, which takes the correlation between intercept and effects out of the
geometry; the baseline is put together again afterwards.

`constrain` uses only indexing, arithmetic and a given `exp`, so NumPy draws and TensorFlow chains share it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hierforecast.precision.adstock import geometric_tf
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.priors import PriorNumbers

if TYPE_CHECKING:
    import tensorflow as tf

LOG_2 = float(np.log(2.0))
LOG_2_PI = float(np.log(2.0 * np.pi))


class ModelData(NamedTuple):
    """Everything the density needs, scaled, as arguments: a new week's data of equal shapes reuse one compilation."""

    target: np.ndarray  # (weeks,) sd units, centred; 0 where not observed
    observed: np.ndarray  # (weeks,) 1.0 where the week is in the likelihood, else 0.0
    media: np.ndarray  # (tacticals, weeks) multiples of a typical on-air week
    controls: np.ndarray  # (weeks, controls) sd units
    parents: tuple[np.ndarray, ...]  # per level from the top: (nodes above, nodes) of 0 and 1; 1 node above the top
    centring: np.ndarray  # (tacticals,) 0 non-centred .. 1 centred; a choice of coordinates, not of model
    priors: PriorNumbers


class Parameters(NamedTuple):
    """The constrained parameters; `...` are chains or draws. All in scaled units."""

    intercept: Any  # (..., 1)
    noise: Any  # (..., 1)
    global_effect: Any  # (..., 1) log
    scales: Any  # (..., levels) from the top level down
    effects: tuple[Any, ...]  # per level from the top: (..., nodes) log effects; the last are the tacticals'
    beta: Any  # (..., tacticals) effect of a typical on-air week, in sd of the target
    decay: Any  # (..., tacticals) share per period
    control: Any  # (..., controls)


def parent_matrices(hierarchy: Hierarchy) -> tuple[np.ndarray, ...]:
    """Per level from the top down, the (nodes above, nodes) matrix of 0 and 1 that hands a node its parent's value."""
    matrices, above = [], 1
    for level in reversed(hierarchy.levels):
        parents = hierarchy.parents(level)
        matrices.append(np.eye(above)[:, parents])
        above = len(parents)
    return tuple(matrices)


def block_sizes(data: ModelData) -> dict[str, int]:
    """The named pieces of the flat vector in order, and their lengths; taken from the shapes of the data alone."""
    levels = {f"level_{place}": int(matrix.shape[1]) for place, matrix in enumerate(data.parents)}
    head = {"intercept": 1, "noise": 1, "global_effect": 1, "scales": len(data.parents)}
    return head | levels | {"half_life": int(data.media.shape[0]), "control": int(data.controls.shape[1])}


def split_blocks(flat: Any, data: ModelData) -> dict[str, Any]:
    """The flat vectors (..., size) cut into their named pieces."""
    pieces, start = {}, 0
    for name, size in block_sizes(data).items():
        pieces[name] = flat[..., start : start + size]
        start += size
    return pieces


def constrain(flat: Any, data: ModelData, exp: Callable[[Any], Any] = np.exp) -> Parameters:
    """Turn flat vectors into parameters.

    Args:
        flat: (..., size) NumPy array or TensorFlow tensor with at least one leading dimension.
        data: for the shapes, the tree and the priors.
        exp: the exponential of the array's own library.
    """
    priors, x = data.priors, split_blocks(flat, data)
    scales = exp(priors.scale_location + priors.scale_sd * x["scales"])
    above = priors.effect_sd * x["global_effect"]  # log effects as distances from the prior's location
    distances = [above]
    for place, matrix in enumerate(data.parents):
        is_tactical = place == len(data.parents) - 1
        centring = data.centring if is_tactical else 0.0
        parent, scale = above @ matrix, scales[..., place : place + 1]
        above = parent + scale ** (1.0 - centring) * (x[f"level_{place}"] - centring * parent)
        distances.append(above)
    global_effect, *effects = [priors.effect_location + distance for distance in distances]
    half_life = exp(priors.half_life_location + priors.half_life_sd * x["half_life"])
    return Parameters(
        intercept=priors.intercept_sd * x["intercept"],
        noise=exp(priors.noise_location + priors.noise_sd * x["noise"]),
        global_effect=global_effect,
        scales=scales,
        effects=tuple(effects),
        beta=exp(effects[-1]),
        decay=exp(-LOG_2 / half_life),
        control=priors.control_sd * x["control"],
    )


def log_density(flat: "tf.Tensor", data: ModelData) -> "tf.Tensor":
    """Log posterior up to a constant, (chains,), of flat (chains, size); `data` holds tensors."""
    import tensorflow as tf

    drawn = constrain(flat, data, tf.exp)
    return log_prior(flat, drawn, data) + tf.reduce_sum(log_likelihood(drawn, data), axis=-1)


def log_prior(flat: "tf.Tensor", drawn: Parameters, data: ModelData) -> "tf.Tensor":
    """Log prior density of the flat vectors up to a constant, (chains,)."""
    import tensorflow as tf

    x = split_blocks(flat, data)
    x.pop(f"level_{len(data.parents) - 1}")  # the tacticals, which are not standard normals where they are centred
    standard = sum(tf.reduce_sum(block**2, axis=-1) for block in x.values())
    parents = (drawn.effects[-2] if len(drawn.effects) > 1 else drawn.global_effect) @ data.parents[-1]
    scale = drawn.scales[..., -1:]
    offsets = (drawn.effects[-1] - parents) / scale
    return -0.5 * standard - tf.reduce_sum(0.5 * offsets**2 + data.centring * tf.math.log(scale), axis=-1)


def log_likelihood(drawn: Parameters, data: ModelData) -> "tf.Tensor":
    """Normal log likelihood of every week, (chains, weeks); 0 where the week is not observed."""
    import tensorflow as tf

    carried = geometric_tf(data.media, drawn.decay)  # (chains, tacticals, weeks)
    from_media = tf.reduce_sum(drawn.beta[..., None] * carried, axis=-2)  # (chains, weeks)
    centre = tf.reduce_sum(from_media * data.observed, axis=-1, keepdims=True) / tf.reduce_sum(data.observed)
    from_controls = tf.matmul(drawn.control, data.controls, transpose_b=True)
    mean = drawn.intercept + from_media - centre + from_controls
    standardised = (data.target - mean) / drawn.noise
    return data.observed * (-0.5 * standardised**2 - tf.math.log(drawn.noise) - 0.5 * LOG_2_PI)
