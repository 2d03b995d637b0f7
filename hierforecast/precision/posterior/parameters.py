"""From one flat vector to the model's parameters.

The vector's entries are standard normals under the prior (non-centred), so no Jacobian is needed; two kinds of entries are
not, and `prior.py` has their densities. Effects of the lowest level are centred to a degree c that grows with what the data
say about them (Gorinova, Moore & Hoffman 2020, "Automatic reparameterisation of probabilistic programs", ICML):

    log effect = parent + scale^(1 - c) (x - c parent),   x ~ N(c parent, scale^c)

A strong medium under a non-centred tree is a thin curved ridge that forces tiny steps, a weak one under a centred tree is a
funnel.
"""

from typing import Any, NamedTuple

from hierforecast.mix_model import MixModel
from hierforecast.precision.operations import Operations, in_numpy
from hierforecast.precision.posterior.data import ModelData

LOG_2 = 0.6931471805599453


class Parameters(NamedTuple):
    """The constrained parameters; `...` are chains or draws. All in scaled units; None where the form has no such thing."""

    intercept: Any  # (..., 1)
    noise: Any  # (..., 1)
    correlation: Any  # (..., 1) or None
    tails: Any  # (..., 1) or None
    global_effect: Any  # (..., 1) log, or None
    scales: Any  # (..., levels) from the top level down, or None
    effects: tuple[Any, ...]  # per level from the top: (..., nodes) log effects; the last are the units'
    strength: Any  # (..., units) effect of a typical on-air week in sd of the target, or return on spend
    decay: Any  # (..., tacticals) share per period
    half: Any  # (..., tacticals) or None
    slope: Any  # (..., tacticals) or None
    control: Any  # (..., controls)


def block_sizes(data: ModelData, model: MixModel) -> dict[str, int]:
    """The named pieces of the flat vector in order, and their lengths; taken from the shapes of the data alone."""
    levels = {f"level_{place}": int(matrix.shape[1]) for place, matrix in enumerate(data.parents)}
    tree = {"global_effect": 1, "scales": len(data.parents)} | levels
    horseshoe = {"shrinkage": 1, "slab": 1, "local": data.units, "size": data.units}
    channels = int(data.parents[0].shape[1])
    pooled = {"decay_global": 1, "decay_spread": 1, "decay_channel": channels}
    blocks = {"intercept": 1, "noise": 1}
    blocks |= {"correlation": 1} if model.residuals == "ar1" else {}
    blocks |= {"tails": 1} if model.noise == "student" else {}
    blocks |= tree if model.effects == "tree" else horseshoe
    blocks |= pooled if model.decay == "pooled_logit" else {}
    blocks |= {"decay": data.tacticals}
    blocks |= {"half_global": 1, "half_spread": 1, "half": data.tacticals} if model.saturation != "none" else {}
    blocks |= {"slope_global": 1, "slope": data.tacticals} if model.saturation == "hill" else {}
    return blocks | {"control": int(data.controls.shape[1])}


def split_blocks(flat: Any, data: ModelData, model: MixModel, ops: Operations | None = None) -> dict[str, Any]:
    """The flat vectors (..., size) cut into their named pieces."""
    sizes = block_sizes(data, model)
    pieces = (ops or in_numpy()).split(flat, list(sizes.values()))
    return dict(zip(sizes, pieces, strict=True))


