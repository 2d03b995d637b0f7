"""The prior of the flat vector: its log density for chains, and draws from it for prior predictive checks."""

from typing import Any

import numpy as np

from hierforecast.mix_model import MixModel
from hierforecast.precision.engine import tensorflow
from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.data import ModelData
from hierforecast.precision.posterior.parameters import Parameters, block_sizes, split_blocks

_HORSESHOE = ("shrinkage", "slab", "local", "size")


def log_prior(flat: Any, drawn: Parameters, data: ModelData, model: MixModel) -> Any:
    """Log prior density of the flat vectors up to a constant, (chains,)."""
    tf = tensorflow()
    if data.old is not None:
        return -0.5 * tf.reduce_sum(tf.matmul(flat - data.old.mean, data.old.root) ** 2, axis=-1)
    x = split_blocks(flat, data, model, in_tensorflow())
    # All entries as standard normals, and for those that are not what makes up the difference.
    log_density = -0.5 * tf.reduce_sum(flat**2, axis=-1)
    if model.effects == "tree":
        log_density += _lowest_effects(x, drawn, data)
    else:
        log_density += _horseshoe(x)
    if model.decay == "beta":
        a, b = data.priors.decay_shape[0], data.priors.decay_shape[1]
        shaped = a * tf.math.log(drawn.decay) + b * tf.math.log1p(-drawn.decay) + 0.5 * x["decay"] ** 2
        log_density += tf.reduce_sum(shaped, axis=-1)
    return log_density


def _lowest_effects(x: dict[str, Any], drawn: Parameters, data: ModelData) -> Any:
    """Units' entries are N(c parent, scale^c), not standard; those of nodes with a prior of their own are."""
    tf = tensorflow()
    parents = (drawn.effects[-2] if len(drawn.effects) > 1 else drawn.global_effect) @ data.parents[-1]
    middle = data.priors.effect_middle
    scale, offset, own = drawn.scales[..., -1:], x[f"level_{len(data.parents) - 1}"], data.priors.own
    centred = (offset - data.centring * (parents - middle)) / scale**data.centring
    pooled = 0.5 * (offset**2 - centred**2) - data.centring * tf.math.log(scale)
    return tf.reduce_sum((1.0 - own) * pooled, axis=-1)


def _horseshoe(x: dict[str, Any]) -> Any:
    """Logs of half-Cauchy scales, of a half-normal size, and of an inverse-gamma(2, 2) slab."""
    tf = tensorflow()

    def half_cauchy(log: Any) -> Any:
        return log - tf.math.softplus(2.0 * log)

    size = x["size"] - 0.5 * tf.exp(2.0 * x["size"])
    slab = -2.0 * x["slab"] - 2.0 * tf.exp(-x["slab"])
    parts = [half_cauchy(x["shrinkage"]), slab, half_cauchy(x["local"]), size]
    squares = tf.concat([0.5 * x[name] ** 2 for name in _HORSESHOE], axis=-1)
    return tf.reduce_sum(tf.concat(parts, axis=-1) + squares, axis=-1)


def prior_draws(data: ModelData, model: MixModel, *, draws: int, seed: int) -> np.ndarray:
    """Flat vectors from the prior, (draws, size), in the coordinates of `data`: whatever its centring."""
    rng = np.random.default_rng(seed)
    if data.old is not None:
        return data.old.mean + np.linalg.solve(data.old.root.T, rng.standard_normal((len(data.old.mean), draws))).T
    blocks = {name: rng.standard_normal((draws, size)) for name, size in block_sizes(data, model).items()}
    if model.effects == "tree":
        lowest = f"level_{len(data.parents) - 1}"
        parent, scale = _parents_of_lowest(blocks, data)
        centring = data.centring * (1.0 - data.priors.own)
        blocks[lowest] = centring * parent + scale**centring * blocks[lowest]
    else:
        for name in ("shrinkage", "local"):
            blocks[name] = np.log(np.abs(rng.standard_cauchy(blocks[name].shape)))
        blocks["slab"] = -np.log(rng.gamma(2.0, 0.5, blocks["slab"].shape))
        blocks["size"] = np.log(np.abs(blocks["size"]))
    if model.decay == "beta":
        logit = np.log(rng.gamma(data.priors.decay_shape[0], size=blocks["decay"].shape))
        logit -= np.log(rng.gamma(data.priors.decay_shape[1], size=blocks["decay"].shape))
        blocks["decay"] = (logit - data.priors.decay_location) / data.priors.decay_sd
    return np.concatenate(list(blocks.values()), axis=1)


def _parents_of_lowest(blocks: dict[str, np.ndarray], data: ModelData) -> tuple[np.ndarray, np.ndarray]:
    """Distances of the units' parents from the median, (draws, units), and the lowest level's scale, (draws, 1)."""
    scales = np.exp(data.priors.scale_location + data.priors.scale_sd * blocks["scales"])
    above = data.priors.effect_sd * blocks["global_effect"]
    for place, matrix in enumerate(data.parents[:-1]):
        above = above @ matrix + scales[:, place : place + 1] * blocks[f"level_{place}"]
    return above @ data.parents[-1], scales[:, -1:]
