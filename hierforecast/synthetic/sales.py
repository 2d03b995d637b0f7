"""A made sales panel: log-linear demand with prices, promotions, television and weather, and its truth.

log units[s,t] = base[s] + trend[s] t + season[s,t] + elasticity[brand,pack] log(price/regular)
                 + lift[brand] promotion + tv[region] hill(adstock(tv_spend)) + weather (temperature - mean) + noise
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

LEVELS = ["region", "state", "segment", "brand", "pack"]
FIRST_WEEK = "2023-01-02"
TV_DECAY, TV_HALF = 0.6, 40.0
NOISE = 0.12

_STATES = {
    "North": ["Alder", "Birch", "Cedar"],
    "East": ["Dover", "Elm", "Flint"],
    "South": ["Grove", "Hazel", "Ivy"],
    "West": ["Juniper", "Kestrel", "Larch"],
}
_BRANDS = {
    "Premium": {"Aurum": 4.8, "Belle": 4.4},
    "Mainstream": {"Corso": 3.1, "Dalia": 2.9, "Everday": 2.8},
    "Economy": {"Frugo": 1.7, "Giusto": 1.6, "Haus": 1.5},
}
_PACKS = {"single": 1.0, "four-pack": 3.6, "family": 6.5}


class SalesTruth(NamedTuple):
    """What made the sales.

    Args:
        elasticities: levels and `elasticity` per series, dimensionless.
        parts: one row per row of the panel, the log-scale parts `baseline, season, price, promotion, tv_spend,
            temperature`; their exponentiated sum times mean-one noise is units / week.
    """

    elasticities: pd.DataFrame
    parts: pd.DataFrame


def make_sales(seed: int, *, weeks: int, planned: int) -> tuple[pd.DataFrame, SalesTruth]:
    """Make the panel, (288 * (weeks + planned)) rows sorted by series and week, and its truth."""
    rng = np.random.default_rng([seed, 1])
    series = _series()
    periods = pd.date_range(FIRST_WEEK, periods=weeks + planned, freq="W-MON", name="week")
    shape = (len(series), len(periods))  # (series, weeks) everywhere below

    effects = _effects(rng, series)
    regular = _regular_prices(rng, series, shape)
    promotion = _promotions(rng, shape)
    price = np.round(regular * (1 - 0.25 * promotion) * np.exp(rng.normal(0, 0.04, shape)), 2)
    tv_spend, tv_response = _television(rng, series["region"], shape)
    temperature = _temperature(rng, series["state"], periods)

    parts = {
        "baseline": effects["base"][:, None] + effects["trend"][:, None] * np.arange(shape[1]) / 52,
        "season": _season(rng, series["brand"], periods),
        "price": effects["elasticity"][:, None] * np.log(price / regular),
        "promotion": effects["lift"][:, None] * promotion,
        "tv_spend": effects["tv"][:, None] * tv_response,
        "temperature": 0.006 * (temperature - temperature.mean()),
    }
    noise = rng.normal(-0.5 * NOISE**2, NOISE, shape)
    units = np.round(np.exp(sum(parts.values()) + noise))

    future = np.broadcast_to(np.arange(shape[1]) >= weeks, shape)
    columns = {
        "units": np.where(future, np.nan, units),
        "price": price,
        "regular_price": regular,
        "promotion": promotion,
        "tv_spend": tv_spend,
        # Weather is measured, not planned: nobody knows next week's.
        "temperature": np.where(future, np.nan, temperature),
    }
    keys = series.loc[series.index.repeat(shape[1])].reset_index(drop=True)
    keys["week"] = np.tile(periods.to_numpy(), shape[0])
    panel = pd.concat([keys, pd.DataFrame({name: values.ravel() for name, values in columns.items()})], axis=1)
    elasticities = series.assign(elasticity=effects["elasticity"])
    truth = pd.DataFrame({name: np.broadcast_to(values, shape).ravel() for name, values in parts.items()})
    return panel, SalesTruth(elasticities, truth)


def _series() -> pd.DataFrame:
    """(series, levels): every state sells every brand in every pack."""
    places = [(region, state) for region, states in _STATES.items() for state in states]
    brands = [(segment, brand) for segment, brands in _BRANDS.items() for brand in brands]
    rows = [(*place, *brand, pack) for place in places for brand in brands for pack in _PACKS]
    return pd.DataFrame(rows, columns=LEVELS)


def _effects(rng: np.random.Generator, series: pd.DataFrame) -> dict[str, np.ndarray]:
    """Per series, (series,): base (log units), trend (log / year), elasticity, promotion lift (log), tv (log at full)."""

    def vary(level: str, sd: float) -> np.ndarray:
        codes, names = pd.factorize(series[level])
        return rng.normal(0, sd, len(names))[codes]

    premium = series["segment"].map({"Premium": 0.5, "Mainstream": 0.0, "Economy": -0.5}).to_numpy()
    size = series["pack"].map({"single": 0.4, "four-pack": 0.0, "family": -0.6}).to_numpy()
    bulk = series["pack"].map({"single": 0.0, "four-pack": -0.2, "family": -0.4}).to_numpy()
    west = series["region"].map({"West": 1.6, "North": 1.0, "East": 1.0, "South": 0.6}).to_numpy()
    return {
        "base": 5.0 - 0.4 * premium + size + vary("state", 0.4) + vary("brand", 0.3) + rng.normal(0, 0.15, len(series)),
        "trend": vary("brand", 0.05),
        "elasticity": np.minimum(-2.0 + premium + bulk + vary("brand", 0.25) + rng.normal(0, 0.05, len(series)), -0.2),
        "lift": np.maximum(0.25 + vary("brand", 0.06), 0.05),
        "tv": 0.20 * west,
    }


def _regular_prices(rng: np.random.Generator, series: pd.DataFrame, shape: tuple[int, int]) -> np.ndarray:
    """Shelf prices without promotion, (series, weeks), EUR: two list-price rounds a year, state by state."""
    per_brand = {brand: price for brands in _BRANDS.values() for brand, price in brands.items()}
    start = series["brand"].map(per_brand).to_numpy() * series["pack"].map(_PACKS).to_numpy()
    rounds = rng.normal(0.01, 0.03, (shape[0], shape[1] // 26 + 1)).cumsum(axis=1)
    return np.round(start[:, None] * np.exp(rounds[:, np.arange(shape[1]) // 26]), 2)


def _promotions(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Share of the week on promotion, (series, weeks): one week in eight, some of them only part of the week."""
    return np.where(rng.random(shape) < 0.12, rng.choice([0.5, 1.0], shape), 0.0)


