"""Machines that register the same at once, and processes that die while they log; on one real embedded store."""

import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks import environment, sweeping
from tasks.registry import connection, runs, versions
from tasks.registry.records import CHALLENGER


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The registry of a home of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        yield connection.client()


def register_at_once(many: int, fingerprints: list[str], monkeypatch) -> list[versions.Version]:
    """As many registrations as threads, all of them asking the store for a version in the same moment."""
    start = threading.Barrier(many)

    def revision() -> str:  # the last thing that is asked for before a version is made
        start.wait(timeout=60)
        return "r"

    monkeypatch.setattr(versions, "git_revision", revision)
    run_ids = []
    for number in range(many):
        with runs.open_run("race", f"hiref {number}", {}) as run_id:
            run_ids.append(run_id)

    def register(number: int) -> versions.Version:
        tags = {"company": "race", "family": "hiref", "fingerprint": fingerprints[number]}
        logged = SimpleNamespace(model_uri=f"runs:/{run_ids[number]}/model", model_id=None)
        return versions._make_version("race-hiref", logged, run_ids[number], tags, as_challenger=True)

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(register, range(many)))


def test_of_versions_made_at_once_the_first_stays(shelf, monkeypatch):
    made = register_at_once(4, ["same"] * 4, monkeypatch)
    (kept,) = versions.all_versions("race", "hiref")
    assert {version.version for version in made} == {kept.version} == {"1"}
    assert shelf.get_registered_model("race-hiref").aliases == {CHALLENGER: 1}
    assert versions.find("race", "hiref", "same") == kept
    experiment = shelf.get_experiment_by_name("race").experiment_id
    told = [run.data.tags.get("same_as_version") for run in shelf.search_runs([experiment])]
    assert sorted(told, key=str) == ["1", "1", "1", None]


def test_different_versions_made_at_once_all_stay(shelf, monkeypatch):
    made = register_at_once(3, ["a", "b", "c"], monkeypatch)
    assert sorted(version.fingerprint for version in made) == ["a", "b", "c"]
    assert len({version.version for version in made}) == 3


OPEN = """
    import sys, time
    from tasks.registry import runs
    with runs.open_run("dies", "hiref", {"company": "dies"}) as run_id:
        print(run_id, flush=True)
        time.sleep(600)
"""


def test_the_next_run_ends_what_a_killed_one_left_open(shelf, root: Path):
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(OPEN)]
    told = []
    with runs.open_run("dies", "ours", {}) as ours:
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
            try:
                left = process.stdout.readline().strip()
                assert left
                sweeping.sweep("dies", tell=told.append)
                assert told == []
                assert shelf.get_run(left).info.status == "RUNNING"
            finally:
                process.send_signal(signal.SIGKILL)
        foreign = shelf.create_run(shelf.get_experiment_by_name("dies").experiment_id)  # a person's own
        sweeping.sweep("dies", tell=told.append)
        assert shelf.get_run(left).info.status == "KILLED"
        assert shelf.get_run(ours).info.status == "RUNNING"
        assert shelf.get_run(foreign.info.run_id).info.status == "RUNNING"
    assert told == ["ended 1 MLflow runs that dead processes had left open; they made no version"]
    assert versions.champion("dies", "hiref") is None
    assert runs.end_dead_runs("dies") == []


def test_another_hosts_run_is_left_for_a_week(shelf, monkeypatch):
    elsewhere = runs.this_process().model_copy(update={"host": "elsewhere"})
    monkeypatch.setattr(runs, "this_process", lambda: elsewhere)
    server = connection.client()
    place = connection.experiment("far")
    tags = {runs.PROCESS: elsewhere.model_dump_json()}
    now = server.create_run(place, tags=tags)
    old = server.create_run(place, tags=tags, start_time=now.info.start_time - runs.WEEK_MS - 1)
    assert runs.end_dead_runs("far") == [old.info.run_id]


def test_a_run_of_a_container_of_the_same_name_is_left_for_a_week(shelf):
    """Its process is not among ours, and lives all the same."""
    place = connection.experiment("contained")

    def run(pid: int, started: str | None) -> str:
        process = runs.this_process().model_copy(update={"pid": pid, "started": started})
        return shelf.create_run(place, tags={runs.PROCESS: process.model_dump_json()}).info.run_id

    run(2**22 + 1, "0123abcd-4026531836:1")
    unmarked = run(2**22 + 1, None)
    assert runs.end_dead_runs("contained") == [unmarked]


def test_a_failure_to_end_a_run_hides_no_error(shelf, monkeypatch):
    monkeypatch.setattr(type(shelf), "set_terminated", lambda *_: 1 / 0)
    with pytest.raises(OSError, match="disk full"), runs.open_run("full", "hiref", {}):
        raise OSError("disk full")


def test_a_company_without_runs_has_none_to_end(shelf):
    assert runs.end_dead_runs("nobody") == []
    assert environment.home().database.exists()
