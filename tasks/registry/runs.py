"""Runs: opened by name and ended as finished or failed, with the revision they were made from and the process that did.

A process that is killed leaves its run open; the company's next run ends it as killed. It has no version then, and what has
no version can be nobody's champion.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from mlflow.entities import Run

import hierforecast
from tasks.processes import Process, is_dead, is_here, is_of_this_boot, this_process
from tasks.registry.connection import client, experiment
from tasks.registry.outages import as_outage

PARENT = "mlflow.parentRunId"  # MLflow's own tag
PROCESS = "process"  # tag: who has the run open, as JSON
WEEK_MS = 7 * 24 * 3600 * 1000


@contextlib.contextmanager
def open_run(company: str, name: str, tags: dict[str, str], *, parent: str | None = None) -> Iterator[str]:
    """A run by id, ended as finished or failed. Never the fluent active run: that is kept per thread, and tasks move.

    A `parent` is the id of the run that MLflow's pages show this one below.
    """
    if parent:
        tags = {**tags, PARENT: parent}
    server, place = client(), experiment(company)
    if "fingerprint" in tags:
        _end_what_died(place, tags["fingerprint"])
    made_by = {"git_revision": git_revision(), PROCESS: this_process().model_dump_json(), **_flow_run()}
    run = server.create_run(place, run_name=name, tags={**tags, **made_by})
    try:
        yield run.info.run_id
    except BaseException as error:
        if as_outage(error) is None:  # a server that is gone would be asked in vain; the next attempt ends this run
            with contextlib.suppress(Exception):  # what went wrong matters more; the next run ends this one
                server.set_terminated(run.info.run_id, "FAILED")
        raise
    server.set_terminated(run.info.run_id, "FINISHED")


def _flow_run() -> dict[str, str]:
    """The tag that names the Prefect flow run that this is part of; none outside one."""
    from prefect.runtime import flow_run

    return {"prefect.flow_run_id": str(flow_run.id)} if flow_run.id else {}


def _end_what_died(place: str, fingerprint: str) -> None:
    """Runs that an earlier attempt at the same version left running, because it was killed or its server was, have failed.

    Not those of another process that lives: it may be another machine that makes the same version at this moment.
    """
    left = f"attributes.status = 'RUNNING' and tags.fingerprint = '{fingerprint}'"
    for run in client().search_runs([place], filter_string=left):
        if _process_of(run) in (None, this_process()) or _is_left(run):
            client().set_terminated(run.info.run_id, "FAILED")


def end_dead_runs(company: str) -> list[str]:
    """End as killed what dead processes of this machine left open, and others' runs that are open for a week; their ids.

    Runs of living processes, and those that this package did not open, stay as they are.
    """
    server = client()
    found = server.get_experiment_by_name(company)
    if found is None:
        return []
    running = server.search_runs([found.experiment_id], "attributes.status = 'RUNNING'", max_results=1000)
    dead = [run.info.run_id for run in running if _is_left(run)]
    for run_id in dead:
        server.set_terminated(run_id, "KILLED")
    return dead


def _is_left(run: Run) -> bool:
    process = _process_of(run)
    if process is None:
        return False
    # A system without /proc marks no start: there the host's name is all there is.
    if is_of_this_boot(process) or (process.started is None and is_here(process)):
        return is_dead(process)
    return time.time() * 1000 - run.info.start_time > WEEK_MS


def _process_of(run: Run) -> Process | None:
    """Who opened a run; None where it does not say."""
    try:
        return Process.model_validate_json(run.data.tags[PROCESS])
    except (KeyError, ValueError):
        return None


def git_revision() -> str:
    """The revision of the checkout that this package runs from, or "unknown" outside one."""
    checkout = Path(hierforecast.__file__).parent
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10, cwd=checkout).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
