"""MLflow's and Prefect's servers killed under a run: it waits for them, or ends in a sentence, and the next run goes on."""

import time
from pathlib import Path

import pytest

from tests.support.retraining import Kept, Retrain, of_one_family
from tests.support.servers import mlflow_service, prefect_service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture
def mlflow_server(tmp_path):
    server = mlflow_service(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def environment(prefect_server, mlflow_server, tmp_path) -> dict[str, str]:
    return {
        **prefect_server.environment,
        "HIERFORECAST_HOME": str(tmp_path / "home"),
        "MLFLOW_TRACKING_URI": mlflow_server.address,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # a step is then asked again for 25 seconds, not for 90
    }


@pytest.fixture
def kept(mlflow_server, monkeypatch) -> Kept:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return Kept(mlflow_server.address, "tiny-hiref")


def wait_for_registration(run: Retrain, kept: Kept, seconds: float = 500) -> None:
    """Until the run of the version to be is open in MLflow: its artifacts are on their way."""
    deadline = time.monotonic() + seconds
    while not kept.runs("RUNNING"):
        assert run.process.poll() is None, run.said[-3000:]
        assert time.monotonic() < deadline, run.said[-3000:]
        time.sleep(0.05)


def test_mlflow_dies_while_a_version_is_registered(mlflow_server, environment, kept, tiny_settings, tmp_path):
    settings = of_one_family(tiny_settings, tmp_path, "sales")
    first = Retrain(settings, environment, tmp_path / "first.log")
    wait_for_registration(first, kept)
    mlflow_server.kill()
    assert first.end() == 1
    told = first.said.split("\n\n")[-1]
    gone = f"MLflow at {mlflow_server.address} does not answer: connection refused"
    for words in (gone, "nothing was promoted by it", "run the same command again"):
        assert words in told, first.said[-3000:]
    assert "Traceback" not in first.said

    mlflow_server.start()
    assert (kept.versions(), len(kept.runs("RUNNING"))) == ([], 1)
    second = Retrain(settings, environment, tmp_path / "second.log")
    assert second.end() == 0, second.said[-3000:]
    assert "tiny-hiref version 1: promoted" in second.said
    assert trained(first.said) == (2, 0)  # up to the cutoff, and on all weeks
    assert trained(second.said) == (2, 2)  # both found
    assert (kept.versions(), kept.champion()) == (["1"], "1")
    assert (len(kept.runs("RUNNING")), len(kept.runs("FINISHED"))) == (0, 1)


def trained(said: str) -> tuple[int, int]:
    """How many trainings a run went through, and how many of them were found finished."""
    ends = [line for line in said.splitlines() if "Task run 'fit-hiref" in line and "Finished in state" in line]
    return len(ends), sum("Cached" in line for line in ends)


def test_mlflow_restarts_while_a_version_is_registered(mlflow_server, environment, kept, tiny_settings, tmp_path):
    environment["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "6"  # on a busy machine a server starts for longer than a run waits
    run = Retrain(of_one_family(tiny_settings, tmp_path, "sales"), environment, tmp_path / "run.log")
    wait_for_registration(run, kept)
    mlflow_server.kill()
    mlflow_server.start()
    assert run.end() == 0, run.said[-3000:]
    assert "tiny-hiref version 1: promoted" in run.said
    assert (kept.versions(), kept.champion(), kept.runs("RUNNING")) == (["1"], "1", [])


@pytest.fixture
def prefect(tmp_path):
    """A Prefect server that nobody else needs."""
    server = prefect_service(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def embedded(prefect, tmp_path) -> dict[str, str]:
    """An environment with that server, and the embedded store."""
    return {
        **prefect.environment,
        "PREFECT_API_URL": f"{prefect.address}/api",
        "HIERFORECAST_HOME": str(tmp_path / "home"),
    }


def wait_for_checks(run: Retrain, home: Path, seconds: float = 500) -> None:
    """Until the checks are done: the trainings are under way."""
    deadline = time.monotonic() + seconds
    while not list((home / "work").rglob("report.html")):
        assert run.process.poll() is None, run.said[-3000:]
        assert time.monotonic() < deadline, run.said[-3000:]
        time.sleep(0.1)


def test_prefect_restarts_under_a_run(prefect, embedded, tiny_settings, tmp_path):
    """Its pages lose some of what happened meanwhile; the run goes on, and is told as completed."""
    run = Retrain(of_one_family(tiny_settings, tmp_path, "sales"), embedded, tmp_path / "run.log")
    wait_for_checks(run, tmp_path / "home")
    prefect.kill()
    prefect.start()
    assert run.end() == 0, run.said[-3000:]
    assert "tiny-hiref version 1: promoted" in run.said
    assert "Finished in state Completed()" in run.said
    assert "Traceback" not in run.said


def test_prefect_dies_under_a_run(prefect, embedded, tiny_settings, tmp_path):
    """The work is done and kept; that nobody could be told ends in a sentence, and the next run finds it all."""
    settings = of_one_family(tiny_settings, tmp_path, "sales")
    gone = f"Prefect's server at {prefect.address}/api does not answer: connection refused"
    first = Retrain(settings, {**embedded, "PREFECT_CLIENT_MAX_RETRIES": "0"}, tmp_path / "first.log")
    wait_for_checks(first, tmp_path / "home")
    prefect.kill()
    refused = Retrain(settings, embedded, tmp_path / "refused.log")
    for run in (first, refused):
        assert run.end() == 1
        assert gone in run.said, run.said[-3000:]
        assert "Traceback" not in run.said
    prefect.start()
    again = Retrain(settings, embedded, tmp_path / "again.log")
    assert again.end() == 0, again.said[-3000:]
    assert "tiny-hiref version 1: " in again.said
    kept = Kept(f"sqlite:///{tmp_path}/home/mlflow.db", "tiny-hiref")
    assert (kept.versions(), kept.champion()) == (["1"], "1")
