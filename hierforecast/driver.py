"""A numeric cause of the target: what it is, which way it works, and how its effect carries over and saturates."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from hierforecast.naming import refuse_repeated
from hierforecast.options import STRICT

Sign = Literal["+", "-", "free"]


def _refuse_unread(curve: Any, what: str, names: tuple[str, ...]) -> None:
    """A number that the kind of curve does not read was meant for another kind."""
    for name in names:
        value, usual = getattr(curve, name), type(curve).__dataclass_fields__[name].default
        if value != usual:
            raise ValueError(f"{what} has no {name}, got {value}; leave it out, or choose the kind that has it")


@dataclass(frozen=True, config=STRICT)
class Adstock:
    """Carry-over of a driver; its weights over past periods sum to 1, so units are kept and a constant stays itself.

    Geometric: ``a[t] = (1 - decay) x[t] + decay a[t-1]``. Weibull: weights ``exp(-(k/scale)^shape) -
    exp(-((k+1)/scale)^shape)`` for k = 0 .. periods - 1, scaled to sum to 1; a shape above 1 peaks after the exposure.

    Args:
        decay: geometric: share carried to the next period.
        kind: the family of weights.
        shape: Weibull: dimensionless.
        scale: Weibull: periods.
        periods: Weibull: how far back weights reach, periods.
        learned: whether the rows engine may move decay, or shape and scale, from these starting values.
    """

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.5
    kind: Literal["geometric", "weibull"] = "geometric"
    shape: Annotated[float, Field(gt=0, le=10)] = 1.5
    scale: Annotated[float, Field(gt=0, le=52)] = 2.0
    periods: Annotated[int, Field(ge=1, le=104)] = 13
    learned: bool = False

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Adstock":
        others = {"geometric": ("shape", "scale", "periods"), "weibull": ("decay",)}
        _refuse_unread(self, f"adstock of kind {self.kind}", others[self.kind])
        return self


@dataclass(frozen=True, config=STRICT)
class Saturation:
    """Diminishing returns. Hill: ``x^slope / (x^slope + half^slope)``; log: ``log1p(x / half)``; power: ``x^exponent``.

    Args:
        half: where the Hill curve reaches one half, in the driver's unit; None takes the mean positive value.
        slope: Hill exponent, dimensionless.
        exponent: of the power curve, dimensionless.
        learned: whether the rows engine may move half, slope or exponent from these starting values.
    """

    kind: Literal["hill", "log", "power"]
    half: Annotated[float, Field(gt=0)] | None = None
    slope: Annotated[float, Field(gt=0, le=5)] = 1.0
    exponent: Annotated[float, Field(gt=0, le=1)] = 0.5
    learned: bool = False

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Saturation":
        others = {"hill": ("exponent",), "log": ("slope", "exponent"), "power": ("half", "slope")}
        _refuse_unread(self, f"saturation of kind {self.kind}", others[self.kind])
        return self


@dataclass(frozen=True, config=STRICT)
class Driver:
    """A numeric cause of the target: what it is, in which direction it works, and what is known of it when.

    Args:
        name: column of the sales panel.
        sign: the direction of its total effect in every series: "+", "-" or "free".
        unit: for labels, e.g. "EUR", "share", "GRP / week".
        transform: "log" reads the driver multiplicatively (with a log link its effect is an elasticity).
        reference: the value at which it contributes nothing: a number, "mean" (of training) or a column's name.
        adstock: carry-over; a bare number is a geometric decay.
        saturation: diminishing returns, after the adstock.
        known_ahead: True when its future values are planned (prices, promotions), so forecasts may use them.
        availability_lag: periods until a value is known, for drivers that are measured and not planned.
        by: the levels its effect varies over; None means every level, an empty tuple one effect for all.
        lags: periods back at which it works, each with an effect of its own; 0 is the same period.
        lag_of: the target or another driver that this column is the past of, for the checks to verify; None if of none.
        lag_periods: how many periods ago it was that column; declared together with `lag_of`.
        lower: smallest plausible value; None for no bound.
        upper: largest plausible value; None for no bound.
    """

    name: Annotated[str, Field(min_length=1)]
    sign: Sign = "free"
    unit: str = ""
    transform: Literal["identity", "log"] = "identity"
    reference: float | str = 0.0
    adstock: Adstock | None = None
    saturation: Saturation | None = None
    known_ahead: bool = True
    availability_lag: Annotated[int, Field(ge=0)] = 0
    by: tuple[str, ...] | None = None
    lags: Annotated[tuple[Annotated[int, Field(ge=0, le=104)], ...], Field(min_length=1)] = (0,)
    lag_of: Annotated[str, Field(min_length=1)] | None = None
    lag_periods: Annotated[int, Field(ge=1, le=104)] | None = None
    lower: float | None = None
    upper: float | None = None

    @field_validator("adstock", mode="before")
    @classmethod
    def _decay_alone(cls, value: Any) -> Any:
        return {"decay": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("reference", mode="before")
    @classmethod
    def _usable_reference(cls, value: Any) -> Any:
        usable = bool(value) if isinstance(value, str) else isinstance(value, int | float) and math.isfinite(value)
        if not usable or isinstance(value, bool):
            raise ValueError(f"wanted a finite number, mean or a column's name, got {value!r}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Driver":
        if self.transform == "log" and (self.adstock or self.saturation):
            raise ValueError(
                f"driver {self.name!r}: transform 'log' cannot be combined with adstock or saturation; "
                "use saturation: {kind: log} for diminishing returns"
            )
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"driver {self.name!r}: lower {self.lower} is above upper {self.upper}")
        refuse_repeated(self.lags, f"driver {self.name!r}: lags")
        if (self.lag_of is None) != (self.lag_periods is None):
            given, lacking = ("lag_of", "lag_periods") if self.lag_periods is None else ("lag_periods", "lag_of")
            raise ValueError(f"driver {self.name!r}: {given} is given without {lacking}; give both, or leave both out")
        return self
