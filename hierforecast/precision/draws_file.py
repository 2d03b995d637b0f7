"""Draws on disk: a NetCDF file with the groups that ArviZ opens (posterior, sample_stats, observed_data)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.posterior import Parameters
from hierforecast.precision.sampling import Draws

if TYPE_CHECKING:
    import xarray as xr

POSTERIOR, SAMPLE_STATS, OBSERVED_DATA = "posterior", "sample_stats", "observed_data"


def name_draws(parameters: Parameters, hierarchy: Hierarchy, control_columns: Sequence[str]) -> "xr.Dataset":
    """Put names on constrained draws: dims chain, draw and the tree's levels. Effects are on the natural scale.

    Args:
        parameters: leading dims (chains, draws), in scaled units.
        hierarchy: names the nodes.
        control_columns: names of the control matrix's columns.
    """
    import xarray as xr

    bottom, *above = hierarchy.levels
    draw = ("chain", "draw")
    variables = {
        "intercept": (draw, parameters.intercept[..., 0]),
        "noise": (draw, parameters.noise[..., 0]),
        "global_effect": (draw, np.exp(parameters.global_effect[..., 0])),
        "scale": ((*draw, "level"), parameters.scales[..., ::-1]),
        "beta": ((*draw, bottom), parameters.beta),
        "decay": ((*draw, bottom), parameters.decay),
        "control": ((*draw, "control_column"), parameters.control),
    }
    for level, effects in zip(above, parameters.effects[-2::-1], strict=True):
        variables[f"effect_{level}"] = ((*draw, level), np.exp(effects))
    coords = {level: list(hierarchy.nodes(level)) for level in hierarchy.levels}
    coords |= {"level": list(hierarchy.levels), "control_column": list(control_columns)}
    chains, draws = parameters.beta.shape[:2]
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
        "energy_fraction": (("chain",), drawn.energy_fraction),
    }
    chains, draws = drawn.energy.shape
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.Dataset(variables, coords=coords, attrs={"step_size": drawn.step_size})


def all_groups(
    posterior: "xr.Dataset", sample_stats: "xr.Dataset", table: MediaTable, observed: np.ndarray
) -> dict[str, "xr.Dataset"]:
    """The groups of the file; observed_data holds the target of the weeks in the likelihood."""
    import xarray as xr

    weeks = table.periods[observed].to_numpy()
    data = xr.Dataset({"target": (("period",), table.target[observed])}, coords={"period": weeks})
    return {POSTERIOR: posterior, SAMPLE_STATS: sample_stats, OBSERVED_DATA: data}


def write_draws(path: Path, groups: Mapping[str, "xr.Dataset"]) -> None:
    """Write each dataset as a group of one NetCDF file."""
    for number, (group, dataset) in enumerate(groups.items()):
        dataset.to_netcdf(path, group=group, mode="a" if number else "w", engine="h5netcdf")


def read_draws(path: Path, group: str) -> "xr.Dataset":
    """Read one group into memory."""
    import xarray as xr

    with xr.open_dataset(path, group=group, engine="h5netcdf") as dataset:
        return dataset.load()
