"""A small market with a known law, made afresh for every test module that asks."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.hiref import Driver, HiReF
from hierforecast.options import Training

LEVELS = ["state", "brand", "pack"]


class Market(NamedTuple):
    panel: pd.DataFrame
    elasticities: pd.DataFrame


def make_market(*, seed: int, weeks: int = 104, noise: float = 0.15, states: int = 5) -> Market:
    """log units = base + elasticity[brand, pack] log(price / regular) + tv[state] adstock(tv) + season + noise."""
    rng = np.random.default_rng(seed)
    brands, packs = [f"B{i}" for i in range(6)], ["small", "large"]
    names = [f"S{i}" for i in range(states)]
    keys = pd.MultiIndex.from_product([names, brands, packs], names=LEVELS).to_frame(index=False)
    brand, pack, state = (pd.factorize(keys[level])[0] for level in ("brand", "pack", "state"))
    elasticity = -1.8 + rng.normal(0, 0.5, 6)[brand] + np.array([0.3, -0.3])[pack]
    elasticity = np.minimum(elasticity, -0.3)
    base = 4 + rng.normal(0, 0.5, states)[state] + rng.normal(0, 0.4, 6)[brand] + rng.normal(0, 0.1, len(keys))
    shape = (len(keys), weeks)
    regular = np.round(rng.uniform(2, 6, len(keys)), 2)[:, None] * np.ones(shape)
    price = regular * np.exp(-0.3 * (rng.random(shape) < 0.2) + rng.normal(0, 0.05, shape))
    tv = (rng.gamma(2.0, 5.0, (states, weeks)) * (rng.random((states, weeks)) < 0.4))[state]
    carried, last = np.zeros(shape), np.zeros(len(keys))
    for week in range(weeks):
        last = 0.5 * tv[:, week] + 0.5 * last
        carried[:, week] = last
    season = 0.2 * np.cos(2 * np.pi * np.arange(weeks) / 52.18)
    log_units = base[:, None] + elasticity[:, None] * np.log(price / regular) + 0.02 * carried + season
    units = np.exp(log_units + rng.normal(0, noise, shape))
    panel = keys.loc[keys.index.repeat(weeks)].reset_index(drop=True)
    panel["week"] = np.tile(pd.date_range("2022-01-03", periods=weeks, freq="W-MON").to_numpy(), len(keys))
    columns = {"units": units, "price": price, "regular": regular, "tv": tv}
    panel = panel.assign(**{name: values.ravel() for name, values in columns.items()})
    return Market(panel, keys.assign(elasticity=elasticity))


def make_model(*, link: str = "log", **options) -> HiReF:
    drivers = [
        Driver("price", sign="-", transform="log", reference="regular", by=("brand", "pack")),
        Driver("tv", sign="+", adstock=0.5, by=("state",)),
    ]
    training = options.pop("training", Training(seasonality=1, embedding_size=2))
    return HiReF(LEVELS, drivers, target="units", period="week", link=link, horizon=8, training=training, **options)


@pytest.fixture(scope="session")
def market() -> Market:
    return make_market(seed=3)


@pytest.fixture(scope="session")
def split(market) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first 96 weeks and the last 8."""
    cut = market.panel["week"].drop_duplicates().sort_values().iloc[-8]
    return market.panel[market.panel["week"] < cut], market.panel[market.panel["week"] >= cut]


@pytest.fixture(scope="session")
def model(split) -> HiReF:
    return make_model().fit(split[0])


@pytest.fixture(scope="session")
def new_model():
    """A function that makes an unfitted model of the market."""
    return make_model


@pytest.fixture(scope="session")
def new_market():
    """A function that makes a market from a seed."""
    return make_market
