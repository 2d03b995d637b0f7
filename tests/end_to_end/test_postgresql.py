"""Both servers as a company runs them: on PostgreSQL, asking for a password, artifacts handed through MLflow's server."""

import json
import subprocess
import sys
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.postgres import PASSWORD, find_programs, postgres
from tests.support.retraining import Kept, Retrain
from tests.support.servers import Service, mlflow_service, prefect_service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(find_programs() is None, reason="PostgreSQL is not installed (Debian: apt-get install postgresql)"),
]
ROOT = Path(__file__).resolve().parents[2]
KEEPER, PLANNER = ("keeper", "keeper-secret-0815"), ("planner", "planner-secret-2342")
PREFECT_LOGIN = "planner:prefect-secret-1848"


class Installation(NamedTuple):
    mlflow: Service
    prefect: Service
    environment: dict[str, str]


def ask(address: str, login: tuple[str, str], body: dict) -> None:
    """POST with a name and a password."""
    head = {"Content-Type": "application/json", "Authorization": "Basic " + b64encode(":".join(login).encode()).decode()}
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), head), timeout=30) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """PostgreSQL with three databases, both servers on it, and a user of MLflow who is not its administrator."""
    folder = tmp_path_factory.mktemp("installation")
    with postgres("mlflow", "logins", "prefect") as database:
        settings = {
            "default_permission": "READ",
            "admin_username": KEEPER[0],
            "database_uri": database.address("logins"),
            "auth_cache_ttl_seconds": "60",
        }
        lines = ["[mlflow]", *(f"{name} = {value}" for name, value in settings.items())]
        (folder / "logins.ini").write_text("\n".join(lines))
        login = {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "logins.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": KEEPER[1],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-this-test",
        }
        mlflow_server = mlflow_service(folder, store=database.address("mlflow"), login=login)
        prefect_server = prefect_service(
            folder,
            PREFECT_API_DATABASE_CONNECTION_URL=database.address("prefect", "+asyncpg"),
            PREFECT_SERVER_API_AUTH_STRING=PREFECT_LOGIN,
        )
        try:
            mlflow_server.start()
            prefect_server.start()
            ask(
                f"{mlflow_server.address}/api/2.0/mlflow/users/create",
                KEEPER,
                {"username": PLANNER[0], "password": PLANNER[1]},
            )
            environment = {
                **prefect_server.environment,
                "PREFECT_API_URL": f"{prefect_server.address}/api",
                "PREFECT_API_AUTH_STRING": PREFECT_LOGIN,
                "HIERFORECAST_HOME": str(folder / "home"),
                "MLFLOW_TRACKING_URI": mlflow_server.address,
                "MLFLOW_TRACKING_USERNAME": PLANNER[0],
                "MLFLOW_TRACKING_PASSWORD": PLANNER[1],
            }
            for name in ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_DATABASE_CONNECTION_URL"):
                del environment[name]  # the servers' secrets are no business of a run
            yield Installation(mlflow_server, prefect_server, environment)
        finally:
            mlflow_server.stop()
            prefect_server.stop()


@pytest.fixture(scope="module")
def monday(installation, tiny_settings, tmp_path_factory) -> Retrain:
    """The first retrain, ended well."""
    run = Retrain(tiny_settings, installation.environment, tmp_path_factory.mktemp("monday") / "log")
    assert run.end() == 0, run.said[-4000:] + installation.mlflow.log.read_text()[-2000:]
    return run


@pytest.fixture
def kept(installation, monkeypatch):
    """`kept(name)`: what the server keeps under it, read with the planner's login."""
    for variable in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(variable, installation.environment[variable])
    return lambda name: Kept(installation.mlflow.address, name)


def test_both_families_are_promoted_and_their_artifacts_came_through_the_server(installation, monday, kept):
    for family in ("hiref", "precision"):
        here = kept(f"tiny-{family}")
        assert f"tiny-{family} version 1: promoted" in monday.said
        assert (here.versions(), here.champion()) == (["1"], "1")
        run = here.client.get_run(here.client.get_model_version(here.name, "1").run_id)
        assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
        assert [item.path for item in here.client.list_artifacts(run.info.run_id, "checks")] != []
    assert list((installation.mlflow.log.parent / "store").rglob("scores.parquet"))
    assert not (Path(installation.environment["HIERFORECAST_HOME"]) / "artifacts").exists()


def test_a_champion_loads_from_the_server(installation, monday):
    program = (
        "import mlflow; model = mlflow.pyfunc.load_model('models:/tiny-hiref@champion'); "
        "print(model.metadata.signature is not None)"
    )
    environment = {**installation.environment, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr[-2000:]


def test_the_dashboard_reads_the_same_server(installation, monday, kept):
    from dashboard.registry import Registry
    from hierforecast.results import SCORES

    kept("tiny-hiref")
    registry = Registry(installation.mlflow.address)
    versions = {version.family: version for version in registry.catalog().versions}
    assert set(versions) == {"hiref", "precision"}
    assert versions["hiref"].aliases == ("champion",)
    assert not registry.table(versions["hiref"], SCORES).empty
    assert "<html" in registry.report(versions["hiref"])


def test_a_rerun_changes_nothing(installation, monday, kept, tiny_settings, tmp_path):
    again = Retrain(tiny_settings, installation.environment, tmp_path / "log")
    assert again.end() == 0, again.said[-3000:]
    assert "tiny-hiref version 1: unchanged" in again.said
    assert (kept("tiny-hiref").versions(), kept("tiny-precision").versions()) == (["1"], ["1"])


WRONG = {
    "MLFLOW_TRACKING_PASSWORD": "MLflow at {mlflow} does not know this login (401)",
    "PREFECT_API_AUTH_STRING": "Prefect's server at {prefect}/api lets nobody in with this password (401)",
}


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_password_ends_in_a_sentence_at_once(installation, tiny_settings, tmp_path, variable):
    wrong = {variable: "nobody:wrong-secret-5150", "HIERFORECAST_HOME": str(tmp_path / "home")}
    run = Retrain(tiny_settings, {**installation.environment, **wrong}, tmp_path / "log")
    assert run.end() == 1
    told = WRONG[variable].format(mlflow=installation.mlflow.address, prefect=installation.prefect.address)
    assert told in run.said, run.said[-3000:]
    assert "Traceback" not in run.said
    assert "wrong-secret" not in run.said


def test_no_password_is_in_what_a_run_says(monday):
    for secret in (PASSWORD, KEEPER[1], PLANNER[1], PREFECT_LOGIN):
        assert secret not in monday.said
