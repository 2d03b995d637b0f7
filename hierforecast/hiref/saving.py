"""A fit as JSON and arrays, and back. The saved settings, not today's, decide the architecture of a loaded model."""

from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import ModelFolderError
from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.carry import Carry
from hierforecast.hiref.columns.design import Design
from hierforecast.hiref.columns.expectation import SeasonSums
from hierforecast.hiref.columns.survey import DriverFacts
from hierforecast.hiref.columns.target import TargetPast
from hierforecast.hiref.fit import Fit
from hierforecast.hiref.intervals.past import PastErrors
from hierforecast.hiref.link import Link
from hierforecast.hiref.recent.chain import Chain
from hierforecast.hiref.recent.level import Level, LevelChoice
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

_SHARED = ("bias", "weights", "theta", "loadings", "signs", "column_scales", "target_scale")


def pack(fit: Fit) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The JSON description and the named arrays of a fit."""
    design = fit.design
    config = {
        "panel": design.panel.model_dump(mode="json"),
        "training": design.training.model_dump(mode="json"),
        "hierarchy": fit.hierarchy.to_json(),
        "origin": design.origin.isoformat(),
        "end": design.end,
        "holidays": list(design.holidays),
        "drivers": {name: facts._asdict() for name, facts in design.facts.items()},
        "link": fit.link._asdict(),
        "levels": [{**step.choice._asdict(), "first": step.first} for step in fit.level.levels] if fit.level else [],
        "factor": fit.factor,
        "diagnostics": fit.diagnostics,
    }
    arrays = {
        "series": fit.hierarchy.series,
        "intercepts": fit.intercepts,
        "factors": fit.factors,
        "middles": fit.middles,
        "noise": fit.noise,
        **{f"parameters.{name}": np.asarray(getattr(fit.parameters, name)) for name in _SHARED},
        **{f"embedding.{name}": table for name, table in fit.parameters.embeddings.items()},
        **_pack_carry(design.carry),
        **{f"expected.{name}": table for name, table in design.expected.items()},
    }
    arrays |= {f"errors.{name}": table for name, table in fit.errors.items()}
    arrays |= {f"past.{name}": values for name, values in fit.past._asdict().items()}
    if fit.own is not None:
        arrays["own"] = fit.own
    if fit.level:
        arrays |= {f"level.{number}": step.path for number, step in enumerate(fit.level.levels)}
    if design.past:
        past = design.past
        config["target_range"] = [past.low, past.high]
        arrays |= {"target.means": past.means, "target.path": past.path}
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
        holidays=tuple(config["holidays"]),
        facts={name: DriverFacts(**facts) for name, facts in config["drivers"].items()},
        carry=_unpack_carry(arrays),
        expected=_starting_with("expected.", arrays),
        past=_unpack_past(config, arrays),
    )
    hierarchy = Hierarchy.from_json(config["hierarchy"], arrays["series"])
    shared = {name: arrays[f"parameters.{name}"] for name in _SHARED}
    shared |= {name: shared[name].reshape(()) for name in ("bias", "target_scale")}  # files know no single numbers
    embeddings = {level: arrays[f"embedding.{level}"] for level in hierarchy.levels}
    return Fit(
        design=design,
        hierarchy=hierarchy,
        parameters=Parameters(embeddings=embeddings, **shared),
        intercepts=arrays["intercepts"],
        link=Link(**config["link"]),
        level=_unpack_levels(config, arrays),
        factors=arrays["factors"],
        factor=config["factor"],
        middles=arrays["middles"],
        noise=arrays["noise"],
        past=PastErrors(**_starting_with("past.", arrays)),
        diagnostics=config["diagnostics"],
        own=arrays.get("own"),
        errors=_starting_with("errors.", arrays),
    )


def _unpack_levels(config: dict[str, Any], arrays: dict[str, np.ndarray]) -> Chain | None:
    steps = [
        Level(LevelChoice(step["discount"], step["prior"], step["by"]), arrays[f"level.{number}"], step["first"])
        for number, step in enumerate(config["levels"])
    ]
    return Chain(tuple(steps)) if steps else None


def _pack_carry(carry: Carry) -> dict[str, np.ndarray]:
    arrays = {"carry.through": carry.through}
    arrays |= {f"carry.state.{name}": state for name, state in carry.states.items()}
    arrays |= {f"carry.tail.{name}": tail for name, tail in carry.tails.items()}
    arrays |= {f"carry.range.{name}": np.array(ends) for name, ends in carry.ranges.items()}
    if carry.season:
        arrays["carry.season"] = carry.season.gram
        arrays |= {f"carry.season.{name}": side for name, side in carry.season.right.items()}
    return arrays


def _unpack_carry(arrays: dict[str, np.ndarray]) -> Carry:
    ranges = _starting_with("carry.range.", arrays)
    season = None
    if "carry.season" in arrays:
        season = SeasonSums(arrays["carry.season"], _starting_with("carry.season.", arrays))
    return Carry(
        through=arrays["carry.through"],
        states=_starting_with("carry.state.", arrays),
        tails=_starting_with("carry.tail.", arrays),
        ranges={name: (float(low), float(high)) for name, (low, high) in ranges.items()},
        season=season,
    )


def _unpack_past(config: dict[str, Any], arrays: dict[str, np.ndarray]) -> TargetPast | None:
    if "target_range" not in config:
        return None
    return TargetPast(arrays["target.means"], arrays["target.path"], *config["target_range"])


def _starting_with(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
