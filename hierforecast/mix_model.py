"""What a marketing mix model may look like, what is believed before the data, and which experiments speak along.

Target and media are scaled inside the model (target to sd 1, each tactical to a mean of 1 over the weeks it was on air), so
the numbers of the priors hold for any currency and any metric.

    log effect:  global ~ N(log effect_median, effect_sd);  node ~ N(parent, scale_level)
    scale_level ~ LogNormal(log scale_median, scale_sd)     one per level of the tree
    half_life   ~ LogNormal(log median, sd)                 per tactical, in periods
    control     ~ N(0, control_sd);  intercept ~ N(0, intercept_sd);  noise ~ LogNormal(log noise_median, noise_sd)
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import date, datetime
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from hierforecast.errors import SettingsError
from hierforecast.options import Settings

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


def _positive(what: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise SettingsError(f"{what}: {name} must be a positive number, got {value}")


class MixModel(Settings):
    """The form of a marketing mix model."""

    decay: Literal["half_life", "beta", "pooled_logit"] = Field(
        "half_life", description="the prior of decays; pooled_logit learns tacticals of a channel together"
    )
    memory: int | None = Field(None, ge=1, le=520, description="periods that an exposure acts on; null: all of them")
    saturation: Literal["none", "log", "hill"] = Field("none", description="how effects flatten as exposure grows")
    effects: Literal["tree", "horseshoe"] = Field(
        "tree", description="tree: pooled down the media tree; horseshoe: most are about none, a few are large"
    )
    effects_at: str | None = Field(None, description="level whose nodes have an effect each; null: every tactical its own")
    prior_scale: Literal["effect", "roi"] = Field(
        "effect", description="whether priors of effects speak of a typical week in target sd, or of return on spend"
    )
    residuals: Literal["iid", "ar1"] = Field("iid", description="ar1: what a period leaves unexplained carries on")
    noise: Literal["normal", "student"] = Field("normal", description="student: outliers pull less")


@dataclass(frozen=True, config=_STRICT)
class HalfLife:
    """A LogNormal prior of a half-life: `median` in periods, `sd` of its logarithm."""

    median: float
    sd: float = 0.6

    def __post_init__(self) -> None:
        _positive("a half-life prior", median=self.median, sd=self.sd)


@dataclass(frozen=True, config=_STRICT)
class BetaDecay:
    """A Beta(a, b) prior of a decay, a share per period; its mean is a / (a + b)."""

    a: float = 2.0
    b: float = 3.0

    def __post_init__(self) -> None:
        _positive("a Beta prior of a decay", a=self.a, b=self.b)


@dataclass(frozen=True, config=_STRICT)
class PooledDecay:
    """Logits of decays around their channel's, those around a common one.

    Args:
        mean: decay in the middle, a share per period.
        sd: of the common logit.
        channel_sd: of channels around it.
        spread_median: how much tacticals of a channel differ, as sd of logits; learned from the data.
        spread_sd: sd of its logarithm.
    """

    mean: float = 0.4
    sd: float = 0.7
    channel_sd: float = 0.5
    spread_median: float = 0.4
    spread_sd: float = 0.4

    def __post_init__(self) -> None:
        _positive("a pooled prior of decays", **asdict(self))
        if self.mean >= 1:
            raise SettingsError(f"a pooled prior of decays needs a mean below 1, a share per period; got {self.mean:g}")


@dataclass(frozen=True, config=_STRICT)
class EffectPrior:
    """A LogNormal prior of one node's effects, in place of the tree's: `median`, and `sd` of the logarithm.

    Its unit is the model's prior scale: return on spend, or target sd per typical week on air.
    """

    median: float
    sd: float = 0.5

    def __post_init__(self) -> None:
        _positive("the prior of an effect", median=self.median, sd=self.sd)


@dataclass(frozen=True, config=_STRICT)
class Priors:
    """All priors, on the scaled data. Mappings by node name hold for all tacticals at or below; the nearest one wins.

    Args:
        effect_median: median effect of a typical on-air week, in sd of the target; where the prior scale is roi, the
            median return on spend, in target units per currency unit.
        effect_sd: sd of its logarithm; 0.7 spans a factor of 16 between the 2.5 % and the 97.5 % point.
        scale_median: how much siblings differ, as sd of log effects; 0.35 lets two of them differ by half.
        scale_sd: sd of the logarithm of that; few trees have enough nodes to say more about it than a prior does.
        effect: nodes with an effect prior of their own; they are not pooled.
        half_life: half-lives by node, where decays have them.
        default_half_life: for tacticals without a declared node; None takes the frequency's default.
        beta_decay: Beta priors by node, where decays have them.
        default_beta_decay: for tacticals without a declared node.
        pooled_decay: where decays are learned together.
        half_saturation_median: carried exposure at half saturation, in typical weeks on air.
        half_saturation_sd: sd of the logarithm of the common one.
        half_saturation_spread: how much tacticals differ from it, as median sd of logarithms; learned.
        hill_slope_median: steepness of Hill curves in the middle.
        hill_slope_sd: sd of its logarithm.
        hill_slope_spread: how much tacticals differ from it, as sd of logarithms.
        horseshoe_scale: global scale of a horseshoe: the effect, in target sd, that an average tactical is below.
        horseshoe_slab: what no effect exceeds by much, in target sd.
        control_sd: effect of one sd of a control, in sd of the target.
        intercept_sd: the mean of the target is subtracted, so this only allows for its error.
        noise_median: residual sd, in sd of the target.
        noise_sd: sd of its logarithm.
        correlation_sd: of the inverse hyperbolic tangent of an AR(1) correlation, which is centred on 0.
        tails_median: degrees of freedom of Student-t noise, above 2.
        tails_sd: sd of the logarithm of what they have above 2.
    """

    effect_median: float = 0.3
    effect_sd: float = 0.7
    scale_median: float = 0.35
    scale_sd: float = 0.3
    effect: Mapping[str, EffectPrior] = field(default_factory=dict)
    half_life: Mapping[str, HalfLife] = field(default_factory=dict)
    default_half_life: HalfLife | None = None
    beta_decay: Mapping[str, BetaDecay] = field(default_factory=dict)
    default_beta_decay: BetaDecay = BetaDecay()
    pooled_decay: PooledDecay = PooledDecay()
    half_saturation_median: float = 1.5
    half_saturation_sd: float = 0.4
    half_saturation_spread: float = 0.25
    hill_slope_median: float = 1.2
    hill_slope_sd: float = 0.25
    hill_slope_spread: float = 0.15
    horseshoe_scale: float = 0.2
    horseshoe_slab: float = 1.0
    control_sd: float = 1.0
    intercept_sd: float = 0.5
    noise_median: float = 0.5
    noise_sd: float = 0.7
    correlation_sd: float = 0.5
    tails_median: float = 10.0
    tails_sd: float = 0.7

    def __post_init__(self) -> None:
        plain = {name: value for name, value in vars(self).items() if isinstance(value, float | int)}
        _positive("priors", **plain)
        if self.tails_median <= 2:
            raise SettingsError(f"priors: tails_median must be above 2, or noise has no variance; got {self.tails_median:g}")

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_json(cls, config: dict[str, Any]) -> "Priors":
        """The inverse of `to_json`."""
        return cls(**config)


def _as_text(value: Any) -> Any:
    """A date as YAML or pandas gives one, in the text that settings travel in."""
    if isinstance(value, datetime) and value == datetime(value.year, value.month, value.day):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else value


Day = Annotated[str, BeforeValidator(_as_text)]


@dataclass(frozen=True, config=_STRICT)
class LiftTest:
    """One experiment, whose outcome enters the likelihood.

    Args:
        node: tactical, platform or channel that was tested; a name of any level of the tree.
        start: first tested period, as in the panel.
        end: last tested period.
        lift: target units that the tested exposure brought in all, against none of it.
        sd: its standard error, target units, > 0.
        share: of the node's exposure in those periods that was tested: 1 is a switch-off or a holdout scaled to all.
        measured_until: last period whose target was compared; None: the last tested one.
    """

    node: str
    start: Day
    end: Day
    lift: float
    sd: float
    share: float = 1.0
    measured_until: Day | None = None

    def __post_init__(self) -> None:
        where = f"lift test of {self.node!r}"
        if not math.isfinite(self.lift) or not 0 < self.sd < math.inf:
            raise SettingsError(
                f"{where}: wanted a finite lift and a positive sd in target units, got {self.lift} and {self.sd}"
            )
        if not 0 < self.share <= 1:
            raise SettingsError(f"{where}: share is the tested part of the exposure, above 0 and at most 1; got {self.share}")
        try:
            start, end = pd.Timestamp(self.start), pd.Timestamp(self.end)
            known = self.known_at
        except (ValueError, TypeError):
            raise SettingsError(f"{where}: start, end and measured_until must be dates such as 2024-03-04") from None
        if not start <= end <= known:
            raise SettingsError(
                f"{where}: wanted start <= end <= measured_until, got {self.start}, {self.end}, {known:%Y-%m-%d}"
            )

    @property
    def known_at(self) -> pd.Timestamp:
        """The last period whose target the test compared."""
        return pd.Timestamp(self.measured_until or self.end)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
