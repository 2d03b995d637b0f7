"""Baselines by name."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from hierforecast.baselines.simple import moving_average, seasonal_naive
from hierforecast.baselines.smoothing import auto_ets
from hierforecast.baselines.trees import lightgbm, lightgbm_poisson
from hierforecast.errors import BaselineError, nearest
from hierforecast.schema import SalesPanel

Baseline = Callable[[pd.DataFrame, pd.DataFrame, SalesPanel], np.ndarray]

BASELINES: dict[str, Baseline] = {
    "seasonal_naive": seasonal_naive,
    "moving_average": moving_average,
    "auto_ets": auto_ets,
    "lightgbm": lightgbm,
    "lightgbm_poisson": lightgbm_poisson,
}


def find_baseline(name: str) -> Baseline:
    """A baseline by its name. Raises BaselineError for a name that is none."""
    if name not in BASELINES:
        raise BaselineError(f"no baseline {name!r}; {nearest(name, BASELINES)}")
    return BASELINES[name]
