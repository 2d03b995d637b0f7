"""Runs: opened by name and ended as finished or failed, with the revision they were made from."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import hierforecast
from tasks.registry.connection import client, experiment

PARENT = "mlflow.parentRunId"  # MLflow's own tag


@contextlib.contextmanager
def open_run(company: str, name: str, tags: dict[str, str], *, parent: str | None = None) -> Iterator[str]:
    """A run by id, ended as finished or failed. Never the fluent active run: that is kept per thread, and tasks move.

    A `parent` is the id of the run that MLflow's pages show this one below.
    """
    if parent:
        tags = {**tags, PARENT: parent}
    server = client()
    run = server.create_run(experiment(company), run_name=name, tags={**tags, "git_revision": git_revision()})
    try:
        yield run.info.run_id
    except BaseException:
        server.set_terminated(run.info.run_id, "FAILED")
        raise
    server.set_terminated(run.info.run_id, "FINISHED")


def git_revision() -> str:
    """The revision of the checkout that this package runs from, or "unknown" outside one."""
    checkout = Path(hierforecast.__file__).parent
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10, cwd=checkout).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
