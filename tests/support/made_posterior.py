"""A made posterior for the tests of returns, budgets and scenarios."""

import numpy as np
import pandas as pd

from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.response import Coefficients, Saturation, Weeks

HIERARCHY = build_hierarchy({"TV": {"Linear": ["spot"]}, "Web": {"Search": ["brand", "generic"]}}, ["t", "p", "c"])


def posterior(kind="none", *, draws=40, memory=None, slope=(0.6, 1.0), seed=0, tacticals=3, controls=0):
    rng = np.random.default_rng(seed)
    shape = (draws, tacticals)
    saturation = Saturation(kind, rng.uniform(0.3, 2.0, shape), rng.uniform(*slope, shape))
    return Coefficients(
        baseline=np.full(draws, 500.0),
        beta=rng.gamma(20, 5, shape),
        decay=rng.uniform(0.1, 0.7, shape),
        saturation=saturation,
        memory=memory,
        control=rng.normal(0, 5, (draws, controls)),
        noise=np.full(draws, 10.0),
        correlation=np.full(draws, 0.3),
        tails=np.full(draws, np.inf),
    )


def made_weeks(count=20, *, earlier=0, seed=1, tacticals=3, controls=0):
    rng = np.random.default_rng(seed)
    media = rng.gamma(4.0, 0.25, (tacticals, count + earlier)) * (rng.random((tacticals, count + earlier)) < 0.8)
    media[:, -1] = 1.0
    design = rng.normal(size=(count, controls))
    names = tuple(f"control_{place}" for place in range(controls))
    periods = pd.Series(pd.date_range("2024-01-01", periods=count, freq="7D"))
    return Weeks(periods, media[:, earlier:], media[:, :earlier], design, names)


def made_spend(weeks, price=(100.0, 60.0, 80.0)):
    return (weeks.media * np.array(price)[:, None]).T
