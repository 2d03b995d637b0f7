"""Losses per row, each the negative log likelihood of its noise up to what does not depend on the forecast.

With e = prediction in noise sds on the link scale, y and v the target there, r = v - e, and mu = exp(target_scale e):

    squared    r^2 / 2
    huber      r^2 / 2 where |r| <= k, else k (|r| - k / 2)
    quantile   max(q r, (q - 1) r)
    poisson    (mu - y + y log(y / mu)) / phi
    tweedie    (y^(2-p) / ((1-p)(2-p)) - y mu^(1-p) / (1-p) + mu^(2-p) / (2-p)) / phi

y is in units for the last two. phi is the dispersion of the starting fit, mean of (y - mu)^2 / mu^p: sales vary more
than counts of independent buyers, and divided by it one row means about one observation to the ridge in every loss.

Sources: Huber (1964), doi:10.1214/aoms/1177703732; Koenker and Bassett (1978), doi:10.2307/1913643;
McCullagh and Nelder (1989), Generalized Linear Models; Jorgensen (1987), doi:10.1111/j.2517-6161.1987.tb01685.x.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hierforecast.hiref.minibatch.refusals import MEAN_LOSSES
from hierforecast.options import Training

BEYOND = 5.0  # on the log scale above the largest target, from where a mean goes on as a straight line, not to infinity


class Loss(NamedTuple):
    """A loss with everything it needs.

    Args:
        name: as in `Training.loss`.
        parameter: Huber's k in noise sds, the quantile q, or Tweedie's power p (1 for Poisson); 0 for squared.
        scale: `target_scale`, link scale per noise sd.
        dispersion: phi.
        ceiling: log of the largest mean that is not bent.
    """

    name: str
    parameter: float
    scale: float
    dispersion: float = 1.0
    ceiling: float = 700.0

    @property
    def on_units(self) -> bool:
        """Whether the target is wanted in units; else on the link scale in noise sds."""
        return self.name in MEAN_LOSSES

    @property
    def smooth(self) -> bool:
        """Whether L-BFGS can work on it."""
        return self.name != "quantile"

    def mean(self, prediction: Tensor) -> Tensor:
        """mu in units, from the prediction in noise sds."""
        value = prediction * self.scale
        bent = torch.clamp(value, max=self.ceiling)
        return torch.exp(bent) * (1.0 + (value - bent))

    def rows(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(rows,) losses."""
        if self.name == "poisson":
            mu = self.mean(prediction)
            return (mu - target + torch.xlogy(target, target) - torch.xlogy(target, mu)) / self.dispersion
        if self.name == "tweedie":
            p, mu = self.parameter, self.mean(prediction)
            constant = target ** (2 - p) / ((1 - p) * (2 - p))
            return (constant - target * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p)) / self.dispersion
        left = target - prediction
        if self.name == "quantile":
            return torch.maximum(self.parameter * left, (self.parameter - 1) * left)
        if self.name == "huber":
            inside = torch.clamp(left.abs(), max=self.parameter)
            return inside * (left.abs() - inside / 2)
        return left.square() / 2

    def curvature(self, prediction: Tensor) -> Tensor:
        """(rows,) second slopes by the prediction where it is right, and 1 for a quantile, which has none."""
        if not self.on_units:
            return torch.ones_like(prediction)
        return self.mean(prediction) ** (2.0 - self.parameter) * self.scale**2 / self.dispersion


def make_loss(training: Training, scale: float) -> Loss:
    """The declared loss on a link scale with noise sd `scale`, its dispersion still to be measured."""
    rows = training.rows
    parameter = {"huber": rows.huber, "quantile": rows.quantile, "tweedie": rows.tweedie_power, "poisson": 1.0}
    return Loss(training.loss, parameter.get(training.loss, 0.0), scale)


def with_dispersion(loss: Loss, prediction: Tensor, target: Tensor, weight: Tensor) -> Loss:
    """The loss with phi and ceiling from (rows,) predictions of a starting fit; unchanged if it is not on units."""
    if not loss.on_units:
        return loss
    most = float(torch.log(target.max().clamp(min=1e-30)))
    loss = loss._replace(ceiling=most + BEYOND)
    mu = loss.mean(prediction)
    pearson = (target - mu).square() / mu**loss.parameter
    dispersion = float((weight * pearson).sum() / weight.sum().clamp(min=1e-30))
    return loss._replace(dispersion=max(dispersion, 1e-12))
