"""Between the target's units and the scale that the regression adds up on.

    identity:  y = sum of everything
    log:       y = exp(sum of everything)
    mixed:     y = exp(baseline + trend + season + level) + sum of drivers, in units

Zero targets under a log: a zero counts as half of the smallest positive target of training. It pulls the series
down as a small sale would; the mean forecast is then calibrated in units, zeros included (see `calibrate`). What is left
over when floats are subtracted, up to a billionth of a unit, is a zero too: its log would outweigh every real sale.
"""

from typing import NamedTuple

import numpy as np

HALF_OF_LEAST = 0.5
DUST = 1e-9  # units
CALIBRATION_ROWS = 10.0  # rows' worth of doubt before a series departs from the common factor
LARGEST = 700.0  # exp of more is infinite


class Link(NamedTuple):
    """A link function: `name` is "identity", "log" or "mixed", `floor` the positive stand-in for a zero under a log."""

    name: str
    floor: float

    def forward(self, target: np.ndarray) -> np.ndarray:
        """Units to link scale; the mixed link's scale is that of units."""
        return np.log(np.maximum(target, self.floor)) if self.name == "log" else target

    def back(self, value: np.ndarray) -> np.ndarray:
        """Link scale to units: the median of the target, where noise is symmetric on the link scale."""
        return np.exp(np.minimum(value, LARGEST)) if self.name == "log" else value

    def errors(self, target: np.ndarray, value: np.ndarray) -> np.ndarray:
        """How far off values are, as noise is measured: on the link scale; under the mixed link as a share of the value."""
        left = self.forward(target) - value
        return left / np.maximum(value, self.floor) if self.name == "mixed" else left

    def in_units(self, noise: np.ndarray, forecast: np.ndarray) -> np.ndarray:
        """What noise, measured as `errors` are, comes to in units about forecasts in units, to first order."""
        return noise if self.name == "identity" else noise * forecast

    def moved(self, value: np.ndarray, errors: np.ndarray) -> np.ndarray:
        """The targets, in units, whose `errors` these are."""
        step = errors * np.maximum(value, self.floor) if self.name == "mixed" else errors
        return self.back(value + step)


def make_link(name: str, target: np.ndarray) -> Link:
    """The link of a training target, (rows,)."""
    positive = target[target > DUST]
    return Link(name, HALF_OF_LEAST * float(positive.min()) if len(positive) else 1.0)


def calibrate(target: np.ndarray, median: np.ndarray, series: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Factors from median to mean: what was sold over what the median said, (series,) and over all.

    Each series' factor is shrunk to the common one by `CALIBRATION_ROWS` of its average rows, so forecasts of a series
    sum to its sales over training but one odd week does not decide a short one.

    Source: Duan (1983), Smearing estimate, JASA 78(383); here as a ratio, which heavy tails disturb less.
    """
    common = float(target.sum() / max(median.sum(), 1e-300))
    sold = np.bincount(series, target, count)
    said = np.bincount(series, median, count)
    usual = said / np.maximum(np.bincount(series, minlength=count), 1) * CALIBRATION_ROWS
    factor = (sold + common * usual) / np.maximum(said + usual, 1e-300)
    return np.where(said > 0, factor, common), common
