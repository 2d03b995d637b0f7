"""Made media panels of any size with known truth, for what a fit costs as weeks and tacticals grow.

    python -m benchmarks.precision_data PATH WEEKS TACTICALS

One half of the tacticals is always on with a slowly moving budget, the other half comes in flights of a few weeks; effects
act with geometric carry-over, all media together bring a fifth of the target.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.precision_sides.problem import DATE, MEMORY, TARGET, lag_weights

BASELINE = 1_000_000.0  # target units per week
MEDIA_SHARE = 0.2  # of baseline and media
NOISE = 0.02  # sd, share of the baseline
SIBLINGS = 4  # tacticals per platform, platforms per channel
CONTROL_EFFECTS = {
    "price_index": -0.05,
    "temperature": 0.03,
    "consumer_confidence": 0.03,
    "holiday": 0.02,
    "rival_spend": -0.02,
}


class Truth(NamedTuple):
    """What the panel was made of."""

    decay: np.ndarray  # (tacticals,) share per week
    effect: np.ndarray  # (tacticals,) target units per unit of spend, all its weeks together
    contributions: np.ndarray  # (weeks, tacticals) target units
    controls: np.ndarray  # (weeks, controls) contributions in target units, mean 0
    noise: float  # sd, target units


def make_panel(weeks: int, tacticals: int, *, seed: int = 0) -> tuple[pd.DataFrame, Truth]:
    """A panel in the columns that `problem.read_problem` reads, and its truth."""
    rng = np.random.default_rng(seed)
    spend = np.column_stack([_spend(weeks, place % 2 == 1, rng) for place in range(tacticals)])
    decay = np.exp2(-1.0 / rng.lognormal(np.log(0.9), 0.5, tacticals))  # half-lives around a week
    carried = carry_over(spend, decay)
    brought = BASELINE * MEDIA_SHARE / (1.0 - MEDIA_SHARE) * weeks * rng.dirichlet(np.full(tacticals, 4.0))
    effect = brought / carried.sum(axis=0)
    raw = _controls(weeks, rng)
    controls = BASELINE * (raw - raw.mean()) / raw.std(ddof=0) * pd.Series(CONTROL_EFFECTS)
    noise = BASELINE * NOISE
    target = BASELINE + (carried * effect).sum(axis=1) + controls.sum(axis=1) + rng.normal(0, noise, weeks)
    dates = pd.Series(pd.date_range("2015-01-05", periods=weeks, freq="W-MON"), name=DATE)
    media = pd.DataFrame(spend, columns=media_names(tacticals))
    panel = pd.concat([dates, target.rename(TARGET), media, raw], axis=1)
    return panel, Truth(decay, effect, carried * effect, controls.to_numpy(), noise)


def media_names(tacticals: int) -> list[str]:
    """Names channel__platform__tactical, four to a platform and four platforms to a channel."""
    places = range(tacticals)
    return [f"channel{place // SIBLINGS**2}__platform{place // SIBLINGS % SIBLINGS}__tactical{place}" for place in places]


def carry_over(spend: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """(weeks, tacticals) spends with geometric carry-over over `MEMORY` weeks, weights that sum to one."""
    weights = lag_weights(decay, min(MEMORY, len(spend)))
    carried = np.zeros_like(spend)
    for lag in range(weights.shape[1]):
        carried[lag:] += weights[:, lag] * spend[: len(spend) - lag]
    return carried


def _spend(weeks: int, flighted: bool, rng: np.random.Generator) -> np.ndarray:
    """(weeks,) money per week, tens of thousands; flights of three to eight weeks with pauses of four to sixteen."""
    budget = rng.lognormal(np.log(20_000), 0.6)
    slow = np.convolve(rng.normal(0, 0.3, weeks + 7), np.full(8, 8**-0.5), mode="valid")
    spend = budget * np.exp(slow + rng.normal(0, 0.25, weeks))
    if not flighted:
        return spend
    on_air, week = np.zeros(weeks, dtype=bool), int(rng.integers(0, 8))
    while week < weeks:
        length = int(rng.integers(3, 9))
        on_air[week : week + length] = True
        week += length + int(rng.integers(4, 17))
    return np.where(on_air, spend, 0.0)


def _controls(weeks: int, rng: np.random.Generator) -> pd.DataFrame:
    week = np.arange(weeks)
    columns = {
        "price_index": 1.0 + 0.02 * rng.normal(size=weeks) + 0.01 * np.sin(week / 9.0),
        "temperature": 12.0 + 9.0 * np.sin(2 * np.pi * (week - 16) / 52.18) + rng.normal(0, 2.0, weeks),
        "consumer_confidence": 100.0 + np.cumsum(rng.normal(0, 0.4, weeks)),
        "holiday": np.isin(week % 52, (0, 14, 47, 51)).astype(float),
        "rival_spend": rng.gamma(4.0, 5.0, weeks),
    }
    return pd.DataFrame(columns)


if __name__ == "__main__":
    make_panel(int(sys.argv[2]), int(sys.argv[3]))[0].to_csv(Path(sys.argv[1]), index=False)
