"""A panel with gaps, late starts and every kind of column, and how to cut it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.driver import Adstock, Saturation
from hierforecast.hiref import Driver
from hierforecast.hiref.columns.design import Design, fit_design
from hierforecast.hiref.columns.rows import Rows, read_rows
from hierforecast.options import Training
from hierforecast.schema import Holidays, SalesPanel, Target

EVERY_KIND = (
    Driver("price", transform="log", reference="regular", lags=(0, 1, 4)),
    Driver("tv", adstock=Adstock(0.7), saturation=Saturation("hill"), lags=(0, 2)),
    Driver("radio", adstock=Adstock(kind="weibull", shape=2.0, scale=3.0, periods=6), saturation=Saturation("power")),
    Driver("trade", reference="regular", adstock=Adstock(0.3), saturation=Saturation("log")),
    Driver("web", reference="regular", adstock=Adstock(kind="weibull", periods=3), lags=(1,)),
    Driver("warmth", reference="mean", known_ahead=False, availability_lag=2, lags=(0, 1, 3, 5)),
)
HOLIDAYS = Holidays(country="US", names=["Christmas Day", "Labor Day"], dates={"Fair": ["2023-03-08"]}, before=1, after=1)


class Fitted(NamedTuple):
    design: Design
    rows: Rows
    X: np.ndarray
    value: np.ndarray


def make_frame(*, seed: int = 0, weeks: int = 70, stores: str = "ABCD") -> pd.DataFrame:
    """Stores by weeks; a tenth of the rows is missing, and B starts late."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2023-01-02", periods=weeks, freq="W-MON")
    frame = pd.DataFrame([(store, date) for store in stores for date in dates], columns=["store", "week"])
    count = len(frame)
    media = {name: rng.gamma(1.0, 10.0, count) * (rng.random(count) < 0.5) for name in ("tv", "radio", "trade", "web")}
    frame = frame.assign(
        units=rng.gamma(5.0, 2.0, count),
        price=rng.uniform(1, 3, count),
        regular=rng.uniform(2, 3, count),
        warmth=15 + 10 * np.sin(2 * np.pi * frame["week"].dt.day_of_year / 365.25) + rng.normal(0, 1, count),
        **media,
    )
    ends = frame["week"].isin([dates[0], dates[-1]]) & (frame["store"] == "A")
    keep = ends | (rng.random(count) > 0.1) & ~((frame["store"] == "B") & (frame["week"] < dates[9]))
    return frame[keep].sample(frac=1, random_state=seed).reset_index(drop=True)


def make_settings(drivers=EVERY_KIND, **options) -> SalesPanel:
    options = {"target_lags": [1, 3], "holidays": HOLIDAYS} | options
    return SalesPanel(levels=["store"], target=Target(name="units"), drivers=list(drivers), **options)


def fit_columns(frame: pd.DataFrame, settings: SalesPanel, training: Training) -> Fitted:
    rows = read_rows(frame, ["store"], "week", settings.frequency)
    names = sorted(rows.keys["store"])
    rows = rows.renumber(np.array([names.index(name) for name in rows.keys["store"]]))
    value = np.log(frame["units"].to_numpy()[rows.order])
    design, X = fit_design(frame, rows, settings, training, value=value)
    return Fitted(design, rows, X, value)


@pytest.fixture
def frame():
    return make_frame()


@pytest.fixture(scope="session")
def new_frame():
    return make_frame


@pytest.fixture(scope="session")
def settings():
    return make_settings()


@pytest.fixture(scope="session")
def new_settings():
    return make_settings


@pytest.fixture(scope="session")
def fit():
    return fit_columns


@pytest.fixture(scope="session")
def training():
    return Training(seasonality=1, trend=True, trend_knots=2)
