"""What time alone does to a made market: changing trends, seasons by segment, holidays, and drifting levels."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from hierforecast.synthetic.law import MarketSize, SalesLaw

SHARE_OF_LIFT = {"Christmas": 1.0, "Easter": 0.6, "Midsummer": 0.4}
IN_A_MONTH = 0.25  # a holiday lifts about one of a month's four weeks
LEVEL_KEPT = 0.5  # share of a series' drift that is still there after a quarter of a year


def trends(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> np.ndarray:
    """Log units since the start, (brands, periods): slopes that change every half year, the last one into the plan."""
    half_years = int(size.periods * 2 / size.periods_per_year) + 1
    slopes = rng.normal(0.01, law.trend_sd, (size.brands, 1)) + rng.normal(0, law.trend_sd, (size.brands, half_years))
    at = np.minimum(np.arange(size.periods + size.planned), size.periods - 1)
    place = (at * 2 / size.periods_per_year).astype(int)
    return slopes[:, place].cumsum(axis=1) / size.periods_per_year * (law.trend_sd > 0)


def seasons(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> np.ndarray:
    """Log units, (segments, periods): a yearly wave with its own peak per segment, and a smaller half-year wave."""
    year = 2 * np.pi * size.dates.day_of_year.to_numpy() / 365.25
    peak = rng.uniform(0, 2 * np.pi, (size.segments, 1))
    height = law.season_height * rng.uniform(0.7, 1.3, (size.segments, 1))
    return height * np.cos(year - peak) + 0.3 * height * np.cos(2 * (year - peak))


def holiday_dates(size: MarketSize) -> dict[str, list[date]]:
    """The dates of every holiday in the years of a market, planned periods included."""
    dates = size.dates
    years = range(dates[0].year, dates[-1].year + 2)
    return {
        "Christmas": [date(year, 12, 25) for year in years],
        "Easter": [easter(year) for year in years],
        "Midsummer": [date(year, 6, 24) for year in years],
    }


def holidays(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> np.ndarray:
    """Log units, (segments, periods): a period with a holiday's date in it is lifted, by segment more or less."""
    lifted = np.zeros((size.segments, len(size.dates)))
    share = IN_A_MONTH if size.frequency == "month" else 1.0
    for name, days in holiday_dates(size).items():
        lift = law.holiday_lift * share * SHARE_OF_LIFT[name] * rng.uniform(0.6, 1.4, (size.segments, 1))
        lifted += lift * holds(size.dates, days)
    return lifted


def holds(dates: pd.DatetimeIndex, days: Sequence[date]) -> np.ndarray:
    """Whether each period, from its first day to the next one's, holds one of the days: (periods,) 0 or 1."""
    starts = dates.to_numpy()
    place = np.searchsorted(starts, np.array(days, dtype="datetime64[D]"), side="right") - 1
    beyond = (starts[-1] + (starts[-1] - starts[-2])).astype("datetime64[D]").astype(date) if len(starts) > 1 else None
    found = np.zeros(len(starts))
    found[[p for p, day in zip(place, days, strict=True) if p >= 0 and (beyond is None or day < beyond)]] = 1.0
    return found


def drifts(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> np.ndarray:
    """Log units, (series, periods): ``level[t] = kept level[t-1] + new``, with sd `law.level_sd` at any time."""
    kept = LEVEL_KEPT ** (4 / size.periods_per_year)
    shocks = rng.normal(0, law.level_sd * np.sqrt(1 - kept**2), (size.series, size.periods + size.planned))
    shocks[:, 0] /= np.sqrt(1 - kept**2)
    return lfilter([1.0], [1.0, -kept], shocks, axis=1)


def easter(year: int) -> date:
    """Easter Sunday. Source: the anonymous Gregorian algorithm, Meeus (1991), Astronomical Algorithms, chapter 8."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, 1) + timedelta(days=day)
