"""A made media table: weekly revenue from carried-over exposure, season, trend, holidays and a price index, with its truth.

revenue[t] = base + trend t + season[t] + controls[t] + sum_i effect_i adstock_i(impressions_i)[t] + noise
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.synthetic.sales import FIRST_WEEK, geometric

TREE = {
    "TV": {"Broadcast": ["spot_prime", "spot_day"]},
    "Search": {"Google": ["search_brand", "search_generic"]},
    "Social": {"Meta": ["facebook", "instagram"], "TikTok": ["tiktok"]},
    "Video": {"YouTube": ["youtube"]},
}
BASE = 1000.0  # kEUR / week
NOISE = 18.0  # kEUR / week


class _Medium(NamedTuple):
    """One tactical: decay (share / week), mean revenue per week it brings (kEUR), price (EUR per 1,000 impressions),
    share of weeks on air, click rate (None offline)."""

    decay: float
    contribution: float
    cpm: float
    on_air: float
    click_rate: float | None


_MEDIA = {
    "spot_prime": _Medium(0.75, 70.0, 22.0, 0.45, None),
    "spot_day": _Medium(0.65, 45.0, 12.0, 0.50, None),
    "search_brand": _Medium(0.10, 40.0, 9.0, 0.75, 0.060),
    "search_generic": _Medium(0.20, 35.0, 14.0, 0.70, 0.040),
    "facebook": _Medium(0.40, 40.0, 7.0, 0.60, 0.012),
    "instagram": _Medium(0.45, 30.0, 8.0, 0.55, 0.010),
    "tiktok": _Medium(0.30, 25.0, 5.0, 0.50, 0.015),
    "youtube": _Medium(0.55, 45.0, 11.0, 0.55, 0.006),
}


class MediaTruth(NamedTuple):
    """What made the revenue.

    Args:
        decay: `tactical`, `decay` (share / week).
        contributions: (weeks + planned) rows: `week`, `baseline` (all but media) and one column per tactical, in
            kEUR / week; the sum of a row is the noiseless revenue.
    """

    decay: pd.DataFrame
    contributions: pd.DataFrame


def make_media(seed: int, *, weeks: int, planned: int) -> tuple[pd.DataFrame, MediaTruth]:
    """Make the table, one row per week, and its truth."""
    rng = np.random.default_rng([seed, 2])
    periods = pd.date_range(FIRST_WEEK, periods=weeks + planned, freq="W-MON", name="week")
    holiday = _holidays(periods)
    price_index = np.round(100 + rng.normal(0, 0.6, len(periods)).cumsum() * 0.5 + rng.normal(0, 1.0, len(periods)), 2)
    year = 2 * np.pi * periods.day_of_year.to_numpy() / 365.25
    baseline = (
        BASE
        + 60 * np.arange(len(periods)) / 52
        + 80 * np.cos(year)
        + 25 * np.sin(2 * year)
        + 120 * holiday
        - 6 * (price_index - 100)
    )
    impressions = np.stack([_impressions(rng, medium, len(periods)) for medium in _MEDIA.values()], axis=1)
    decay = np.array([medium.decay for medium in _MEDIA.values()])
    carried = geometric(impressions, decay)
    contributions = carried / carried.mean(axis=0) * np.array([medium.contribution for medium in _MEDIA.values()])
    revenue = baseline + contributions.sum(axis=1) + rng.normal(0, NOISE, len(periods))

    table = pd.DataFrame({"week": periods, "revenue": np.round(revenue, 2), "holiday": holiday, "price_index": price_index})
    table.loc[weeks:, "revenue"] = np.nan
    table = pd.concat([table, _media_columns(rng, impressions)], axis=1)
    parts = pd.DataFrame(contributions, columns=list(_MEDIA)).assign(week=periods, baseline=baseline)
    truth = MediaTruth(pd.DataFrame({"tactical": list(_MEDIA), "decay": decay}), parts[["week", "baseline", *_MEDIA]])
    return table, truth


def _impressions(rng: np.random.Generator, medium: _Medium, periods: int) -> np.ndarray:
    """Thousands of impressions per week, (periods,): flights of about three weeks with uneven pressure."""
    blocks = rng.random(periods // 3 + 1) < medium.on_air
    pressure = rng.gamma(3.0, 1.0, periods)
    return np.round(blocks[np.arange(periods) // 3] * pressure * 400, 0)


def _media_columns(rng: np.random.Generator, impressions: np.ndarray) -> pd.DataFrame:
    """Impressions and spend of every tactical; clicks and conversions of those that are online."""
    columns = {}
    for place, (name, medium) in enumerate(_MEDIA.items()):
        exposed = impressions[:, place]
        columns[f"{name}_impressions"] = exposed
        columns[f"{name}_spend"] = np.round(exposed * medium.cpm / 1000 * rng.normal(1, 0.05, len(exposed)).clip(0.8, 1.2), 2)
        if medium.click_rate is not None:
            clicks = np.round(exposed * medium.click_rate * rng.gamma(60, 1 / 60, len(exposed)), 1)
            columns[f"{name}_clicks"] = clicks
            columns[f"{name}_conversions"] = np.round(clicks * rng.beta(8, 150, len(exposed)), 2)
    return pd.DataFrame(columns)


def _holidays(periods: pd.DatetimeIndex) -> np.ndarray:
    """1.0 in the two weeks before the end of the year and in the week of the first Monday of April, (periods,)."""
    christmas = (periods.month == 12) & (periods.day >= 15)
    spring = (periods.month == 4) & (periods.day <= 7)
    return (christmas | spring).astype(float)
