"""What reaches a made market from outside the shop: media, trade spend, weather, mood, and columns that do nothing."""

from collections.abc import Iterator

import numpy as np
from scipy.signal import lfilter

from hierforecast.synthetic.law import MarketSize, SalesLaw
from hierforecast.synthetic.sales import geometric
from hierforecast.synthetic.shelf import Places

FLIGHT_WEEKS = 4
USUAL_CONFIDENCE = 100.0


def television(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> tuple[np.ndarray, np.ndarray]:
    """Spend in flights, kEUR / period, and its saturated carry-over ``a / (a + half)``: (regions, periods) each."""
    count = size.periods + size.planned
    length = {"day": 7 * FLIGHT_WEEKS, "week": FLIGHT_WEEKS, "month": 1}[size.frequency]
    on_air = (rng.random((size.regions, count // length + 1)) < 0.45)[:, np.arange(count) // length]
    spend = np.round(on_air * rng.gamma(6.0, 15.0, on_air.shape), 1)
    carried = geometric(spend.T, law.tv_decay).T
    return spend, carried / (carried + law.tv_half)


def digital(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> tuple[np.ndarray, np.ndarray]:
    """Spend that is seldom off, kEUR / period, and ``log1p`` of its carry-over over the half: (states, periods) each."""
    shape = (size.states, size.periods + size.planned)
    spend = np.round(rng.gamma(1.5, 15.0, shape) * (rng.random(shape) < 0.8), 1)
    carried = geometric(spend.T, law.digital_decay).T
    return spend, np.log1p(carried / law.digital_half)


def trade(rng: np.random.Generator, size: MarketSize) -> np.ndarray:
    """Trade spend, kEUR / period, (brands, regions, periods): nothing in half of all periods."""
    shape = (size.brands, size.regions, size.periods + size.planned)
    return np.round(rng.gamma(3.0, 4.0, shape) * (rng.random(shape) < 0.5), 1)


def temperature(rng: np.random.Generator, size: MarketSize) -> np.ndarray:
    """Mean of the period, degrees Celsius, (states, periods): a climate per state, and weather."""
    year = 2 * np.pi * (size.dates.day_of_year.to_numpy() - 110) / 365.25
    climate = 12 + rng.normal(0, 2, (size.states, 1)) + 9 * np.sin(year)
    return np.round(climate + rng.normal(0, 3.0, climate.shape), 1)


def confidence(rng: np.random.Generator, size: MarketSize) -> np.ndarray:
    """Consumer confidence, index points around 100, (periods,): one number for the whole market, with memory."""
    return np.round(USUAL_CONFIDENCE + _persistent(rng, (1, size.periods + size.planned), 0.8)[0] * 4, 1)


def noise_drivers(
    rng: np.random.Generator, size: MarketSize, count: int, places: Places, log_price: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Columns without any effect, (series, periods) each, in turn white, persistent, seasonal, price-like, regional.

    Price-like ones share a third of their variance with the log price, as a rival's price would.
    """
    shape = (size.series, size.periods + size.planned)
    year = 2 * np.pi * size.dates.day_of_year.to_numpy() / 365.25
    likeness = (log_price - log_price.mean()) / max(float(log_price.std()), 1e-12)
    for number in range(count):
        kind = number % 5
        if kind == 0:
            values = rng.normal(0, 1, shape)
        elif kind == 1:
            values = _persistent(rng, shape, 0.9)
        elif kind == 2:
            values = np.cos(year - rng.uniform(0, 2 * np.pi, (size.states, 1)))[places.state] + rng.normal(0, 0.5, shape)
        elif kind == 3:
            values = likeness + np.sqrt(2.0) * rng.normal(0, 1, shape)
        else:
            values = _persistent(rng, (size.regions, shape[1]), 0.5)[places.region]
        yield f"noise_{number + 1:03d}", np.round(values, 4)


def _persistent(rng: np.random.Generator, shape: tuple[int, int], kept: float) -> np.ndarray:
    """``x[t] = kept x[t-1] + new`` with sd 1 at any time."""
    shocks = rng.normal(0, np.sqrt(1 - kept**2), shape)
    shocks[:, 0] = rng.normal(0, 1, shape[0])
    return lfilter([1.0], [1.0, -kept], shocks, axis=1)