def constrain(flat: Any, data: ModelData, model: MixModel, ops: Operations | None = None) -> Parameters:
    """Turn flat vectors into parameters.

    Args:
        flat: (..., size) NumPy array or TensorFlow tensor with at least one leading dimension.
        data: for the shapes, the tree and the priors.
        model: the form.
        ops: of the array's own library; NumPy if not given.
    """
    ops, priors = ops or in_numpy(), data.priors
    x = split_blocks(flat, data, model, ops)
    global_effect, scales, effects = _tree(x, data, ops) if model.effects == "tree" else _horseshoe(x, data, ops)
    return Parameters(
        intercept=priors.intercept_sd * x["intercept"],
        noise=ops.exp(priors.noise_location + priors.noise_sd * x["noise"]),
        correlation=ops.tanh(priors.correlation_sd * x["correlation"]) if model.residuals == "ar1" else None,
        tails=2.0 + ops.exp(priors.tails_location + priors.tails_sd * x["tails"]) if model.noise == "student" else None,
        global_effect=global_effect,
        scales=scales,
        effects=effects,
        strength=ops.exp(effects[-1]),
        decay=_decay(x, data, model, ops),
        half=_half(x, data, ops) if model.saturation != "none" else None,
        slope=_slope(x, data, ops) if model.saturation == "hill" else None,
        control=priors.control_sd * x["control"],
    )


def _tree(x: dict[str, Any], data: ModelData, ops: Operations) -> tuple[Any, Any, tuple[Any, ...]]:
    """Log effects as distances from the priors' medians, handed down; at the end the medians are added."""
    priors = data.priors
    scales = ops.exp(priors.scale_location + priors.scale_sd * x["scales"])
    above = priors.effect_sd * x["global_effect"]
    distances = [above]
    for place, matrix in enumerate(data.parents):
        is_lowest = place == len(data.parents) - 1
        centring = data.centring if is_lowest else 0.0
        parent, scale, offset = above @ matrix, scales[..., place : place + 1], x[f"level_{place}"]
        above = parent + scale ** (1.0 - centring) * (offset - centring * parent)
        if is_lowest:
            above = (1.0 - priors.own) * above + priors.own * priors.own_sd * offset
        distances.append(above)
    # Nodes above the lowest level hold many units; they are told at the units' common median.
    global_effect, *effects = [priors.effect_middle + distance for distance in distances[:-1]]
    return global_effect, scales, (*effects, priors.effect_location + distances[-1])


def _horseshoe(x: dict[str, Any], data: ModelData, ops: Operations) -> tuple[None, None, tuple[Any, ...]]:
    """Regularised horseshoe: effect = tau l |z| with l^2 = c^2 lambda^2 / (c^2 + tau^2 lambda^2), all on the log scale.

    Source: Piironen & Vehtari 2017, Electronic Journal of Statistics 11(2), doi:10.1214/17-EJS1337SI.
    """
    priors = data.priors
    log_scale = ops.log(priors.horseshoe_scale) + x["shrinkage"] + x["local"]  # tau lambda
    log_slab = ops.log(priors.horseshoe_slab) + 0.5 * x["slab"]
    bounded = log_scale - 0.5 * ops.log1p(ops.exp(2.0 * (log_scale - log_slab)))
    return None, None, (bounded + x["size"],)


def _decay(x: dict[str, Any], data: ModelData, model: MixModel, ops: Operations) -> Any:
    priors = data.priors
    if model.decay == "half_life":
        return ops.exp(-LOG_2 / ops.exp(priors.decay_location + priors.decay_sd * x["decay"]))
    if model.decay == "beta":
        return ops.logistic(priors.decay_location + priors.decay_sd * x["decay"])
    spread = ops.exp(priors.decay_spread_location + priors.decay_spread_sd * x["decay_spread"])
    channel = ops.take(priors.decay_channel_sd * x["decay_channel"], data.channel)
    return ops.logistic(priors.decay_location + priors.decay_sd * x["decay_global"] + channel + spread * x["decay"])


def _half(x: dict[str, Any], data: ModelData, ops: Operations) -> Any:
    priors = data.priors
    spread = ops.exp(priors.half_spread_location + priors.scale_sd * x["half_spread"])
    return ops.exp(priors.half_location + priors.half_sd * x["half_global"] + spread * x["half"])


def _slope(x: dict[str, Any], data: ModelData, ops: Operations) -> Any:
    priors = data.priors
    return ops.exp(priors.slope_location + priors.slope_sd * x["slope_global"] + priors.slope_spread * x["slope"])
