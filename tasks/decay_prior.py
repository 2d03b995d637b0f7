"""What a marketing mix model believed of every decay before the data, to be shown beside what the data made of it.

half_life      decay = 2^(-1 / h),   log h ~ N(location, sd)
beta           decay ~ Beta(a, b)
pooled_logit   logit decay ~ N(location, sd) + N(0, channel_sd) + N(0, spread),   log spread ~ N(spread location, spread sd)
"""

from typing import Any

import numpy as np
import pandas as pd

from hierforecast.results import DECAY_PRIOR

DRAWS = 4000


def decay_prior(model: Any, *, seed: int = 0) -> pd.DataFrame:
    """Median and central interval per present tactical, in the columns of `results.DECAY_PRIOR`; `model` is a `Precision`."""
    from hierforecast.precision.priors import prior_numbers

    numbers = prior_numbers(model.priors, model.hierarchy, model.columns.frequency, model.model)
    decay = _draw(numbers, model.model.decay, np.random.default_rng(seed))
    tail = (1.0 - model.sampling.interval) / 2.0
    bounds = np.quantile(decay, [0.5, tail, 1.0 - tail], axis=0)
    table = pd.DataFrame(dict(zip(DECAY_PRIOR.columns, (model.hierarchy.tacticals, *bounds), strict=True)))
    return table[model.present].reset_index(drop=True)


def _draw(numbers: Any, kind: str, rng: np.random.Generator) -> np.ndarray:
    """(draws, tacticals) shares per period."""
    shape = (DRAWS, len(numbers.decay_location))
    if kind == "beta":
        return rng.beta(*numbers.decay_shape, size=shape)
    drawn = numbers.decay_location + numbers.decay_sd * rng.standard_normal(shape)
    if kind == "half_life":
        return 0.5 ** np.exp(-drawn)
    spread = np.exp(numbers.decay_spread_location + numbers.decay_spread_sd * rng.standard_normal((DRAWS, 1)))
    drawn += numbers.decay_channel_sd * rng.standard_normal(shape) + spread * rng.standard_normal(shape)
    return 1.0 / (1.0 + np.exp(-drawn))
