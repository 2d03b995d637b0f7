"""Training stages: the folders where they leave their results, and when a finished stage need not be done again.

A stage writes into ``work/<company>/<family>-<key>/`` beside and then renames, so what is there is whole. Prefect keeps the
stage's (small) result under the fingerprint of what it was made of, so that a rerun after a kill resumes. The result points
to files, which may have been damaged or deleted since: their digests are kept in ``work/<company>/made-<key>/``, and a
result whose files are not what they were is not believed; the stage is done again.
"""

import hashlib
import inspect
import json
import logging
import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.context import TaskRunContext
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH
from pydantic import BaseModel, ValidationError

from hierforecast.seal import digests_of
from hierforecast.whole_files import write_text
from tasks import environment

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


class Made(BaseModel):
    """What a stage left: digests by folder and by path in it, None until it has finished; `id` is part of its cache key."""

    id: str
    folders: dict[str, dict[str, str]] | None = None


def folder(company: str, family: str, key: str) -> Path:
    """The folder of one training: key is the fingerprint of what it was made of."""
    path = environment.home().work / company / f"{family}-{key[:24]}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def stage(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task whose result is kept under its fingerprint, for as long as the files that it points to are what they were.

    The function has the parameters `company` and `fingerprint`, maybe `until_cutoff`, and returns something JSON-ready: a
    folder's path, None, or a model with paths as fields.
    """

    def make(work: Callable[P, R]) -> Task[P, R]:
        @wraps(work)
        def work_and_seal(*args: P.args, **kwargs: P.kwargs) -> R:
            result = work(*args, **kwargs)
            given = inspect.signature(work).bind(*args, **kwargs).arguments
            path = _made_path(name, given)
            made = _read(path) or Made(id=uuid.uuid4().hex)
            write_text(path, made.model_copy(update={"folders": _digests(_folders_in(result))}).model_dump_json())
            return result

        kept = {"cache_key_fn": by_fingerprint, "persist_result": True, "result_serializer": "json"}
        return task(name=name, **kept)(work_and_seal)

    return make


def by_fingerprint(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Prefect cache key: the stage and its code, the fingerprint it was given, and an id that ends with its files.

    Prefect's own hash of inputs is not stable on frames.
    """
    name = context.task.name
    made_of = f"{parameters['fingerprint']}-{parameters.get('until_cutoff', '')}"
    key = f"{name}-{_source_digest(context.task.fn)}-{made_of}-{_current_id(name, parameters)}"
    _drop_if_unreadable(key)
    return key


def _source_digest(work: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(inspect.unwrap(work)).encode()).hexdigest()[:12]


def _current_id(name: str, given: dict[str, Any]) -> str:
    """The id under which the stage's result was kept, where its files are whole; else a new one."""
    path = _made_path(name, given)
    made = _read(path)
    damage = _damage(made) if made else None
    if damage:
        _log.warning("%s is done again: %s is missing or changed since it was made", name, damage)
    if made and not damage:
        return made.id
    fresh = Made(id=uuid.uuid4().hex)
    write_text(path, fresh.model_dump_json())
    return fresh.id


def _made_path(name: str, given: dict[str, Any]) -> Path:
    part = "-cutoff" if given.get("until_cutoff") else ""
    return folder(given["company"].company, "made", given["fingerprint"]) / f"{name}{part}.json"


def _read(path: Path) -> Made | None:
    """What was noted about a stage; None where nothing was, or not readably."""
    try:
        return Made.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def _damage(made: Made) -> str | None:
    """The first path that is not what it was."""
    for place, digests in (made.folders or {}).items():
        found = _digests([Path(place)])[place]
        if found != digests:
            changed = sorted(name for name in found.keys() | digests.keys() if found.get(name) != digests.get(name))
            return str(Path(place, changed[0]))
    return None


def _digests(folders: list[Path]) -> dict[str, dict[str, str]]:
    """Digests by folder; what lies beside its place is not part of it."""
    found = {str(path): digests_of(path) if path.is_dir() else {} for path in folders}
    return {
        place: {name: digest for name, digest in digests.items() if not Path(name).name.startswith(".")}
        for place, digests in found.items()
    }


def _folders_in(result: Any) -> list[Path]:
    """The folders below the home's work that a result points to, or to files in."""
    values = vars(result).values() if isinstance(result, BaseModel) else [result]
    work = environment.home().work
    paths = [Path(value) for value in values if isinstance(value, str) and value.startswith(str(work))]
    return sorted({path.parent if path.is_file() else path for path in paths})


def _drop_if_unreadable(key: str) -> None:
    """Delete what Prefect keeps under a key if a kill or a power cut left half of it: Prefect would fail on it for ever."""
    path = Path(PREFECT_LOCAL_STORAGE_PATH.value()) / key
    if not path.is_file():
        return
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        path.unlink(missing_ok=True)