def _television(rng: np.random.Generator, region: pd.Series, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Spend, (series, weeks) kEUR / week, in flights per region; and its saturated carry-over, dimensionless."""
    codes, names = pd.factorize(region)
    flights = rng.random((len(names), shape[1] // 4 + 1)) < 0.45
    on_air = flights[:, np.arange(shape[1]) // 4]
    spend = np.round(on_air * rng.gamma(6.0, 15.0, (len(names), shape[1])), 1)
    carried = geometric(spend.T, TV_DECAY).T
    return spend[codes], (carried / (carried + TV_HALF))[codes]


def _temperature(rng: np.random.Generator, state: pd.Series, periods: pd.DatetimeIndex) -> np.ndarray:
    """Weekly mean, (series, weeks), degrees Celsius."""
    codes, names = pd.factorize(state)
    year = 2 * np.pi * (periods.day_of_year.to_numpy() - 110) / 365.25
    weekly = 12 + rng.normal(0, 2, (len(names), 1)) + 9 * np.sin(year) + rng.normal(0, 2.5, (len(names), len(periods)))
    return np.round(weekly, 1)[codes]


def _season(rng: np.random.Generator, brand: pd.Series, periods: pd.DatetimeIndex) -> np.ndarray:
    """Yearly pattern in log units, (series, weeks): a summer hump and a smaller half-year wave, per brand."""
    codes, names = pd.factorize(brand)
    year = 2 * np.pi * periods.day_of_year.to_numpy() / 365.25
    height = rng.normal(0.15, 0.04, (len(names), 1))
    return (height * -np.cos(year) + 0.05 * np.cos(2 * year))[codes]


def geometric(exposure: np.ndarray, decay: np.ndarray | float) -> np.ndarray:
    """``a[t] = (1 - decay) x[t] + decay a[t-1]`` from zero, (weeks, anything), the plain loop that defines adstock."""
    carried = np.zeros_like(exposure, dtype=float)
    state = np.zeros(exposure.shape[1:])
    for week, exposed in enumerate(exposure):
        state = (1 - decay) * exposed + decay * state
        carried[week] = state
    return carried
