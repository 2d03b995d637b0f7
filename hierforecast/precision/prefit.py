"""A quick least-squares fit before sampling: in which coordinates and with which first step sizes to walk.

It only chooses coordinates (see `posterior.parameters`) and the metric of the first warm-up window, so a rough answer costs
speed and never bias.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.mix_model import MixModel
from hierforecast.precision.adstock import decay_from_half_life, geometric
from hierforecast.precision.priors import PriorNumbers


class Prefit(NamedTuple):
    """What the sampler is told before its first step."""

    centring: np.ndarray  # (units,) in [0, 1): degree to which a unit's effect is walked as such
    spread: dict[str, np.ndarray]  # per block of the flat vector a guess of its posterior sd; blocks not named: 1


def prefit(
    target: np.ndarray,
    media: np.ndarray,
    controls: np.ndarray,
    observed: np.ndarray,
    *,
    unit: np.ndarray,
    priors: PriorNumbers,
    model: MixModel,
) -> Prefit:
    """Fit media, with carry-over at the prior's medians, and controls by least squares.

    Centring is information / (information + 1 / scale^2), with ``(beta_i^2 + se_i^2) / se_i^2`` as the information about
    log beta_i and the prior's median as scale.

    Args:
        target: (weeks,) scaled.
        media: (tacticals, weeks) scaled.
        controls: (weeks, controls) scaled.
        observed: (weeks,) bool.
        unit: (tacticals,) the node with an effect that each belongs to.
        priors: of the model.
        model: its form.
    """
    carried = geometric(media, _middle_decay(priors, model), memory=model.memory)
    units = np.eye(int(unit.max()) + 1)[unit].T @ carried
    columns = np.column_stack([units.T, np.ones(len(target)), controls])[observed]
    weeks, count = len(columns), len(units)
    fit, *_ = np.linalg.lstsq(columns, target[observed], rcond=None)
    residuals = target[observed] - columns @ fit
    noise = np.sqrt(residuals @ residuals / max(weeks - columns.shape[1], 1))
    errors = noise * np.sqrt(np.maximum(np.linalg.pinv(columns.T @ columns, hermitian=True).diagonal(), 1e-12))

    effect, error = np.maximum(fit[:count], 0.0), errors[:count]
    information = (effect / error) ** 2 + 1.0
    centring = information / (information + np.exp(-2 * priors.scale_location))
    spread = {
        "intercept": np.array([noise / np.sqrt(weeks) / priors.intercept_sd]),
        "noise": np.array([1 / np.sqrt(2 * weeks) / priors.noise_sd]),
        "control": errors[count + 1 :] / priors.control_sd,
    }
    return Prefit(centring, {name: np.clip(guess, 1e-3, 1.0) for name, guess in spread.items()})


def _middle_decay(priors: PriorNumbers, model: MixModel) -> np.ndarray:
    if model.decay == "half_life":
        return decay_from_half_life(np.exp(priors.decay_location))
    return 1.0 / (1.0 + np.exp(-priors.decay_location))
