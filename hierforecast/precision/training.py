"""Between tables and draws: what a fit learned from its table, the arrays it samples with, and the way back to units."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hierforecast.precision.adstock import geometric
from hierforecast.precision.controls import Design
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.posterior import ModelData, block_sizes, parent_matrices
from hierforecast.precision.prefit import prefit
from hierforecast.precision.priors import PriorNumbers
from hierforecast.precision.scaling import Scaling
from hierforecast.precision.summaries import Coefficients

if TYPE_CHECKING:
    import xarray as xr


class Training(NamedTuple):
    """The table a model was fitted on, and all that follows from it without a draw."""

    table: MediaTable
    observed: np.ndarray  # (weeks,) bool
    scaling: Scaling
    design: Design

    def arrays(self) -> dict[str, np.ndarray]:
        """What must be saved to make it again, beside the periods."""
        table = self.table
        observed = self.observed.astype(np.uint8)
        return {"target": table.target, "media": table.media, "controls": table.controls, "observed": observed}


def model_data(training: Training, hierarchy: Hierarchy, priors: PriorNumbers) -> tuple[ModelData, np.ndarray]:
    """The scaled arrays that the density takes, and a guess of the flat vector's posterior sd, (size,)."""
    table, observed, scaling, design = training
    target = scaling.target_in(table.target, observed)
    media, controls = scaling.media_in(table.media), design.matrix(table.periods, table.controls)
    first = prefit(target, media, controls, observed, priors=priors)
    data = ModelData(
        target=target,
        observed=observed.astype(float),
        media=media,
        controls=controls,
        parents=parent_matrices(hierarchy),
        centring=first.centring,
        priors=priors,
    )
    spread = {name: np.ones(size) for name, size in block_sizes(data).items()} | first.spread
    return data, np.concatenate([spread[name] for name in block_sizes(data)])


def coefficients_in_units(training: Training, posterior: "xr.Dataset") -> Coefficients:
    """Pooled draws in the target's unit, the centring of the sampler taken back into the baseline."""
    table, observed, scaling, _ = training
    drawn = {name: pooled(posterior, name) for name in ("intercept", "beta", "decay", "control", "noise")}
    media = scaling.media_in(table.media)
    centre = np.zeros(len(drawn["beta"]))
    for place in range(len(media)):
        one = slice(place, place + 1)
        carried = geometric(media[one], drawn["decay"][:, one])[:, 0, observed]
        centre += drawn["beta"][:, place] * carried.mean(axis=1)
    return Coefficients(
        baseline=scaling.target_mean + scaling.target_sd * (drawn["intercept"] - centre),
        beta=scaling.target_sd * drawn["beta"],
        decay=drawn["decay"],
        control=scaling.target_sd * drawn["control"],
        noise=scaling.target_sd * drawn["noise"],
    )


def pooled(posterior: "xr.Dataset", name: str) -> np.ndarray:
    """A variable with dims (chain, draw, ...) as (draws of all chains, ...)."""
    values = posterior[name].to_numpy()
    return values.reshape(-1, *values.shape[2:])
