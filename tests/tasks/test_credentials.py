"""Where the login of MLflow's server comes from: the environment first, Prefect's Secret blocks else, and nowhere in vain."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tasks import credentials

SERVER = "http://127.0.0.1:5000"


@pytest.fixture
def asked(monkeypatch):
    """Blocks that hold a login, a flow run around us, and no login in the environment; which blocks were asked for."""
    asked = []

    class Secrets:
        @staticmethod
        def load(name, **_):
            asked.append(name)
            if name not in Secrets.kept:
                raise ValueError(f"Unable to find block document named {name}")
            return SimpleNamespace(get=lambda: Secrets.kept[name])

    Secrets.kept = {"hierforecast-mlflow-username": "ada", "hierforecast-mlflow-password": "hunter2"}
    monkeypatch.setattr(credentials, "Secret", Secrets)
    monkeypatch.setattr(credentials.FlowRunContext, "get", lambda: object())
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.setenv(name, "")  # so that what is set here is taken back
        monkeypatch.delenv(name)
    return asked, Secrets.kept


def login() -> tuple[str | None, str | None]:
    return os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")


def test_blocks_are_used_where_the_environment_says_nothing(asked):
    credentials.hand_over(SERVER)
    assert login() == ("ada", "hunter2")
    assert len(asked[0]) == 2
    credentials.hand_over(SERVER)  # now the environment knows
    assert len(asked[0]) == 2


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"])
def test_the_environment_comes_first(asked, monkeypatch, variable):
    monkeypatch.setenv(variable, "mine")
    credentials.hand_over(SERVER)
    assert asked[0] == []


def test_nobody_has_to_make_blocks(asked):
    asked[1].clear()
    credentials.hand_over(SERVER)
    assert login() == (None, None)


@pytest.mark.parametrize("uri", ["sqlite:////data/mlflow.db", "postgresql://db/mlflow"])
def test_a_store_without_a_server_asks_for_no_block(asked, uri):
    credentials.hand_over(uri)
    assert asked[0] == []


def test_outside_a_run_prefect_is_not_asked(asked, monkeypatch):
    monkeypatch.setattr(credentials.FlowRunContext, "get", lambda: None)
    credentials.hand_over(SERVER)
    assert asked[0] == []


def test_a_login_in_the_address_is_parted_before_anybody_reads_it():
    program = (
        "import os; from tasks import environment; print(environment.tracking_uri(), os.environ['MLFLOW_TRACKING_URI'],"
        " os.environ['MLFLOW_TRACKING_USERNAME'], os.environ['MLFLOW_TRACKING_PASSWORD'])"
    )
    given = os.environ | {"MLFLOW_TRACKING_URI": "http://ada:hunter2@127.0.0.1:5000"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=given, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [SERVER, SERVER, "ada", "hunter2"]
