"""MLflow's server killed under a run: it ends in a sentence, and the next run goes on.

Servers that come back, and Prefect's, are killed by the fault matrix (`python -m tests.faults`).
"""

import time

import pytest

from tests.support.retraining import Kept, Retrain, of_one_family
from tests.support.servers import mlflow_service

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
