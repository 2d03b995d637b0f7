"""One small company whose target came from last week's clicks, and one ensemble of it, shared by the tests of the room."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from hierforecast.precision.adstock import geometric
from hierforecast.precision.ensemble import EnsembleResult, ensemble
from hierforecast.precision.ensemble.safeguards import Prepared, prepare
from hierforecast.precision.hierarchy import build_hierarchy

HIERARCHY = build_hierarchy(
    {
        "channel_TV": {"platform_TV": ["tv_spot_a", "tv_spot_b"]},
        "channel_Search": {"platform_Search": ["search_brand", "search_generic"]},
    },
    ["tactical", "platform", "channel"],
)
WEEKS, UNKNOWN = 60, 4  # the target of the last weeks is not known
EFFECT, DECAY, NOISE = np.array([0, 0, 9.0, 6.0]), np.array([0, 0, 0.2, 0.5]), 10.0
SHORT = {"chains": 2, "warmup": 100, "draws": 100}
COUNTED = np.r_[[False] * 2, [True] * (WEEKS - UNKNOWN - 2), [False] * UNKNOWN]


class Fitted(NamedTuple):
    """An ensemble with all that it was made from."""

    result: EnsembleResult
    call: dict[str, Any]
    prepared: Prepared
    truth: np.ndarray  # (weeks,) the target without noise
    told: list[tuple[str, int, int]]  # what progress was called with


def company(*, weeks: int = WEEKS, seed: int = 2, **changes: Any) -> tuple[dict[str, Any], np.ndarray]:
    """Arguments of `ensemble`, and the noiseless target."""
    rng = np.random.default_rng(seed)
    metrics = {
        "impressions": rng.gamma(5.0, 20.0, (weeks, 4)),
        "clicks": rng.gamma(3.0, 2.0, (weeks, 4)),
        "conversions": rng.gamma(2.0, 0.5, (weeks, 4)),
    }
    seen = np.vstack([np.zeros((1, 4)), metrics["clicks"][:-1]])
    truth = 1000 + EFFECT @ geometric(seen.T, DECAY)
    y = truth + rng.normal(0, NOISE, weeks)
    y[weeks - UNKNOWN :] = np.nan
    call = {
        "hierarchy": HIERARCHY,
        "y": y,
        "U_metrics": metrics,
        "metric_lags": {"clicks": 1, "conversions": 2},
        "offline_channels": ["channel_TV"],
        "nuts_args": SHORT,
    }
    return call | changes, truth


def checked(call: dict[str, Any]) -> Prepared:
    """What the ensemble's models read of a call."""
    given = ("hierarchy", "y", "U_metrics", "metric_lags", "offline_channels", "availability")
    return prepare(**{name: call[name] for name in given if name in call})


@pytest.fixture(scope="session")
def make_company():
    return company


@pytest.fixture(scope="session")
def counted() -> np.ndarray:
    """(weeks,) bool, the weeks that count in the company."""
    return COUNTED


@pytest.fixture(scope="session")
def fitted(tf) -> Fitted:
    """The company's ensemble, spend known. Equal shapes share its compiled program."""
    spend = np.random.default_rng(9).gamma(2.0, 5.0, (WEEKS, 4))
    call, truth = company(spend=spend)
    told = []
    result = ensemble(**call, progress=lambda *step: told.append(step))
    return Fitted(result, call, checked(call), truth, told)


@pytest.fixture(scope="session")
def without_spend(tf) -> Fitted:
    """The same without spend and with equal weights."""
    call, truth = company(weight_scheme="equal")
    return Fitted(ensemble(**call), call, checked(call), truth, [])
