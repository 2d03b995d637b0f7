"""A fitted model on disk and back: settings as JSON, the training table as arrays, draws as NetCDF."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from hierforecast.mix_model import MixModel, Priors
from hierforecast.model_folder import read_model_folder, write_model_folder
from hierforecast.options import Sampling
from hierforecast.precision import draws_file
from hierforecast.precision.background import Background
from hierforecast.precision.calibration import LiftTest
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.training import Training

if TYPE_CHECKING:
    import xarray as xr

FAMILY = "precision"
DRAWS_FILE = "posterior.nc"
_GROUPS = (draws_file.POSTERIOR, draws_file.SAMPLE_STATS, draws_file.LOG_LIKELIHOOD, draws_file.UNCONSTRAINED)


class Saved(NamedTuple):
    """What a model folder held."""

    made_with: dict[str, Any]  # arguments of the model
    table: MediaTable
    observed: np.ndarray  # (weeks,) bool
    scaled_on: np.ndarray  # (weeks,) bool
    media_scale: np.ndarray  # (tacticals,)
    centring: np.ndarray | None
    lift_tests: tuple[LiftTest, ...]
    groups: dict[str, "xr.Dataset"]


def write_saved(folder: str | Path, made_with: dict[str, Any], training: Training, groups: dict[str, "xr.Dataset"]) -> Path:
    """Write a model folder.

    Args:
        folder: where to.
        made_with: the model's arguments.
        training: what it was fitted on.
        groups: draws by group.
    """
    config = made_with | {
        "hierarchy": made_with["hierarchy"].to_json(),
        "background": made_with["background"].to_json(),
        "model": made_with["model"].model_dump(),
        "priors": made_with["priors"].to_json(),
        "sampling": made_with["sampling"].model_dump(),
        "present": made_with["present"].tolist(),
        **{name: list(made_with[name]) for name in ("media_columns", "spend_columns", "control_names")},
    }
    return write_model_folder(
        folder,
        family=FAMILY,
        config={
            "made_with": config,
            "periods": [period.isoformat() for period in training.table.periods],
            "lift_tests": [asdict(test) for test in training.lifts],
        },
        arrays=training.arrays(),
        write_more=lambda place: draws_file.write_draws(place / DRAWS_FILE, groups),
    )


def read_saved(folder: str | Path) -> Saved:
    """Read what `write_saved` wrote. Raises ModelFolderError if it is no such folder."""
    saved = read_model_folder(folder, family=FAMILY)
    made, arrays = saved.config["made_with"], saved.arrays
    made_with = made | {
        "hierarchy": Hierarchy.from_json(made["hierarchy"]),
        "background": Background.from_json(made["background"]),
        "model": MixModel(**made["model"]),
        "priors": Priors.from_json(made["priors"]),
        "sampling": Sampling(**made["sampling"]),
        "present": np.array(made["present"], dtype=bool),
    }
    periods = pd.Series(pd.to_datetime(saved.config["periods"]))
    table = MediaTable(periods, arrays["target"], arrays["media"], arrays["controls"], arrays.get("spend"))
    return Saved(
        made_with,
        table,
        arrays["observed"].astype(bool),
        arrays["scaled_on"].astype(bool),
        arrays["media_scale"],
        arrays.get("centring"),
        tuple(LiftTest(**test) for test in saved.config["lift_tests"]),
        {group: draws_file.read_draws(saved.path / DRAWS_FILE, group) for group in _GROUPS},
    )
