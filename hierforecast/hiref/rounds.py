"""Losses that moments cannot hold, by rounds of moments that can: iteratively reweighted least squares.

Near a fit with mean mu, every loss below is a weighted square and every link a line, so one pass over the rows makes the
sums of the next least-squares problem, which starts from this one's parameters. In a round a row counts by its

    log link      squared   weight 1        response log y
                  poisson   weight mu       response eta + (y - mu) / mu
                  gamma     weight 1        response eta + (y - mu) / mu
    identity      squared, poisson, gamma   weights 1, 1 / mu, 1 / mu^2, response y
    mixed         E = exp(baseline + calendar) takes the place of the constant and multiplies the calendar's columns;
                  drivers stay as they are, the response is y - E + E log E, and the weights are those of the identity

times the weight declared for the row times discount^age. Under the mixed link `squared` means gamma: a baseline that
multiplies has noise that grows with it.

Source: McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., section 2.5; for `mixed` the same by Gauss-Newton.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hierforecast.hiref.link import LARGEST, Link
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.prediction import Predicted, predict
from hierforecast.options import Training

LEAST_SHARE = 0.2  # of a series' mean, below which its expected noise does not fall
MOST_OFF = 5.0  # times the mean: a row further above it pulls no harder
WIDER = 1.0  # on the log scale, how far beyond the logs of training's targets a mean may go while it is searched for
START_SHARE = 0.75  # of a series' mean, taken for its baseline before the first round of the mixed link
_POWERS = {"squared": 0.0, "poisson": 1.0, "gamma": 2.0}  # of the mean, to which the noise's variance is proportional


class Working(NamedTuple):
    """What rows count as in the least-squares problem of one round.

    Args:
        response: (rows,).
        weight: (rows,) >= 0.
        stretch: (rows,) factor of the constant and of the calendar's columns; None where it is 1.
    """

    response: np.ndarray
    weight: np.ndarray
    stretch: np.ndarray | None = None


@dataclass(frozen=True)
class Round:
    """A fit, and how rows near it count in the next round.

    Args:
        link: of the model.
        loss: "squared", "poisson" or "gamma".
        baseline: (series,) of the fit, intercepts included; logs under the mixed link.
        total: (series, columns) effects of the fit.
        means: (series,) mean target, units.
        calendar: how many columns belong to the calendar, the first ones.
        discount: weight of a row against one that is a period younger.
        end: the period whose rows count in full.
        low: log of the smallest target that is searched for.
        high: of the largest.
    """

    link: Link
    loss: str
    baseline: np.ndarray
    total: np.ndarray
    means: np.ndarray
    calendar: int
    discount: float = 1.0
    end: int = 0
    low: float = -LARGEST
    high: float = LARGEST

    def near(self, baseline: np.ndarray, total: np.ndarray) -> "Round":
        """The round near another fit."""
        return replace(self, baseline=baseline, total=total)

    def working(
        self,
        X: np.ndarray,
        series: np.ndarray,
        period: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None,
    ) -> Working:
        """What rows of any batch count as.

        Args:
            X: (rows, columns) of the design.
            series: (rows,) places in training.
            period: (rows,) since the origin.
            target: (rows,) units.
            weight: (rows,) declared; None where all count alike.
        """
        found = self._working(predict(self.link, X, series, self.baseline, self.total, self.calendar), series, target)
        counted = found.weight if weight is None else found.weight * weight
        if self.discount < 1.0:
            counted = counted * self.discount ** (self.end - period).astype(float)
        return found._replace(weight=counted)

    def _working(self, found: Predicted, series: np.ndarray, target: np.ndarray) -> Working:
        if self.link.name == "log":
            if self.loss == "squared":
                return Working(self.link.forward(target), np.ones(len(target)))
            eta = np.clip(found.value, self.low, self.high)
            mean = np.exp(eta)
            return Working(eta + np.clip((target - mean) / mean, -1.0, MOST_OFF), mean ** (2.0 - _POWERS[self.loss]))
        mean = np.maximum(found.value, np.maximum(LEAST_SHARE * self.means[series], 1e-9))
        if found.grown is None:
            return Working(target, mean ** -_POWERS[self.loss])
        grown = np.clip(found.grown, self.low, self.high)
        stretch = np.exp(grown)
        power = _POWERS["gamma" if self.loss == "squared" else self.loss]
        return Working(target - stretch + stretch * grown, mean**-power, stretch)


def first_round(
    link: Link, training: Training, means: np.ndarray, logs: tuple[float, float], columns: int, calendar: int, end: int
) -> Round:
    """The round near a fit that says of every series its mean, and nothing else.

    Args:
        link: of the model.
        training: loss and discount.
        means: (series,) mean target, units.
        logs: of the smallest positive target and of the largest.
        columns: of the design.
        calendar: how many of them belong to the calendar.
        end: the last period of training.
    """
    usual = np.clip(np.log(np.maximum(means, link.floor)), *logs)
    baselines = {"identity": means, "log": usual, "mixed": usual + np.log(START_SHARE)}
    low, high = logs[0] - WIDER, logs[1] + WIDER
    total = np.zeros((len(means), columns))
    return Round(link, training.loss, baselines[link.name], total, means, calendar, training.discount, end, low, high)


def per_row(moments: Moments, rows: float) -> Moments:
    """The same sums as if rows counted 1 on average, so that ridge strengths are in units of one observation."""
    return Moments(moments.products * (rows / max(float(moments.counts.sum()), 1e-300)))


def is_reweighted(link: Link, training: Training) -> bool:
    """Whether sums are made near a fit: those made beforehand hold a squared loss of rows of every age alike."""
    return link.name == "mixed" or training.loss != "squared" or training.discount < 1.0
