"""Runs and where their artifacts go, on a store that is neither a server nor the home's own database."""

import pytest
import requests
from mlflow.exceptions import MlflowException

from tasks import environment
from tasks.registry import connection
from tasks.registry.runs import open_run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(folder / "home"))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", f"sqlite:///{folder}/company.db")
        yield connection.client()


def status(store, run_id: str) -> str:
    return store.get_run(run_id).info.status


def test_artifacts_of_a_database_without_a_server_go_to_the_home(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = store.get_experiment(connection.experiment("acme")).artifact_location
    assert place == (environment.home().artifacts / "acme").as_uri()


def test_a_run_ends_as_it_went(store):
    with open_run("acme", "fine", {}) as fine:
        assert status(store, fine) == "RUNNING"
    with pytest.raises(ZeroDivisionError), open_run("acme", "broken", {}) as broken:
        1 / 0  # noqa: B018
    assert (status(store, fine), status(store, broken)) == ("FINISHED", "FAILED")


def test_a_run_whose_server_was_gone_is_ended_by_the_next_attempt_at_the_same_version(store):
    gone = MlflowException("API request failed")
    gone.__cause__ = requests.exceptions.ConnectionError("Connection refused")
    with pytest.raises(MlflowException), open_run("acme", "first", {"fingerprint": "f1"}) as first:
        raise gone
    assert status(store, first) == "RUNNING"  # nobody could be told
    with open_run("acme", "of something else", {"fingerprint": "f2"}):
        assert status(store, first) == "RUNNING"
    with open_run("acme", "second", {"fingerprint": "f1"}) as second:
        assert (status(store, first), status(store, second)) == ("FAILED", "RUNNING")
