"""The recent-level term: what a series has lately done beyond what the regression says, shrunk and discounted.

    level[s,t] = sum_{i<t} d^(t-1-i) r[s,i] / (prior + sum_{i<t} d^(t-1-i))        i over periods with a row

r are residuals on the link scale, d the discount, `prior` the periods' worth of doubt. A row in training gets the
level known just before it, so nothing leaks; every later row gets the level at the end of training.

Source: Brown (1959), Statistical Forecasting for Inventory Control (discounted means); shrinkage as in any random
intercept. On weekly store-by-product sales this term is worth more than any other refinement.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

DISCOUNTS = (0.7, 0.8, 0.9, 0.95)
PRIORS = (1.0, 3.0, 10.0, 30.0)


class LevelChoice(NamedTuple):
    """How fast levels forget (share kept per period) and how much doubt they start with (periods)."""

    discount: float
    prior: float


class Level(NamedTuple):
    """The term after training.

    Args:
        choice: how it was made.
        path: (periods + 1, series) float32, the level known before each training period; the last row is the level of
            every later period.
        first: the period of the path's first row; 0 where all of training was at hand.
    """

    choice: LevelChoice
    path: np.ndarray
    first: int = 0

    def of(self, period: np.ndarray, series: np.ndarray) -> np.ndarray:
        """The level of (rows,) periods since the origin and training series; 0 before `first` or where new."""
        known = (period >= self.first) & (series >= 0)
        place = np.clip(period - self.first, 0, len(self.path) - 1)
        return np.where(known, self.path[place, np.maximum(series, 0)], 0.0).astype(float)


def follow(residuals: np.ndarray, present: np.ndarray, choice: LevelChoice, *, first: int = 0) -> Level:
    """Run the filter over (periods, series) residuals from period `first` on, of which only those `present` count."""
    path = np.zeros((len(residuals) + 1, residuals.shape[1]), dtype=np.float32)
    total, weight = np.zeros(residuals.shape[1]), np.zeros(residuals.shape[1])
    for period, (residual, here) in enumerate(zip(residuals, present, strict=True)):
        total = choice.discount * total + np.where(here, residual, 0.0)
        weight = choice.discount * weight + here
        path[period + 1] = total / (weight + choice.prior)
    return Level(choice, path, first)


def choose_level(
    residuals: np.ndarray,
    present: np.ndarray,
    origins: Sequence[int],
    error: Callable[[np.ndarray, int], float],
    *,
    first: int = 0,
) -> LevelChoice | None:
    """The discount and prior whose levels forecast best after several origins; None if going without is no worse.

    Args:
        residuals: (periods, series), of a fit on periods before the last origin's.
        present: (periods, series) booleans, where there was a row.
        origins: periods; the level at an origin knows the residuals before it only.
        error: from the (series,) levels at an origin to the error of the periods that follow it.
        first: the period of the first row of residuals.
    """
    best, least = None, sum(error(np.zeros(residuals.shape[1]), origin) for origin in origins)
    for discount in DISCOUNTS:
        for prior in PRIORS:
            choice = LevelChoice(discount, prior)
            path = follow(residuals, present, choice).path
            found = sum(error(path[origin - first], origin) for origin in origins)
            if found < least:
                best, least = choice, found
    return best
