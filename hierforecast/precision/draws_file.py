"""Draws on disk: a NetCDF file with the groups that ArviZ opens.

posterior, sample_stats, log_likelihood, observed_data; and `unconstrained`, the sampler's own vectors, which a refresh takes
as its prior.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.pointwise import Pointwise
from hierforecast.precision.posterior.parameters import Parameters
from hierforecast.precision.sampling import Draws

if TYPE_CHECKING:
    import xarray as xr

POSTERIOR, SAMPLE_STATS, OBSERVED_DATA = "posterior", "sample_stats", "observed_data"
LOG_LIKELIHOOD, UNCONSTRAINED = "log_likelihood", "unconstrained"
GIVEN_REST, GIVEN_PAST = "target", "target_given_past"  # the first is what ArviZ's leave-one-out takes


def name_draws(
    parameters: Parameters, beta: np.ndarray, hierarchy: Hierarchy, control_columns: Sequence[str], *, effects_at: str | None
) -> "xr.Dataset":
    """Put names on constrained draws: dims chain, draw and the tree's levels. Effects are on the natural scale.

    Args:
        parameters: leading dims (chains, draws), in scaled units.
        beta: (chains, draws, tacticals) effects of a typical week.
        hierarchy: names the nodes.
        control_columns: names of the control matrix's columns.
        effects_at: lowest level with effects of its own; None: the tacticals'.
    """
    import xarray as xr

    draw, bottom = ("chain", "draw"), hierarchy.levels[0]
    lowest = hierarchy.levels.index(effects_at) if effects_at else 0
    levels_down = hierarchy.levels[lowest:][::-1]
    variables = {
        "intercept": (draw, parameters.intercept[..., 0]),
        "noise": (draw, parameters.noise[..., 0]),
        "beta": ((*draw, bottom), beta),
        "decay": ((*draw, bottom), parameters.decay),
    }
    if control_columns:
        variables["control"] = ((*draw, "control_column"), parameters.control)
    scalars = {"correlation": parameters.correlation, "tails": parameters.tails}
    variables |= {name: (draw, values[..., 0]) for name, values in scalars.items() if values is not None}
    curves = {"half_saturation": parameters.half, "hill_slope": parameters.slope}
    variables |= {name: ((*draw, bottom), values) for name, values in curves.items() if values is not None}
    if parameters.scales is not None:
        variables["global_effect"] = (draw, np.exp(parameters.global_effect[..., 0]))
        variables["scale"] = ((*draw, "level"), parameters.scales)
    # The tacticals' own are beta, or returns on spend that beta follows from.
    named = zip(levels_down, parameters.effects, strict=True) if parameters.scales is not None else ()
    for level, effects in named:
        if level != bottom:
            variables[f"effect_{level}"] = ((*draw, level), np.exp(effects))
    coords = {level: list(hierarchy.nodes(level)) for level in hierarchy.levels}
    coords |= {"level": list(levels_down), "control_column": list(control_columns)}
    chains, draws = parameters.decay.shape[:2]
    return xr.Dataset(variables, coords=coords | {"chain": np.arange(chains), "draw": np.arange(draws)})


def name_sample_stats(drawn: Draws) -> "xr.Dataset":
    """What the sampler told, in ArviZ's names, dims chain and draw; the step size as an attribute."""
    import xarray as xr

    draw = ("chain", "draw")
    variables = {
        "diverging": (draw, drawn.diverging),
        "energy": (draw, drawn.energy),
        "acceptance_rate": (draw, drawn.acceptance),
        "n_steps": (draw, drawn.leapfrogs),
        "lp": (draw, drawn.log_density),
        "energy_fraction": (("chain",), drawn.energy_fraction),
    }
    chains, draws = drawn.energy.shape
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.Dataset(variables, coords=coords, attrs={"step_size": drawn.step_size, "warmup_n_steps": drawn.warmup_leapfrogs})


def name_flat(flat: np.ndarray) -> "xr.Dataset":
    """The sampler's own vectors, dims chain, draw and entry."""
    import xarray as xr

    return xr.Dataset({"flat": (("chain", "draw", "entry"), flat)})


def name_log_likelihood(pointwise: Pointwise, weeks: np.ndarray, chains: int) -> "xr.Dataset":
    """Log densities of the observed weeks, dims chain, draw and period."""
    import xarray as xr

    def shaped(values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        return ("chain", "draw", "period"), values.reshape(chains, -1, values.shape[1])

    variables = {GIVEN_REST: shaped(pointwise.given_rest), GIVEN_PAST: shaped(pointwise.given_past)}
    return xr.Dataset(variables, coords={"period": weeks})


def name_observed(table: MediaTable, observed: np.ndarray) -> "xr.Dataset":
    """The target of the weeks in the likelihood."""
    import xarray as xr

    weeks = table.periods[observed].to_numpy()
    return xr.Dataset({"target": (("period",), table.target[observed])}, coords={"period": weeks})


def write_draws(path: Path, groups: Mapping[str, "xr.Dataset"]) -> None:
    """Write each dataset as a group of one NetCDF file."""
    for number, (group, dataset) in enumerate(groups.items()):
        dataset.to_netcdf(path, group=group, mode="a" if number else "w", engine="h5netcdf")


def read_draws(path: Path, group: str) -> "xr.Dataset":
    """Read one group into memory."""
    import xarray as xr

    with xr.open_dataset(path, group=group, engine="h5netcdf") as dataset:
        return dataset.load()
