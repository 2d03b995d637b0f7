"""Declared priors, resolved for a tree: what a node inherits from the node above it, as arrays for the sampler."""

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import numpy as np

from hierforecast.errors import SettingsError, nearest
from hierforecast.mix_model import BetaDecay, EffectPrior, HalfLife, MixModel, PooledDecay, Priors
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.schema import Frequency

__all__ = ["BetaDecay", "EffectPrior", "HalfLife", "PooledDecay", "PriorNumbers", "Priors", "prior_numbers"]

# About a week's half-life whatever the period: nine in ten between two and seventeen days.
DEFAULT_HALF_LIFE: dict[Frequency, float] = {"day": 6.0, "week": 0.9, "month": 0.25}

Declared = TypeVar("Declared")


class PriorNumbers(NamedTuple):
    """The priors as arrays, on the log scale where a parameter is positive. They are arguments of the compiled program."""

    effect_location: np.ndarray  # (units,) of a tree's nodes with an effect each
    effect_middle: np.ndarray  # () their mean, where nodes above them are told
    effect_sd: np.ndarray  # ()
    own: np.ndarray  # (units,) 1.0 where a node has a prior of its own and is not pooled
    own_sd: np.ndarray  # (units,)
    scale_location: np.ndarray  # ()
    scale_sd: np.ndarray  # ()
    decay_location: np.ndarray  # (tacticals,) log half-life or logit
    decay_sd: np.ndarray  # (tacticals,)
    decay_shape: np.ndarray  # (2, tacticals) Beta's a and b; ones where decays have no Beta prior
    decay_channel_sd: np.ndarray  # ()
    decay_spread_location: np.ndarray  # ()
    decay_spread_sd: np.ndarray  # ()
    half_location: np.ndarray  # ()
    half_sd: np.ndarray  # ()
    half_spread_location: np.ndarray  # ()
    slope_location: np.ndarray  # ()
    slope_sd: np.ndarray  # ()
    slope_spread: np.ndarray  # ()
    horseshoe_scale: np.ndarray  # ()
    horseshoe_slab: np.ndarray  # ()
    control_sd: np.ndarray  # ()
    intercept_sd: np.ndarray  # ()
    noise_location: np.ndarray  # ()
    noise_sd: np.ndarray  # ()
    correlation_sd: np.ndarray  # ()
    tails_location: np.ndarray  # () log of the degrees of freedom above 2
    tails_sd: np.ndarray  # ()


def prior_numbers(priors: Priors, hierarchy: Hierarchy, frequency: Frequency, model: MixModel | None = None) -> PriorNumbers:
    """Resolve the priors for a tree.

    Raises:
        SettingsError: a prior names a node that the tree does not have, or one below those that have an effect each.
    """
    model = model or MixModel()
    units = (
        [path[hierarchy.levels.index(model.effects_at) :] for path in hierarchy.paths] if model.effects_at else hierarchy.paths
    )
    units = list(dict.fromkeys(units))
    own = _inherited(priors.effect, units, hierarchy, "effect")
    _refuse_unread(priors.effect, units, model)
    medians = [prior.median if prior else priors.effect_median for prior in own]
    location, sd, shape = _decay(priors, hierarchy, frequency, model)
    pooled = priors.pooled_decay
    return PriorNumbers(
        effect_location=np.log(medians),
        effect_middle=np.log(medians).mean(),
        effect_sd=_number(priors.effect_sd),
        own=np.array([float(prior is not None) for prior in own]),
        own_sd=np.array([float(prior.sd) if prior else 1.0 for prior in own]),
        scale_location=_log(priors.scale_median),
        scale_sd=_number(priors.scale_sd),
        decay_location=location,
        decay_sd=sd,
        decay_shape=shape,
        decay_channel_sd=_number(pooled.channel_sd),
        decay_spread_location=_log(pooled.spread_median),
        decay_spread_sd=_number(pooled.spread_sd),
        half_location=_log(priors.half_saturation_median),
        half_sd=_number(priors.half_saturation_sd),
        half_spread_location=_log(priors.half_saturation_spread),
        slope_location=_log(priors.hill_slope_median),
        slope_sd=_number(priors.hill_slope_sd),
        slope_spread=_number(priors.hill_slope_spread),
        horseshoe_scale=_number(priors.horseshoe_scale),
        horseshoe_slab=_number(priors.horseshoe_slab),
        control_sd=_number(priors.control_sd),
        intercept_sd=_number(priors.intercept_sd),
        noise_location=_log(priors.noise_median),
        noise_sd=_number(priors.noise_sd),
        correlation_sd=_number(priors.correlation_sd),
        tails_location=_log(priors.tails_median - 2.0),
        tails_sd=_number(priors.tails_sd),
    )


def resolve_half_lives(priors: Priors, hierarchy: Hierarchy, frequency: Frequency) -> list[HalfLife]:
    """The half-life prior of every tactical: its own, else its platform's, else its channel's, else the default."""
    default = priors.default_half_life or HalfLife(DEFAULT_HALF_LIFE[frequency])
    return [prior or default for prior in _inherited(priors.half_life, hierarchy.paths, hierarchy, "half_life")]


def _decay(
    priors: Priors, hierarchy: Hierarchy, frequency: Frequency, model: MixModel
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Location and sd (tacticals,) of what decays are drawn as, and Beta's shapes (2, tacticals)."""
    count = hierarchy.num_tacticals
    half_lives = resolve_half_lives(priors, hierarchy, frequency)
    betas = [
        prior or priors.default_beta_decay for prior in _inherited(priors.beta_decay, hierarchy.paths, hierarchy, "beta_decay")
    ]
    if model.decay == "half_life":
        return np.log([prior.median for prior in half_lives]), np.array([float(p.sd) for p in half_lives]), np.ones((2, count))
    if model.decay == "pooled_logit":
        mean = priors.pooled_decay.mean
        return np.full(count, math.log(mean / (1 - mean))), np.full(count, float(priors.pooled_decay.sd)), np.ones((2, count))
    from scipy.special import digamma, polygamma

    shape = np.array([[prior.a for prior in betas], [prior.b for prior in betas]], dtype=float)
    return digamma(shape[0]) - digamma(shape[1]), np.sqrt(polygamma(1, shape).sum(axis=0)), shape  # of a Beta's logit


def _inherited(
    declared: Mapping[str, Declared],
    paths: list[tuple[str, ...]] | tuple[tuple[str, ...], ...],
    hierarchy: Hierarchy,
    what: str,
) -> list[Declared | None]:
    """Per path of names from a node up, what the nearest declared one of them says."""
    known = {node for path in hierarchy.paths for node in path}
    for node in declared:
        if node not in known:
            raise SettingsError(f"{what} names {node!r}, which is not in the media tree; {nearest(node, known)}")
    return [next((declared[node] for node in path if node in declared), None) for path in paths]


def _refuse_unread(declared: Mapping[str, EffectPrior], units: list[tuple[str, ...]], model: MixModel) -> None:
    """An effect prior below the level of the effects would be read by nothing."""
    read = {node for path in units for node in path}
    for node in declared:
        if node not in read:
            raise SettingsError(
                f"effect names {node!r}, below the level {model.effects_at!r} whose nodes have an effect each "
                "(model.effects_at); declare it for a node of that level or above, or lower the level"
            )


def _number(value: float) -> np.ndarray:
    return np.array(float(value))


def _log(value: float) -> np.ndarray:
    return np.array(math.log(value))
