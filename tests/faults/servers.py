"""Servers and workers are killed under a run, and come back or do not."""

import time

import psutil

from tests.faults.place import Place
from tests.faults.program import Ended, Program, free_port, wait_until
from tests.faults.row import HIREF, Row

POOL = "hierforecast"
_DOWN = 5  # seconds that a killed server is away


def _under_mlflow(place: Place, *, back: bool, **environment: str) -> Ended:
    """MLflow's server is killed when the first artifacts have been logged."""
    port = free_port()
    server = place.start_mlflow(port)
    fault = {"call": "mlflow.MlflowClient.log_artifacts", "when": "after", "do": f"kill:{server.pid}"}
    run = place.begin(fault=fault, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}", **environment)
    if back:
        wait_until("the server's death", lambda: not (server.lives and run.lives))
        time.sleep(_DOWN)
        place.start_mlflow(port)
    return run.wait()


def _under_prefect(place: Place, *, back: bool, **environment: str) -> Ended:
    """Prefect's server is killed when HiReF is fitted."""
    server = place.prefect
    fault = {"call": "hierforecast.hiref.HiReF.fit", "do": f"kill:{server.pid}"}
    run = place.begin(fault=fault, **environment)
    wait_until("the server's death", lambda: not (server.lives and run.lives))
    if back:
        time.sleep(_DOWN)
        place.start_prefect()
    return run.wait()


def _deploy(place: Place) -> None:
    """Pool, deployment and the automation that marks dead runs, once per matrix."""
    if place.deployed:
        return
    commands = [
        ("work-pool", "create", POOL, "--type", "process", "--overwrite"),
        ("--no-prompt", "deploy", "--name", "weekly-retrain/demo"),
        ("automation", "create", "--from-file", "deployments/zombies.yaml"),
    ]
    for words in commands:
        done = place.start("prefect", *words).wait()
        if done.code:
            raise RuntimeError(f"prefect {' '.join(words)}: {done.said[-2000:]}")
    place.deployed = True


def _worker(place: Place) -> Program:
    return place.start("prefect", "worker", "start", "--pool", POOL)


def _ask_for_a_run(place: Place) -> Program:
    settings = f"settings={place.settings}"
    return place.start("prefect", "deployment", "run", "weekly-retrain/demo", "-p", settings, "--watch")


def _kill_worker(place: Place, *, and_run: bool) -> Ended:
    """Once the run has a model, its worker is killed, alone or with it; returns what `--watch` tells."""
    _deploy(place)
    models = len(_models(place))
    worker, watched = _worker(place), _ask_for_a_run(place)
    wait_until("the run's first model", lambda: len(_models(place)) > models or not watched.lives)
    process = psutil.Process(worker.pid)
    runs = process.children(recursive=True) if and_run else []  # in sessions of their own, out of reach of a signal to its
    for victim in (process, *runs):
        victim.kill()
    return watched.wait()


def _with_a_new_worker(place: Place) -> Ended:
    worker = _worker(place)
    ended = _ask_for_a_run(place).wait()
    worker.end()
    return ended


def _models(place: Place) -> list:
    return list(place.home.glob("work/*/hiref-*/cutoff_model"))


SERVERS = [
    Row(
        "kill-mlflow",
        "kill -9 of MLflow's server while a version is logged; it comes back",
        lambda place: _under_mlflow(place, back=True),
        codes=(0,),
        says="promoted",
        flow=HIREF,
    ),
    Row(
        "mlflow-gone",
        "kill -9 of MLflow's server; it stays away",
        lambda place: _under_mlflow(place, back=False, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1"),
        codes=(1,),
        says="does not answer",
        flow=HIREF,
        champion_stands=True,
    ),
    Row(
        "kill-prefect",
        "kill -9 of Prefect's server under a run; it comes back",
        lambda place: _under_prefect(place, back=True),
        codes=(0,),
        says="promoted",
        flow=HIREF,
    ),
    Row(
        "prefect-gone",
        "kill -9 of Prefect's server; it stays away",
        lambda place: _under_prefect(place, back=False, PREFECT_CLIENT_MAX_RETRIES="0"),
        codes=(1,),
        says="does not answer",
        flow=HIREF,
        mend=Place.start_prefect,
    ),
    Row("kill-worker", "kill -9 of the worker", lambda place: _kill_worker(place, and_run=False), codes=(0,)),
    Row(
        "kill-worker-and-run",
        "kill -9 of worker and run; the next comes through a new worker",
        lambda place: _kill_worker(place, and_run=True),
        codes=(1,),
        says="Crashed|CRASHED|no heartbeat",
        again=_with_a_new_worker,
        champion_stands=True,
    ),
]
