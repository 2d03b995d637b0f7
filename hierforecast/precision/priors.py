"""What is believed before the data: unit-free priors, and half-lives that a node inherits from the node above it.

Target and media are scaled inside the model (target to sd 1, each tactical to a mean of 1 over the weeks it was on
air), so the numbers here hold for any currency and any metric.

    log effect:  global ~ N(log effect_median, effect_sd);  node ~ N(parent, scale_level)
    scale_level ~ LogNormal(log scale_median, scale_sd)     one per level of the tree
    half_life   ~ LogNormal(log median, sd)                 per tactical, in periods
    control     ~ N(0, control_sd);  intercept ~ N(0, intercept_sd);  noise ~ LogNormal(log noise_median, noise_sd)
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hierforecast.errors import SettingsError, nearest
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.schema import Frequency

# About a week's half-life whatever the period: nine in ten between two and seventeen days.
DEFAULT_HALF_LIFE: dict[Frequency, float] = {"day": 6.0, "week": 0.9, "month": 0.25}
DEFAULT_HALF_LIFE_SD = 0.6


@dataclass(frozen=True)
class HalfLife:
    """A LogNormal prior of a half-life: `median` in periods, `sd` of its logarithm."""

    median: float
    sd: float = DEFAULT_HALF_LIFE_SD

    def __post_init__(self) -> None:
        if not (0 < self.median < math.inf and 0 < self.sd < math.inf):
            raise SettingsError(f"a half-life prior needs a positive median and sd, got median {self.median}, sd {self.sd}")


@dataclass(frozen=True)
class Priors:
    """All priors, on the scaled data.

    Args:
        effect_median: median effect of a typical on-air week, in sd of the target.
        effect_sd: sd of its logarithm; 0.7 spans a factor of 16 between the 2.5 % and the 97.5 % point.
        scale_median: how much siblings differ, as sd of log effects; 0.35 lets two of them differ by half.
        scale_sd: sd of the logarithm of that; few trees have enough nodes to say more about it than a prior does.
        half_life: by node name of any level; a tactical takes the nearest declared node at or above it.
        default_half_life: for tacticals without a declared node; None takes the frequency's default.
        control_sd: effect of one sd of a control, in sd of the target.
        intercept_sd: the mean of the target is subtracted, so this only allows for its error.
        noise_median: residual sd, in sd of the target.
        noise_sd: sd of its logarithm.
    """

    effect_median: float = 0.3
    effect_sd: float = 0.7
    scale_median: float = 0.35
    scale_sd: float = 0.3
    half_life: Mapping[str, HalfLife] = field(default_factory=dict)
    default_half_life: HalfLife | None = None
    control_sd: float = 1.0
    intercept_sd: float = 0.5
    noise_median: float = 0.5
    noise_sd: float = 0.7

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, float | int) and not 0 < value < math.inf:
                raise SettingsError(f"prior {name} must be a positive number, got {value}")

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"half_life": {node: asdict(prior) for node, prior in self.half_life.items()}}

    @classmethod
    def from_json(cls, config: dict[str, Any]) -> "Priors":
        """The inverse of `to_json`."""
        default = config["default_half_life"]
        half_life = {node: HalfLife(**prior) for node, prior in config["half_life"].items()}
        return cls(**config | {"half_life": half_life, "default_half_life": HalfLife(**default) if default else None})


class PriorNumbers(NamedTuple):
    """The priors as arrays, on the log scale where a parameter is positive. They are arguments of the compiled program."""

    effect_location: np.ndarray  # ()
    effect_sd: np.ndarray  # ()
    scale_location: np.ndarray  # ()
    scale_sd: np.ndarray  # ()
    half_life_location: np.ndarray  # (tacticals,)
    half_life_sd: np.ndarray  # (tacticals,)
    control_sd: np.ndarray  # ()
    intercept_sd: np.ndarray  # ()
    noise_location: np.ndarray  # ()
    noise_sd: np.ndarray  # ()


def prior_numbers(priors: Priors, hierarchy: Hierarchy, frequency: Frequency) -> PriorNumbers:
    """Resolve the priors for a tree. Raises SettingsError where a half-life names a node that the tree does not have."""
    half_lives = resolve_half_lives(priors, hierarchy, frequency)
    return PriorNumbers(
        effect_location=np.array(math.log(priors.effect_median)),
        effect_sd=np.array(float(priors.effect_sd)),
        scale_location=np.array(math.log(priors.scale_median)),
        scale_sd=np.array(float(priors.scale_sd)),
        half_life_location=np.log([prior.median for prior in half_lives]),
        half_life_sd=np.array([float(prior.sd) for prior in half_lives]),
        control_sd=np.array(float(priors.control_sd)),
        intercept_sd=np.array(float(priors.intercept_sd)),
        noise_location=np.array(math.log(priors.noise_median)),
        noise_sd=np.array(float(priors.noise_sd)),
    )


def resolve_half_lives(priors: Priors, hierarchy: Hierarchy, frequency: Frequency) -> list[HalfLife]:
    """The half-life prior of every tactical: its own, else its platform's, else its channel's, else the default."""
    known = {node for path in hierarchy.paths for node in path}
    for node in priors.half_life:
        if node not in known:
            raise SettingsError(f"half_life names {node!r}, which is not in the media tree; {nearest(node, known)}")
    default = priors.default_half_life or HalfLife(DEFAULT_HALF_LIFE[frequency])
    return [next((priors.half_life[node] for node in path if node in priors.half_life), default) for path in hierarchy.paths]
