"""Between tables and draws: what a fit learned from its table, the arrays it samples with, and the way back to units."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hierforecast.mix_model import MixModel
from hierforecast.precision.adstock import geometric
from hierforecast.precision.calibration import LiftTest, arrange_lifts
from hierforecast.precision.controls import Design
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.posterior.data import ModelData, Old, arrange_media, follow_each_other, parent_matrices
from hierforecast.precision.posterior.parameters import Parameters, block_sizes
from hierforecast.precision.prefit import prefit
from hierforecast.precision.priors import PriorNumbers
from hierforecast.precision.response import Coefficients, Saturation, saturate
from hierforecast.precision.scaling import Scaling

if TYPE_CHECKING:
    import xarray as xr


class Training(NamedTuple):
    """The table a model was fitted on, and all that follows from it without a draw."""

    table: MediaTable
    observed: np.ndarray  # (weeks,) bool
    scaling: Scaling
    design: Design
    scaled_on: np.ndarray  # (weeks,) bool, the weeks that scales and design come from, and the meaning of the intercept
    lifts: tuple[LiftTest, ...] = ()
    old: Old | None = None
    centring: np.ndarray | None = None  # of a refresh: the coordinates of the old posterior

    def arrays(self) -> dict[str, np.ndarray]:
        """What must be saved to make it again, beside the periods."""
        table = self.table
        arrays = {"target": table.target, "media": table.media, "controls": table.controls}
        arrays |= {"observed": self.observed.astype(np.uint8), "scaled_on": self.scaled_on.astype(np.uint8)}
        arrays |= {"media_scale": self.scaling.media}  # weeks of a refresh would give others
        optional = {"spend": table.spend, "centring": self.centring}
        return arrays | {name: array for name, array in optional.items() if array is not None}


def model_data(training: Training, hierarchy: Hierarchy, priors: PriorNumbers, model: MixModel) -> tuple[ModelData, np.ndarray]:
    """The scaled arrays that the density takes, and a guess of the flat vector's posterior sd, (size,)."""
    table, observed, scaling, design = training[:4]
    target = scaling.target_in(table.target, observed)
    media, controls = scaling.media_in(table.media), design.matrix(table.periods, table.controls)
    unit = hierarchy.membership(model.effects_at or hierarchy.levels[0])
    first = prefit(target, media, controls, observed, unit=unit, priors=priors, model=model)
    told_on = training.scaled_on
    spend = np.ones(len(media)) if table.spend is None else table.spend[:, told_on].sum(axis=1) / scaling.target_sd
    data = ModelData(
        target=target,
        residuals=follow_each_other(observed),
        told_on=told_on.astype(float),
        media=arrange_media(media, model),
        spend=spend,
        controls=controls,
        parents=parent_matrices(hierarchy, model.effects_at),
        unit=unit.astype(np.int32),
        channel=hierarchy.membership(hierarchy.levels[-1]).astype(np.int32),
        centring=first.centring if training.centring is None else training.centring,
        priors=priors,
        lifts=arrange_lifts(training.lifts, hierarchy, table, scaling, model),
        old=training.old,
    )
    spread = {name: np.ones(size) for name, size in block_sizes(data, model).items()} | first.spread
    flat = np.concatenate([spread[name] for name in block_sizes(data, model)])
    if training.old is not None:  # what an old posterior knows is as good a guess as any
        flat = np.sqrt(np.diag(np.linalg.inv(training.old.root @ training.old.root.T)))
    return data, flat


def betas(parameters: Parameters, training: Training, hierarchy: Hierarchy, model: MixModel) -> np.ndarray:
    """Effect of a typical week on air, (..., tacticals) in target sd; returns on spend are turned into it."""
    unit = hierarchy.membership(model.effects_at or hierarchy.levels[0])
    strength = parameters.strength[..., unit]
    if model.prior_scale == "effect":
        return strength
    spend = training.table.spend[:, training.scaled_on].sum(axis=1) / training.scaling.target_sd
    flat = Parameters(*(None if part is None or isinstance(part, tuple) else _rows(part) for part in parameters))
    totals = np.stack(
        [curve[:, training.scaled_on].sum(axis=1) for curve in _curves(training, flat.decay, flat.half, flat.slope, model)]
    )
    return (_rows(strength) * spend / totals.T).reshape(strength.shape)


def coefficients_in_units(training: Training, posterior: "xr.Dataset", model: MixModel) -> Coefficients:
    """Pooled draws in the target's unit, the centring of the sampler taken back into the baseline."""
    scaling = training.scaling
    drawn = {str(name): pooled(posterior, str(name)) for name in posterior.data_vars}
    beta, draws = drawn["beta"], len(drawn["beta"])
    half, slope = drawn.get("half_saturation"), drawn.get("hill_slope")
    curves = _curves(training, drawn["decay"], half, slope, model)
    centre = sum(beta[:, place] * curve[:, training.scaled_on].mean(axis=1) for place, curve in enumerate(curves))
    ones = np.ones_like(beta)
    return Coefficients(
        baseline=scaling.target_mean + scaling.target_sd * (drawn["intercept"] - centre),
        beta=scaling.target_sd * beta,
        decay=drawn["decay"],
        saturation=Saturation(model.saturation, ones if half is None else half, ones if slope is None else slope),
        memory=model.memory,
        control=scaling.target_sd * drawn.get("control", np.zeros((draws, 0))),
        noise=scaling.target_sd * drawn["noise"],
        correlation=drawn.get("correlation", np.zeros(draws)),
        tails=drawn.get("tails", np.full(draws, np.inf)),
    )


def pooled(posterior: "xr.Dataset", name: str) -> np.ndarray:
    """A variable with dims (chain, draw, ...) as (draws of all chains, ...)."""
    values = posterior[name].to_numpy()
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])


def _curves(
    training: Training, decay: np.ndarray, half: np.ndarray | None, slope: np.ndarray | None, model: MixModel
) -> list[np.ndarray]:
    """f(carried exposure) of the training weeks, (draws, weeks) per tactical, from (draws, tacticals) parameters."""
    media = training.scaling.media_in(training.table.media)
    curves = []
    for place, exposure in enumerate(media):
        carried = geometric(exposure, decay[:, place], memory=model.memory)
        bends = [None if part is None else part[:, place, None] for part in (half, slope)]
        curves.append(saturate(model.saturation, carried, *bends))
    return curves


def _rows(values: np.ndarray) -> np.ndarray:
    """Leading dimensions as one."""
    return values.reshape(-1, values.shape[-1])
