"""What media bring in every week, inside the compiled program: carry-over, saturation and effects of all chains at once.

A straight line through a window of memory is one matrix product: weights (chains, tacticals x memory) times lagged exposures
(tacticals x memory, weeks). All else takes every tactical's carried exposure first.
"""

from typing import Any, NamedTuple

from hierforecast.mix_model import MixModel
from hierforecast.precision.adstock import geometric_tf, window_weights_tf
from hierforecast.precision.engine import tensorflow
from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.data import ModelData
from hierforecast.precision.posterior.parameters import Parameters
from hierforecast.precision.response import saturate_with


class Brought(NamedTuple):
    """What media bring."""

    total: Any  # (chains, weeks) target sd
    beta: Any  # (chains, tacticals) target sd per typical week on air


def media_brought(drawn: Parameters, data: ModelData, model: MixModel) -> Brought:
    """The sum over tacticals of beta f(carried exposure); returns on spend become betas on the way."""
    tf = tensorflow()
    strength = tf.gather(drawn.strength, data.unit, axis=-1)
    if model.saturation == "none" and model.memory is not None:
        weights = window_weights_tf(drawn.decay, model.memory)  # (chains, tacticals, memory)
        if model.prior_scale == "roi":
            reach = tf.reduce_sum(data.media * data.told_on, axis=-1)  # (tacticals, memory)
            strength = strength * data.spend / tf.reduce_sum(weights * reach, axis=-1)
        flat = tf.reshape(strength[..., None] * weights, (drawn.decay.shape[0], -1))
        return Brought(tf.matmul(flat, tf.reshape(data.media, (-1, data.weeks))), strength)
    curves = response(data.media, drawn.decay, drawn.half, drawn.slope, model)  # (chains, tacticals, weeks)
    if model.prior_scale == "roi":
        strength = strength * data.spend / tf.reduce_sum(curves * data.told_on, axis=-1)
    return Brought(tf.reduce_sum(strength[..., None] * curves, axis=-2), strength)


def response(media: Any, decay: Any, half: Any, slope: Any, model: MixModel) -> Any:
    """f(carried exposure), (chains, tacticals, weeks), of media as `ModelData` holds it and (chains, tacticals) parameters."""
    tf = tensorflow()
    if model.memory is None:
        carried = geometric_tf(media, decay)
    else:
        weights = tf.transpose(window_weights_tf(decay, model.memory), (1, 0, 2))  # (tacticals, chains, memory)
        carried = tf.transpose(tf.matmul(weights, media), (1, 0, 2))
    if model.saturation == "none":
        return carried
    steep = None if slope is None else slope[..., None]
    return saturate_with(in_tensorflow(), model.saturation, carried, half[..., None], steep)


def log_lifts(drawn: Parameters, beta: Any, data: ModelData, model: MixModel) -> Any:
    """Log likelihood of the lift tests, (chains,): what was tested, with and without it, against what was measured."""
    tf = tensorflow()
    lifts = data.lifts
    mine = [
        None if part is None else tf.gather(part, lifts.tactical, axis=-1) for part in (drawn.decay, drawn.half, drawn.slope)
    ]
    with_it = response(tf.gather(data.media, lifts.tactical), *mine, model)  # (chains, pairs, weeks)
    without = response(lifts.without, *mine, model)
    lift = tf.gather(beta, lifts.tactical, axis=-1) * tf.reduce_sum((with_it - without) * lifts.measured, axis=-1)
    return -0.5 * tf.reduce_sum(((tf.matmul(lift, lifts.test) - lifts.mean) / lifts.sd) ** 2, axis=-1)
