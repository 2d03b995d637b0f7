"""Prefect as its users run it: a real server, `prefect deploy --all`, its scheduler, a worker, `deployment run --watch`."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.servers import end_process

ROOT = Path(__file__).resolve().parents[2]
POOL = "hierforecast"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def deployed(prefect_server):
    """The server with everything in prefect.yaml deployed."""
    made = prefect_server.run("prefect", "work-pool", "create", POOL, "--type", "process", "--overwrite")
    assert made.returncode == 0, made.stdout + made.stderr
    deployed = prefect_server.run("prefect", "--no-prompt", "deploy", "--all")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    return prefect_server


def start_worker(server) -> subprocess.Popen:
    """A process worker on the pool, started in a session of its own so that signals reach it."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    with (server.home / "worker.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=server.environment, stdout=log, stderr=log, start_new_session=True)


@pytest.fixture
def worker(deployed):
    process = start_worker(deployed)
    yield process
    end_process(process)


def test_every_flow_is_deployed(deployed):
    names = {deployment["name"] for deployment in deployed.ask("/deployments/filter", {})}
    flows = {flow["name"] for flow in deployed.ask("/flows/filter", {})}
    assert flows >= {"weekly-retrain", "train-hiref", "train-precision", "score", "rollback", "simulate-data"}
    assert names == {"demo", "any"}


def test_the_schedule_makes_runs_by_itself(deployed, wait_until):
    """Fails without the SQLAlchemy bound: the server then logs an error each minute and schedules nothing."""

    def scheduled():
        runs = deployed.ask("/flow_runs/filter", {})
        return [run for run in runs if run["auto_scheduled"]]

    runs = wait_until("an auto-scheduled run", scheduled, seconds=120)
    flows = {flow["id"]: flow["name"] for flow in deployed.ask("/flows/filter", {})}
    assert {flows[run["flow_id"]] for run in runs} == {"weekly-retrain"}
    assert all(run["expected_start_time"][11:16] in ("04:15", "05:15") for run in runs)  # 06:15 in Berlin, summer and winter


def test_a_run_that_died_with_its_worker_is_marked_and_gives_its_slot_back(deployed, tiny_settings, wait_until):
    """As after a power cut. The deployment has one slot and cancels who comes while it is taken."""
    made = deployed.run("prefect", "automation", "create", "--from-file", "deployments/zombies.yaml")
    assert made.returncode == 0, made.stdout + made.stderr
    worker = start_worker(deployed)
    try:
        asked = deployed.run("prefect", "deployment", "run", "weekly-retrain/demo", "-p", f"settings={tiny_settings}")
        assert asked.returncode == 0, asked.stdout + asked.stderr
        (run,) = by_hand(deployed)
        wait_until("a heartbeat", lambda: heartbeats(deployed, run["id"]))
        assert by_hand(deployed)[0]["state_name"] == "Running"
    finally:
        for process in [*psutil.Process(worker.pid).children(recursive=True), worker]:
            process.kill()
        worker.wait()
    assert taken_slots(deployed) == 1

    wait_until("the mark", lambda: by_hand(deployed)[0]["state_name"] == "Crashed", seconds=300)
    assert "no heartbeat" in by_hand(deployed)[0]["state"]["message"]
    assert taken_slots(deployed) == 0


def heartbeats(server, run: str) -> list[dict]:
    """Of one flow run: signs that its process lives."""
    about = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{run}"]}}
    return server.ask("/events/filter", {"filter": about})["events"]


def by_hand(server) -> list[dict]:
    """Runs of deployments that no schedule asked for, the first one first; the server knows other tests' runs as well."""
    runs = server.ask("/flow_runs/filter", {"sort": "START_TIME_ASC"})
    return [run for run in runs if run["deployment_id"] and not run["auto_scheduled"]]


def taken_slots(server) -> int:
    """Of deployments; a company's own slot is freed by whoever comes next, see `tasks.slots`."""
    limits = server.ask("/v2/concurrency_limits/filter", {})
    return sum(limit["active_slots"] for limit in limits if limit["name"].startswith("deployment:"))


def test_a_deployment_runs_to_the_end_and_again_without_a_second_version(deployed, worker, tiny_settings):
    command = ["prefect", "deployment", "run", "weekly-retrain/demo", "-p", f"settings={tiny_settings}", "--watch"]
    first = deployed.run(*command, timeout=900)
    assert first.returncode == 0, first.stdout[-3000:] + (deployed.home / "worker.log").read_text()[-3000:]
    versions = registered(deployed)
    assert set(versions) == {"tiny-hiref", "tiny-precision"}
    assert all(count == 1 for count in versions.values())
    second = deployed.run(*command, timeout=900)
    assert second.returncode == 0, second.stdout[-3000:]
    assert registered(deployed) == versions


def registered(server) -> dict[str, int]:
    program = (
        "import os, mlflow; mlflow.set_tracking_uri('sqlite:///' + os.environ['HIERFORECAST_HOME'] + '/mlflow.db'); "
        "c = mlflow.MlflowClient(); print('\\n'.join(v.name for v in c.search_model_versions()))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=server.environment, capture_output=True, text=True, check=True)
    names = done.stdout.split()
    return {name: names.count(name) for name in set(names)}
