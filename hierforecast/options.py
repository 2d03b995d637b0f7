"""How models are fitted, sampled and judged, and how long a made company is: the options in a company's settings."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hierforecast.errors import nearest
from hierforecast.hierarchy import BOTTOM, TOTAL, groupings

Strength = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]  # what every library's generator takes

Tolerance = Annotated[float, Field(ge=0)]
Approval = Literal["automatic", "manual"]

# WAPE that a challenger may lose against the champion, as a difference. The total's is wider, because it rests on a dozen
# sums: on eight weeks of public store data, settings that are as good as each other moved it by a few hundredths, and that
# of the series by a few thousandths.
BOTTOM_TOLERANCE, TOTAL_TOLERANCE, MEDIA_TOLERANCE = 0.01, 0.02, 0.05

FEWEST_WEEKS, MOST_WEEKS = 60, 1040  # of a made company: a year and a holdout at least, twenty years at most

# Numbers are finite, because settings travel as JSON, which has no infinity.
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


class Settings(BaseModel):
    """What every part of the settings obeys: no unknown field, no change after it was read, finite numbers."""

    model_config = ConfigDict(frozen=True, **STRICT)


class RowsEngine(Settings):
    """How mini-batches of rows are trained on, where moments cannot say the loss or a carry-over is to be learned."""

    epochs: int = Field(30, ge=1, le=10_000, description="passes over the rows at most")
    batch_rows: int = Field(8192, ge=16, le=4_000_000)
    learning_rate: float = Field(0.02, gt=0, le=1)
    patience: int = Field(5, ge=1, description="epochs without a better held-out loss before training stops")
    polish: bool = Field(True, description="finish smooth losses by L-BFGS over all rows, at most `iterations` of it")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto takes cuda, else mps, else cpu")
    tweedie_power: float = Field(1.5, gt=1, lt=2, description="variance grows as the mean to this power")
    huber: float = Field(1.0, gt=0, description="errors beyond so many noise sds count linearly")
    quantile: float = Field(0.5, gt=0, lt=1)


class Training(Settings):
    """How HiReF is fitted. Sizes are per level; strengths are ridge penalties in units of one observation."""

    engine: Literal["moments", "rows"] = Field("moments", description="rows: mini-batches, for the other losses")
    loss: Literal["squared", "poisson", "gamma", "tweedie", "huber", "quantile"] = Field(
        "squared", description="moments: squared, poisson (variance as the mean), gamma (as its square); rows: all but gamma"
    )
    rows: RowsEngine = RowsEngine()
    embedding_size: Annotated[int, Field(ge=1, le=32)] | Literal["full"] = Field(
        4, description="numbers per node of every level; full: one per column that varies, so that every effect has its own"
    )
    ridge: Strength | Literal["auto"] | dict[str, Strength | dict[str, Strength]] = Field(
        1.0,
        description="shrinkage of nodes: one strength, one per level (and `bottom`, the series), those again per column group "
        "(baseline, season, month, holidays, trend, target, a driver; default: the rest), or auto: chosen on earlier origins",
    )
    discount: float = Field(1.0, gt=0, le=1, description="weight of a row against one that is a period younger")
    month_waves: int = Field(0, ge=0, le=6, description="Fourier pairs within the month (pay days); daily or weekly data")
    month_by: list[str] | None = Field(None, description="levels these vary over; null is every level")
    seasonality: int = Field(3, ge=0, le=26, description="yearly Fourier pairs")
    season_by: list[str] | None = Field(None, description="levels the season varies over; null is every level")
    trend: bool = False
    trend_knots: int = Field(
        0, ge=0, le=20, description="places in training, equally spaced, where the trend's slope may change"
    )
    recent_level: bool = Field(True, description="whether each series' recent errors may shift its forecast")
    recent_by: list[str] = Field(default_factory=list, description="levels whose recent errors are followed first, in order")
    origins: int = Field(2, ge=1, le=12, description="earlier origins, a horizon apart, that choices and intervals rest on")
    keep_moments: bool = Field(
        False,
        description="keep sums and recent rows with the model, so that `update` reads new rows only; folders grow with it",
    )
    iterations: int = Field(500, ge=10, le=10_000, description="L-BFGS iterations at most")
    tolerance: float = Field(
        1e-8,
        ge=1e-15,
        le=1e-2,
        description="what an iteration must take off the mean squared error per row, in noise variances, to be worth another",
    )
    interval: float = Field(0.8, gt=0, lt=1, description="nominal coverage of lower..upper")
    seed: Seed = 7

    @model_validator(mode="after")
    def _knots_of_a_trend(self) -> "Training":
        if self.trend_knots and not self.trend:
            raise ValueError(f"training.trend_knots is {self.trend_knots} and there is no trend; add trend: true")
        return self

    def check_levels(self, levels: Sequence[str]) -> None:
        """Raise ValueError where an option names a level that a panel does not have."""
        everywhere = [*levels, BOTTOM]
        allowed = {
            "season_by": (self.season_by, everywhere),
            "month_by": (self.month_by, everywhere),
            "recent_by": (self.recent_by, levels),
            "ridge": (self.ridge if isinstance(self.ridge, dict) else None, everywhere),
        }
        for option, (named, known) in allowed.items():
            for level in named or ():
                if level not in known:
                    raise ValueError(f"training.{option} names the level {level!r}; {nearest(level, known)}")


class Sampling(Settings):
    """How Precision is sampled."""

    chains: int = Field(4, ge=2, le=64)
    warmup: int = Field(500, ge=50, le=20_000)
    draws: int = Field(500, ge=50, le=50_000, description="kept per chain")
    steps_per_draw: int = Field(2, ge=1, le=20, description="steps of the sampler from one kept draw to the next")
    target_acceptance: float = Field(0.9, gt=0.5, lt=1)
    max_tree_depth: int = Field(8, ge=3, le=12)
    kernel: Literal["own", "tfp"] = Field("own", description="tfp: TensorFlow Probability's NUTS, slower; same posterior")
    interval: float = Field(0.9, gt=0, lt=1, description="nominal coverage of lower..upper")
    seed: Seed = 7


class _Gate(Settings):
    """What both families' gates have."""

    alpha: float = Field(
        0.01, gt=0, lt=0.5, description="kept out where the paired test over series gives a probability below this"
    )
    worse_by: Tolerance | None = Field(
        None, description="share of its volume by which a series counts as worse; null is the finest level's tolerance"
    )
    max_drift: float | None = Field(
        None, gt=0, description="population stability index of the driver that drifted most; null is told, not judged"
    )
    approval: Approval | None = Field(None, description="of this family alone; null is what `gates.approval` says")


