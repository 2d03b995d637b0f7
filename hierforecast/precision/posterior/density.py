"""The log posterior of the marketing mix model, as a function of one flat vector and the data.

    y[t] = intercept + sum_i beta_i (f_i(a_i[t]) - mean f_i) + Z[t] gamma + r[t]
    a_i  = adstock of tactical i; f_i its saturation, 1 at a typical week
    log beta_i = global + channel + platform + tactical offsets, a scale per level

What media bring is centred over the weeks observed in the first fit, which takes the correlation between intercept and
effects out of the geometry; the baseline is put together again afterwards.
"""

from functools import cache
from typing import Any

from hierforecast.mix_model import MixModel
from hierforecast.precision.engine import tensorflow
from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.data import ModelData
from hierforecast.precision.posterior.media import log_lifts, media_brought
from hierforecast.precision.posterior.parameters import Parameters, constrain
from hierforecast.precision.posterior.prior import log_prior
from hierforecast.precision.posterior.residuals import log_factors
from hierforecast.precision.sampling import LogDensity


@cache
def density_of(model: MixModel) -> LogDensity:
    """The log posterior of a form, the same function for equal forms: (chains, size), data -> (chains,) up to a constant."""

    def log_density(flat: Any, data: ModelData) -> Any:
        tf = tensorflow()
        drawn = constrain(flat, data, model, in_tensorflow())
        brought = media_brought(drawn, data, model)
        value = log_prior(flat, drawn, data, model) + tf.reduce_sum(_weeks(drawn, brought.total, data), axis=-1)
        return value if data.lifts is None else value + log_lifts(drawn, brought.beta, data, model)

    log_density.__qualname__ = f"density_of({model!r})"
    return log_density


def week_factors(model: MixModel) -> LogDensity:
    """The log likelihood of every week given the weeks before it: (chains, size), data -> (chains, weeks), scaled units."""

    def log_weeks(flat: Any, data: ModelData) -> Any:
        drawn = constrain(flat, data, model, in_tensorflow())
        return _weeks(drawn, media_brought(drawn, data, model).total, data)

    return log_weeks


def _weeks(drawn: Parameters, from_media: Any, data: ModelData) -> Any:
    """Log likelihood of every week given the observed ones before it, (chains, weeks)."""
    residual = data.target - _mean(drawn, from_media, data)
    return log_factors(residual, drawn.noise, drawn.correlation, drawn.tails, data.residuals, in_tensorflow())


def _mean(drawn: Parameters, from_media: Any, data: ModelData) -> Any:
    """The mean of the scaled target, (chains, weeks)."""
    tf = tensorflow()
    centre = tf.reduce_sum(from_media * data.told_on, axis=-1, keepdims=True) / tf.reduce_sum(data.told_on)
    return drawn.intercept + from_media - centre + tf.matmul(drawn.control, data.controls, transpose_b=True)
