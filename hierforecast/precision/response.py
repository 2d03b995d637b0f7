"""What media, controls and the baseline do to the target under every draw, in the target's unit.

    fitted[t] = baseline + sum_k control_k[t] + sum_i beta_i f_i(a_i[t])        for every single draw

a_i is the carried exposure in multiples of a typical on-air week and f_i the saturation curve, scaled so that f_i(1) = 1:
whatever the curve, beta_i is what a typical week brings.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from hierforecast.precision.adstock import geometric
from hierforecast.precision.operations import Operations, in_numpy

TINY = 1e-30  # typical weeks: an exposure that is none to every curve
SaturationKind = Literal["none", "log", "hill"]


class Saturation(NamedTuple):
    """Curves of diminishing returns: every draw has its own per tactical. `half` and `slope` are not used by "none"."""

    kind: SaturationKind
    half: np.ndarray  # (draws, tacticals) half saturation in typical on-air weeks
    slope: np.ndarray  # (draws, tacticals) steepness of the Hill curve

    def at(self, carried: np.ndarray, tactical: int) -> np.ndarray:
        """f of one tactical's (draws, weeks) carried exposure, 1 at a typical week on air."""
        half, slope = self.half[:, tactical, None], self.slope[:, tactical, None]
        return saturate(self.kind, carried, half, slope)

    def slope_at(self, carried: np.ndarray, tactical: int) -> np.ndarray:
        """The derivative f' at (draws, weeks) carried exposure."""
        half, slope = self.half[:, tactical, None], self.slope[:, tactical, None]
        return saturation_slope(self.kind, carried, half, slope)


class Coefficients(NamedTuple):
    """Draws in the target's unit; the first axis is every draw of every chain."""

    baseline: np.ndarray  # (draws,) target units per period, without media, controls at their reference
    beta: np.ndarray  # (draws, tacticals) target units per typical on-air week
    decay: np.ndarray  # (draws, tacticals) share per period
    saturation: Saturation
    memory: int | None  # periods that an exposure acts on, its own included; None: all
    control: np.ndarray  # (draws, columns) target units per scaled column
    noise: np.ndarray  # (draws,) target units: sd of the shocks, scale of the Student-t where tails are finite
    correlation: np.ndarray  # (draws,) AR(1) of the residuals; 0 where they are independent
    tails: np.ndarray  # (draws,) degrees of freedom of the residuals; inf where they are Normal

    def take(self, draws: np.ndarray) -> "Coefficients":
        """The same for some draws, by their places."""
        curve = self.saturation._replace(half=self.saturation.half[draws], slope=self.saturation.slope[draws])
        kept = {name: getattr(self, name)[draws] for name in self._fields if name not in ("saturation", "memory")}
        return self._replace(saturation=curve, **kept)


class Weeks(NamedTuple):
    """The weeks to be explained."""

    periods: pd.Series  # (weeks,)
    media: np.ndarray  # (tacticals, weeks) multiples of a typical on-air week
    before: np.ndarray  # (tacticals, earlier weeks) the same for the weeks before, whose effects are still carried over
    design: np.ndarray  # (weeks, columns) scaled controls
    components: tuple[str, ...]  # (columns,) the component of each column


def saturate(kind: SaturationKind, carried: np.ndarray, half: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """f(a): a straight line, log(1 + a / half) or the Hill curve a^slope / (a^slope + half^slope), divided by its value at 1.

    Args:
        kind: which curve.
        carried: >= 0, multiples of a typical week on air; broadcasts with the others.
        half: half saturation, in the same unit.
        slope: steepness of the Hill curve.

    Source: Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects, Google.
    """
    return carried if kind == "none" else saturate_with(in_numpy(), kind, carried, half, slope)


def saturate_with(ops: Operations, kind: SaturationKind, carried: Any, half: Any, slope: Any) -> Any:
    """`saturate` of a curve that bends, in any array library.

    Logs keep powers of no exposure from a gradient of 0 times infinity.
    """
    if kind == "log":
        return ops.log1p(carried / half) / ops.log1p(1.0 / half)
    log_half = ops.log(half)
    relative = ops.log(carried + TINY) - log_half
    return ops.logistic(slope * relative) * (1.0 + ops.exp(slope * log_half))


def saturation_slope(kind: SaturationKind, carried: np.ndarray, half: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """f'(a), arguments as in `saturate`; at no exposure a Hill curve of slope below 1 is infinitely steep and told as such."""
    if kind == "none":
        return np.ones(np.broadcast_shapes(np.shape(carried), np.shape(half)))
    if kind == "log":
        return 1.0 / ((half + carried) * np.log1p(1.0 / half))
    with np.errstate(divide="ignore"):
        rise = slope * np.asarray(carried, dtype=float) ** (slope - 1.0)
    return (1.0 + half**slope) * half**slope * rise / (carried**slope + half**slope) ** 2


def carried_exposure(tactical: int, coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """Carried exposure of one tactical under every draw, (draws, weeks) in typical on-air weeks."""
    whole = np.concatenate([weeks.before[tactical], weeks.media[tactical]])
    decay = coefficients.decay[:, tactical]
    return geometric(whole, decay, memory=coefficients.memory)[:, weeks.before.shape[1] :]


def media_draws(tactical: int, coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """Contribution of one tactical, (draws, weeks) in target units."""
    carried = carried_exposure(tactical, coefficients, weeks)
    return coefficients.beta[:, tactical, None] * coefficients.saturation.at(carried, tactical)


def control_draws(component: str, coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """Contribution of one control, the season or the trend, (draws, weeks) in target units."""
    mine = np.array(weeks.components) == component
    return coefficients.control[:, mine] @ weeks.design[:, mine].T


def fitted_draws(coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """The mean of the target under every draw, (draws, weeks) in target units."""
    fitted = coefficients.baseline[:, None] + coefficients.control @ weeks.design.T
    for tactical in range(len(weeks.media)):
        fitted += media_draws(tactical, coefficients, weeks)
    return fitted
