"""Folders where a training stage leaves its results, and keys under which a finished stage is found again.

A stage writes into ``work/<company>/<family>-<key>/`` beside and then renames, so what is there is whole. Prefect keeps
the stage's (small) result under the same key, in the same work folder, so that a rerun after a kill resumes.
"""

import uuid
from pathlib import Path
from typing import Any

from prefect.context import TaskRunContext

from hierforecast.whole_files import write_text
from tasks import environment


def folder(company: str, family: str, key: str) -> Path:
    """The folder of one training: key is the fingerprint of what it was made of."""
    path = environment.home().work / company / f"{family}-{key[:24]}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def by_fingerprint(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Prefect cache key: the task, the fingerprint it was given, and the work folder that its result points into.

    Prefect's own hash of inputs is not stable on frames.
    """
    return f"{context.task.task_key}-{parameters['fingerprint']}-{parameters.get('until_cutoff', '')}-{_work_folder_id()}"


def _work_folder_id() -> str:
    """A name for this very work folder: once it is deleted, nothing that was cached about its content is believed."""
    path = environment.home().work / "id"
    if not path.exists():
        write_text(path, uuid.uuid4().hex)
    return path.read_text(encoding="utf-8")
