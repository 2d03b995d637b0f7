"""Prefect as its users run it: a real server, `prefect deploy --all`, its scheduler, a worker, `deployment run --watch`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import end_process

ROOT = Path(__file__).resolve().parents[2]
POOL = "hierforecast"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def deployed(prefect_server):
    """The server with everything in prefect.yaml deployed."""
    made = prefect_server.run("prefect", "work-pool", "create", POOL, "--type", "process", "--overwrite")
    assert made.returncode == 0, made.stdout + made.stderr
    deployed = prefect_server.run("prefect", "--no-prompt", "deploy", "--all")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    return prefect_server


@pytest.fixture
def worker(deployed):
    """A process worker on the pool, started in a session of its own so that signals reach it."""
    log = (deployed.home / "worker.log").open("wb")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    process = subprocess.Popen(command, cwd=ROOT, env=deployed.environment, stdout=log, stderr=log, start_new_session=True)
    yield process
    end_process(process)
    log.close()


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
