"""Carry-over and saturation that can be learned: the transforms of `transforms/`, differentiable, on dense series.

Raw exposures lie as (series, periods), so that a carry-over is a handful of shifted sums:

    geometric   a[t] = (1 - d) sum_k d^k x[t-k]    by doubling: a += d^(2^j) shift(a, 2^j), log2(periods) steps
    weibull     a[t] = sum_k w[k] x[t-k]           a finite filter of the declared length

What moves is kept on the whole real line and read through a sigmoid up to the bound that the settings allow, or through
exp for half saturations. A normal prior of sd 2 about the starting value, which counts as much as one row, keeps a curve
that the data say nothing about where it started.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hierforecast.driver import Adstock, Driver, Saturation

CURVE = "curves"  # name of the (facts,) raw values in a state
DOUBT = 2.0  # sd of the prior on the raw scale: from decay 0.3 it reaches 0.02 .. 0.89 within one sd
TINY = 1e-12
BOUNDS = {"decay": 1.0, "shape": 10.0, "scale": 52.0, "slope": 5.0, "exponent": 1.0}  # of the settings; half has none
_INSIDE = 1e-4  # of a bound: a fact is kept off its ends, which the settings do not allow
_STUCK = 1e-3  # of a bound: nearer to its ends a start would lie on the sigmoid's flat part


class Curve(NamedTuple):
    """One exposure and the place of its facts.

    Args:
        driver: as declared; its fixed facts are used as they are.
        half: half saturation to start from, in the driver's unit.
        place: per learned fact ("decay", "half" ...) its place among the raw values.
        column: which column of X it makes.
        constant: reference, a constant in the driver's unit; None where a series of references is subtracted.
    """

    driver: Driver
    half: float
    place: dict[str, int]
    column: int
    constant: float | None


class Exposures(NamedTuple):
    """Raw exposures of drivers with learned curves.

    Args:
        curves: one each.
        values: per curve (series, periods) in the driver's unit, 0 where there is no row.
        references: per curve the same of its reference column, or None.
        scales: (curves,) `column_scales` of their columns.
        start: (facts,) raw values to start from.
    """

    curves: tuple[Curve, ...]
    values: tuple[Tensor, ...]
    references: tuple[Tensor | None, ...]
    scales: Tensor
    start: Tensor

    def cast(self, device: torch.device, dtype: torch.dtype) -> "Exposures":
        """The same elsewhere, numbers in another type."""
        return Exposures(
            self.curves,
            tuple(table.to(device, dtype) for table in self.values),
            tuple(table if table is None else table.to(device, dtype) for table in self.references),
            self.scales.to(device, dtype),
            self.start.to(device, dtype),
        )

    def doubt(self, raw: Tensor) -> Tensor:
        """Half the squared distance from the start in prior sds, ()."""
        return ((raw - self.start) / DOUBT).square().sum() / 2


def raw_of(name: str, fact: float) -> float:
    """A fact on the whole real line; one at the very end of its bounds begins a little inside, where it can move."""
    if name == "half":
        return math.log(fact)
    share = (fact / BOUNDS[name] - _INSIDE) / (1 - 2 * _INSIDE)
    share = min(max(share, _STUCK), 1 - _STUCK)
    return math.log(share / (1 - share))


def fact_of(name: str, raw: Tensor) -> Tensor:
    """The inverse of `raw_of`."""
    if name == "half":
        return torch.exp(raw)
    return BOUNDS[name] * (_INSIDE + (1 - 2 * _INSIDE) * torch.sigmoid(raw))


def learned_facts(driver: Driver) -> tuple[str, ...]:
    """Names of the facts that may move."""
    carry, bend = driver.adstock, driver.saturation
    names: tuple[str, ...] = ()
    if carry and carry.learned:
        names += ("decay",) if carry.kind == "geometric" else ("shape", "scale")
    if bend and bend.learned:
        names += {"hill": ("half", "slope"), "log": ("half",), "power": ("exponent",)}[bend.kind]
    return names


def shape_columns(
    state: dict[str, Tensor], exposures: Exposures, series: Tensor, X: Tensor, local: Tensor, period: Tensor
) -> Tensor:
    """X with the learned columns made anew.

    Args:
        state: with the raw values under `CURVE`.
        exposures: of all series.
        series: (n,) the series of the batch.
        X: (rows, columns) of the batch.
        local: (rows,) place of each row's series in `series`.
        period: (rows,) place in time.
    """
    made = []
    for place, curve in enumerate(exposures.curves):
        facts = {name: fact_of(name, state[CURVE][at]) for name, at in curve.place.items()}
        column = bend(carry(exposures.values[place].index_select(0, series), curve, facts), curve, facts)
        reference = exposures.references[place]
        if reference is None:
            subtracted = bend(torch.full_like(column[:1, :1], curve.constant), curve, facts)
        else:
            subtracted = bend(carry(reference.index_select(0, series), curve, facts), curve, facts)
        made.append((column - subtracted)[local, period] / exposures.scales[place])
    places = torch.tensor([curve.column for curve in exposures.curves], device=X.device)
    return X.index_copy(1, places, torch.stack(made, dim=1))


def carry(values: Tensor, curve: Curve, facts: dict[str, Tensor]) -> Tensor:
    """Adstock along the last axis of (series, periods)."""
    declared = curve.driver.adstock
    if declared is None:
        return values
    if declared.kind == "geometric":
        return _geometric(values, _fact("decay", declared.decay, facts, values))
    shape, scale = (_fact(name, getattr(declared, name), facts, values) for name in ("shape", "scale"))
    return _filter(values, _weibull(shape, scale, declared.periods, values))


def bend(values: Tensor, curve: Curve, facts: dict[str, Tensor]) -> Tensor:
    """Saturation of any shape; exposures below zero count as none."""
    declared = curve.driver.saturation
    if declared is None:
        return values
    logs = torch.log(values.clamp(min=TINY))
    if declared.kind == "power":
        exponent = _fact("exponent", declared.exponent, facts, values)
        return torch.where(values > 0, torch.exp(exponent * logs), 0.0)
    half = _fact("half", curve.half, facts, values)
    if declared.kind == "log":
        return torch.log1p(values.clamp(min=0.0) / half)
    slope = _fact("slope", declared.slope, facts, values)
    return torch.where(values > 0, torch.sigmoid(slope * (logs - torch.log(half))), 0.0)


def with_facts(driver: Driver, facts: dict[str, float]) -> Driver:
    """The driver with learned facts in place of the declared ones."""
    carry, bend = driver.adstock, driver.saturation
    if carry:
        carry = Adstock(**(_fields(carry) | {name: fact for name, fact in facts.items() if name in _fields(carry)}))
    if bend:
        bend = Saturation(**(_fields(bend) | {name: fact for name, fact in facts.items() if name in _fields(bend)}))
    return Driver(**(_fields(driver) | {"adstock": carry, "saturation": bend}))


def _fields(declared: Driver | Adstock | Saturation) -> dict:
    return {name: getattr(declared, name) for name in declared.__dataclass_fields__}


def _fact(name: str, declared: float, facts: dict[str, Tensor], like: Tensor) -> Tensor:
    return facts[name] if name in facts else torch.as_tensor(declared, dtype=like.dtype, device=like.device)


def _geometric(values: Tensor, decay: Tensor) -> Tensor:
    carried, reach, share = (1 - decay) * values, 1, decay
    while reach < values.shape[1]:
        carried = carried + share * _shift(carried, reach)
        reach, share = 2 * reach, share * share
    return carried


def _shift(values: Tensor, periods: int) -> Tensor:
    return torch.nn.functional.pad(values[:, : values.shape[1] - periods], (periods, 0))


def _weibull(shape: Tensor, scale: Tensor, periods: int, like: Tensor) -> Tensor:
    # The power by way of a log that never is of 0, whose slope in `shape` would be no number.
    edges = torch.arange(1, periods + 1, dtype=like.dtype, device=like.device)
    later = torch.exp(-torch.exp(shape * (torch.log(edges) - torch.log(scale))))
    left = torch.cat([torch.ones_like(later[:1]), later])
    weights = left[:-1] - left[1:]
    return weights / weights.sum().clamp(min=TINY)


def _filter(values: Tensor, weights: Tensor) -> Tensor:
    padded = torch.nn.functional.pad(values, (len(weights) - 1, 0))[:, None, :]
    return torch.nn.functional.conv1d(padded, weights.flip(0)[None, None, :])[:, 0, :]


def dense_of(values: np.ndarray) -> Tensor:
    """(periods, series) as (series, periods), float64."""
    return torch.as_tensor(np.ascontiguousarray(values.T, dtype=float))
