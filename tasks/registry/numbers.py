"""Parameters, metrics and their course over steps, written in as few requests as MLflow takes them."""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlflow.entities import Metric, Param

from tasks.registry.connection import client
from tasks.registry.records import legal_name

_MOST_METRICS, _MOST_PARAMS = 900, 100  # MLflow takes a thousand things at once, and a hundred parameters
_MOST_LETTERS = 500  # of a parameter; what is longer is in settings.json


def log_numbers(
    run_id: str,
    *,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
    courses: Mapping[str, Sequence[tuple[int, float]]] | None = None,
    model_id: str | None = None,
) -> None:
    """Log a run's parameters, its metrics, and metrics that changed over steps.

    Args:
        run_id: whose.
        params: by name; all but text is written as JSON.
        metrics: by name; what is not finite is left out.
        courses: by name (step, value) pairs, such as a loss per epoch.
        model_id: a logged model that the metrics are shown with, too.
    """
    now = int(time.time() * 1000)
    points = [*((name, 0, value) for name, value in (metrics or {}).items()), *_points(courses or {})]
    finite = [point for point in points if math.isfinite(point[2])]
    listed = [Metric(legal_name(name), value, now, step, model_id=model_id) for name, step, value in finite]
    given = [Param(name, text) for name, text in _legal(params or {}).items()]
    for start in range(0, len(given), _MOST_PARAMS):
        client().log_batch(run_id, params=given[start : start + _MOST_PARAMS])
    for start in range(0, len(listed), _MOST_METRICS):
        client().log_batch(run_id, metrics=listed[start : start + _MOST_METRICS])


def _points(courses: Mapping[str, Sequence[tuple[int, float]]]) -> Iterable[tuple[str, int, float]]:
    return ((name, int(step), float(value)) for name, course in courses.items() for step, value in course)


def _legal(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters under names that MLflow takes; of two whose names become one, the later is numbered."""
    legal: dict[str, str] = {}
    for name, value in params.items():
        wanted, number = legal_name(name), 1
        key = wanted
        while key in legal:
            number += 1
            key = f"{wanted} {number}"
        legal[key] = _text(value)
    return legal


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:_MOST_LETTERS]