class HirefGate(_Gate):
    """What a HiReF challenger must hold to become champion."""

    max_wape_increase: dict[str, Tolerance] = Field(
        {BOTTOM: BOTTOM_TOLERANCE, TOTAL: TOTAL_TOLERANCE},
        description="held-out WAPE above the champion's, as a difference: one number (of the bottom series), or one per level",
    )
    max_bias: float = Field(0.25, gt=0, description="absolute relative bias of the total after the cutoff")

    @field_validator("max_wape_increase", mode="before")
    @classmethod
    def _per_level(cls, value: Any) -> Any:
        return _by_level(value, BOTTOM)

    @field_validator("max_wape_increase")
    @classmethod
    def _completed(cls, value: dict[str, float]) -> dict[str, float]:
        bottom = value.get(BOTTOM, BOTTOM_TOLERANCE)
        # Whoever allows the bottom more than the total's usual tolerance does not mean to be stopped by the latter.
        return {BOTTOM: bottom, **value, TOTAL: value.get(TOTAL, max(bottom, TOTAL_TOLERANCE))}


class PrecisionGate(_Gate):
    """What a Precision challenger must hold to become champion."""

    max_rhat: float = Field(1.01, gt=1)
    min_ess: float = Field(400, gt=0, description="bulk and tail effective draws of the worst parameter")
    max_divergences: int = Field(0, ge=0)
    min_ebfmi: float = Field(0.3, ge=0, lt=2, description="energy fraction of the worst chain (Betancourt 2016)")
    max_wape_increase: dict[str, Tolerance] = Field(
        {TOTAL: MEDIA_TOLERANCE}, description="held-out WAPE above the champion's, as a difference; its only level is the total"
    )

    @field_validator("max_wape_increase", mode="before")
    @classmethod
    def _of_the_total(cls, value: Any) -> Any:
        return _by_level(value, TOTAL)

    @field_validator("max_wape_increase")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        for level in value:
            if level != TOTAL:
                raise ValueError(f"names the level {level!r}; {nearest(level, [TOTAL])}")
        return {TOTAL: MEDIA_TOLERANCE, **value}


class Gates(Settings):
    """The gates of both families, and who has the last word."""

    hiref: HirefGate = HirefGate()
    precision: PrecisionGate = PrecisionGate()
    approval: Approval = Field("automatic", description="manual: a challenger that holds every gate waits for `flows.approve`")

    def manual(self, family: str) -> bool:
        """Whether a person has the last word about "hiref" or "precision"."""
        gate = self.hiref if family == "hiref" else self.precision
        return (gate.approval or self.approval) == "manual"

    def check_levels(self, levels: Sequence[str]) -> None:
        """Raise ValueError where a tolerance names a level that the sales panel is not scored at."""
        known = list(groupings(levels))
        for level in self.hiref.max_wape_increase:
            if level not in known:
                raise ValueError(f"gates.hiref.max_wape_increase names the level {level!r}; {nearest(level, known)}")


def _by_level(value: Any, level: str) -> dict[str, Any]:
    """A tolerance per level from one number, which is that of `level`, or from a mapping."""
    if isinstance(value, dict):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {level: value}
    raise ValueError(f"wanted a number, or one for each level such as {{{level}: 0.02}}, got {value!r}")


class Simulation(Settings):
    """A made company with known truth in place of files: its panels are written where none are given."""

    seed: Seed = 1
    weeks: int = Field(156, ge=FEWEST_WEEKS, le=MOST_WEEKS)
