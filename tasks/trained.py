"""What a fit hands on, whichever family: where the model lies, on which weeks it was trained, and how the fit went."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Trained(BaseModel):
    """A fitted model on disk; dates are ISO dates of the first and last trained period."""

    # A result that Prefect keeps as JSON still knows that an R-hat was no number, which no gate lets pass.
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    folder: str
    trained_from: str
    trained_to: str
    diagnostics: dict[str, Any]


def metrics_of(diagnostics: Mapping[str, Any]) -> dict[str, float]:
    """Every finite number in diagnostics by its name, those of a mapping as ``name.key``; not what `courses_of` tells."""
    told = courses_of(diagnostics)
    found: dict[str, float] = {}
    for name, value in diagnostics.items():
        parts = {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, Mapping) else {name: value}
        found |= {key: float(part) for key, part in parts.items() if _is_number(part)}
    return {key: value for key, value in found.items() if key not in told and key.split(".")[0] not in told}


def courses_of(diagnostics: Mapping[str, Any]) -> dict[str, list[tuple[int, float]]]:
    """How numbers went on, (step, value) by name: the optimiser's loss, the learning curve, the error from every origin."""
    courses = {"loss": list(enumerate(diagnostics.get("loss_trace") or []))}
    for point in diagnostics.get("learning_curve") or []:
        for name, value in point.items():
            if name != "epoch" and _is_number(value):
                courses.setdefault(name, []).append((int(point["epoch"]), float(value)))
    for origin, value in (diagnostics.get("held_out_wape_by_origin") or {}).items():
        courses.setdefault("held_out_wape_by_origin", []).append((int(origin), float(value)))
    return {name: course for name, course in courses.items() if course}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
