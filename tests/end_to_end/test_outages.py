"""MLflow's and Prefect's servers killed under a run: it waits for them, or ends in a sentence, and the next run goes on."""

import time

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
    del environment["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]
    run = Retrain(of_one_family(tiny_settings, tmp_path, "sales"), environment, tmp_path / "run.log")
    wait_for_registration(run, kept)
    mlflow_server.kill()
    mlflow_server.start()
    assert run.end() == 0, run.said[-3000:]
    assert "tiny-hiref version 1: promoted" in run.said
    assert (kept.versions(), kept.champion(), kept.runs("RUNNING")) == (["1"], "1", [])


def test_prefect_restarts_under_a_run(tiny_settings, tmp_path):
    """Its pages lose some of what happened meanwhile; the run goes on, and is told as completed."""
    server = prefect_service(tmp_path)
    server.start()
    home = tmp_path / "home"
    environment = {**server.environment, "PREFECT_API_URL": f"{server.address}/api", "HIERFORECAST_HOME": str(home)}
    try:
        run = Retrain(of_one_family(tiny_settings, tmp_path, "sales"), environment, tmp_path / "run.log")
        deadline = time.monotonic() + 500
        while not list((home / "work").rglob("report.html")):
            assert run.process.poll() is None and time.monotonic() < deadline, run.said[-3000:]
            time.sleep(0.1)
        server.kill()
        server.start()
        assert run.end() == 0, run.said[-3000:]
    finally:
        server.stop()
    assert "tiny-hiref version 1: promoted" in run.said
    assert "Finished in state Completed()" in run.said
    assert "Traceback" not in run.said


@pytest.mark.parametrize("patience", ["0"])
def test_prefect_dies_under_a_run(tiny_settings, tmp_path, patience):
    """The work is done and kept; that nobody could be told ends in a sentence, and the next run finds it all."""
    server = prefect_service(tmp_path)
    server.start()
    home = tmp_path / "home"
    environment = {**server.environment, "PREFECT_API_URL": f"{server.address}/api", "HIERFORECAST_HOME": str(home)}
    settings = of_one_family(tiny_settings, tmp_path, "sales")
    try:
        first = Retrain(settings, {**environment, "PREFECT_CLIENT_MAX_RETRIES": patience}, tmp_path / "first.log")
        deadline = time.monotonic() + 500
        while not list((home / "work").rglob("report.html")):
            assert first.process.poll() is None and time.monotonic() < deadline, first.said[-3000:]
            time.sleep(0.1)
        server.kill()
        assert first.end() == 1
        assert f"Prefect's server at {server.address}/api does not answer" in first.said, first.said[-3000:]
        assert "Traceback" not in first.said
        refused = Retrain(settings, environment, tmp_path / "refused.log")
        assert refused.end() == 1
        assert f"Prefect's server at {server.address}/api does not answer: connection refused" in refused.said
        assert "Traceback" not in refused.said
        server.start()
        again = Retrain(settings, environment, tmp_path / "again.log")
        assert again.end() == 0, again.said[-3000:]
    finally:
        server.stop()
    assert "tiny-hiref version 1: " in again.said
    kept = Kept(f"sqlite:///{home}/mlflow.db", "tiny-hiref")
    assert (kept.versions(), kept.champion()) == (["1"], "1")
