"""A fit as JSON and arrays, and back. The saved settings, not today's, decide the architecture of a loaded model."""

from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import ModelFolderError
from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.design import Design, DriverFacts
from hierforecast.hiref.fit import Fit
from hierforecast.hiref.intervals.conformal import Interval
from hierforecast.hiref.link import Link
from hierforecast.hiref.recent.level import Level, LevelChoice
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

_SHARED = ("bias", "weights", "theta", "loadings", "signs", "column_scales", "target_scale")


def pack(fit: Fit) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The JSON description and the named arrays of a fit."""
    design, level = fit.design, fit.level
    config = {
        "panel": design.panel.model_dump(mode="json"),
        "training": design.training.model_dump(mode="json"),
        "hierarchy": fit.hierarchy.to_json(),
        "origin": design.origin.isoformat(),
        "end": design.end,
        "drivers": {name: facts._asdict() for name, facts in design.facts.items()},
        "link": fit.link._asdict(),
        "level": level.choice._asdict() if level else None,
        "interval": fit.interval._asdict(),
        "factor": fit.factor,
        "diagnostics": fit.diagnostics,
    }
    arrays = {
        "series": fit.hierarchy.series,
        "intercepts": fit.intercepts,
        "factors": fit.factors,
        "noise": fit.noise,
        **{f"parameters.{name}": np.asarray(getattr(fit.parameters, name)) for name in _SHARED},
        **{f"embedding.{name}": table for name, table in fit.parameters.embeddings.items()},
        **{f"carried.{name}": state for name, state in design.carried.items()},
        **{f"expected.{name}": table for name, table in design.expected.items()},
    }
    if level:
        arrays["level"] = level.path
    return config, arrays


def unpack(config: dict[str, Any], arrays: dict[str, np.ndarray]) -> Fit:
    """The inverse of `pack`. Raises ModelFolderError where something is missing or of the wrong kind."""
    try:
        return _unpack(config, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(
            f"the saved HiReF model does not hold what this version needs: {error!r}; fit it again"
        ) from None


def _unpack(config: dict[str, Any], arrays: dict[str, np.ndarray]) -> Fit:
    design = Design(
        panel=SalesPanel.model_validate(config["panel"]),
        training=Training.model_validate(config["training"]),
        origin=pd.Timestamp(config["origin"]),
        end=config["end"],
        facts={name: DriverFacts(**facts) for name, facts in config["drivers"].items()},
        carried=_starting_with("carried.", arrays),
        expected=_starting_with("expected.", arrays),
    )
    hierarchy = Hierarchy.from_json(config["hierarchy"], arrays["series"])
    shared = {name: arrays[f"parameters.{name}"] for name in _SHARED}
    embeddings = {level: arrays[f"embedding.{level}"] for level in hierarchy.levels}
    return Fit(
        design=design,
        hierarchy=hierarchy,
        parameters=Parameters(embeddings=embeddings, **shared),
        intercepts=arrays["intercepts"],
        link=Link(**config["link"]),
        level=Level(LevelChoice(**config["level"]), arrays["level"]) if config["level"] else None,
        factors=arrays["factors"],
        factor=config["factor"],
        noise=arrays["noise"],
        interval=Interval(**config["interval"]),
        diagnostics=config["diagnostics"],
    )


def _starting_with(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
