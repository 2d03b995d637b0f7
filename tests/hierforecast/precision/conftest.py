"""One small made company and one small sampled model, shared by the tests of the room."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.options import Sampling
from hierforecast.precision import Precision
from hierforecast.precision.adstock import geometric
from hierforecast.precision.hierarchy import build_hierarchy

HIERARCHY = build_hierarchy(
    {"TV": {"Broadcast": ["spot"]}, "Web": {"Google": ["brand", "generic"], "Meta": ["feed"]}}, ["t", "p", "c"]
)
DECAY = np.array([0.7, 0.1, 0.3, 0.5])
EFFECT = np.array([90.0, 60.0, 50.0, 40.0])
FITTED, LATER = 60, 8


class Made(NamedTuple):
    """A panel whose target is known in the first `fitted` weeks, its noiseless target and its decays."""

    panel: pd.DataFrame
    truth: np.ndarray
    fitted: int
    decay: np.ndarray


def make(*, weeks: int = FITTED + LATER, known: int = FITTED, seed: int = 3, noise: float = 10.0) -> Made:
    rng = np.random.default_rng(seed)
    on_air = np.repeat(rng.random((4, weeks // 3 + 1)) < 0.6, 3, axis=1)[:, :weeks]
    media = on_air * rng.gamma(3.0, 1 / 3, (4, weeks))
    price = rng.normal(size=weeks)
    periods = pd.date_range("2023-01-02", periods=weeks, freq="7D")
    season = 40 * np.cos(2 * np.pi * periods.day_of_year.to_numpy() / 365.25)
    truth = 1000 + season - 15 * price + EFFECT @ geometric(media, DECAY)
    panel = pd.DataFrame({"week": periods, "revenue": truth + rng.normal(0, noise, weeks), "price": price})
    panel.loc[known:, "revenue"] = np.nan
    return Made(panel.assign(**dict(zip(HIERARCHY.tacticals, 1000 * media, strict=True))), truth, known, DECAY)


def model(**changes) -> Precision:
    settings = {"target": "revenue", "control_names": ["price"], "seasonality": 1, "trend": False}
    sampling = Sampling(chains=2, warmup=200, draws=200, seed=5)
    return Precision(HIERARCHY, **{**settings, "sampling": sampling, **changes})


@pytest.fixture(scope="session")
def made() -> Made:
    return make()


@pytest.fixture(scope="session")
def make_model():
    return model


@pytest.fixture(scope="session")
def make_panel():
    return make


@pytest.fixture(scope="session")
def fitted(made) -> Precision:
    return model().fit(made.panel.iloc[:FITTED])
