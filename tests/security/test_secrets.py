"""A password is planted, real flows run with it, and then it is looked for in everything that they said and left."""

import base64
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.pickles import find_pickles
from tests.support.retraining import of_one_family
from tests.support.servers import mlflow_service, prefect_service

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "planner-7731", "Tuer/auf:seit@Mai 4711"
OTHER = "never-in-a-log-9042"  # of a login that is wrong

# As it is, in an address, in JSON, and in the head of a request.
SPELLINGS = [
    PASSWORD.encode(),
    urllib.parse.quote(PASSWORD).encode(),
    urllib.parse.quote(PASSWORD, safe="").encode(),
    json.dumps(PASSWORD).strip('"').encode(),
    base64.b64encode(f"{USER}:{PASSWORD}".encode()),
    base64.b64encode(PASSWORD.encode()),
    OTHER.encode(),
]


def find_secret(folder: Path) -> list[str]:
    """Files below a folder that hold the password in any spelling; databases and their logs as bytes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if any(word in path.read_bytes() for word in SPELLINGS)]


def test_the_search_finds_every_spelling(tmp_path):
    for number, spelling in enumerate(SPELLINGS):
        (tmp_path / f"{number}").write_bytes(b"log line: " + spelling + b" and more")
    (tmp_path / "fine").write_text(f"{USER} logged in")
    assert find_secret(tmp_path) == [str(number) for number in range(len(SPELLINGS))]


class Place(NamedTuple):
    """Both servers, the environment of a run without any login of MLflow's, and the run's home."""

    mlflow: str
    environment: dict[str, str]
    home: Path
    prefect: Path


def post(address: str, login: tuple[str, str] | None, body: dict) -> dict:
    head = {"Content-Type": "application/json"}
    if login:
        head["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), head), timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """MLflow asks for a login; Prefect has it in Secret blocks."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "mlflow").mkdir()
    (folder / "prefect").mkdir()
    (folder / "mlflow/logins.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/mlflow/logins.db\nadmin_username = keeper\n"
        "auth_cache_ttl_seconds = 600\n"  # a password is compared slowly on purpose, and each request has one
    )
    login = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "mlflow/logins.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": "of-the-keeper-0815",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-this-test",
    }
    mlflow, prefect = mlflow_service(folder / "mlflow", login=login), prefect_service(folder / "prefect")
    try:
        mlflow.start()
        prefect.start()
        who = {"username": USER, "password": PASSWORD}
        post(f"{mlflow.address}/api/2.0/mlflow/users/create", ("keeper", "of-the-keeper-0815"), who)
        environment = {
            **{name: value for name, value in prefect.environment.items() if not name.startswith("MLFLOW_TRACKING")},
            "PREFECT_HOME": str(folder / "runs"),
            "PREFECT_API_URL": f"{prefect.address}/api",
            "HIERFORECAST_HOME": str(folder / "home"),
            "MLFLOW_TRACKING_URI": mlflow.address,
        }
        keep_login = (
            "import sys, json; from prefect.blocks.system import Secret; who = json.load(sys.stdin)\n"
            "for name, value in who.items(): Secret(value=value).save(f'hierforecast-mlflow-{name}')"
        )
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", keep_login], input=json.dumps(who), text=True, env=environment, check=True
        )
        yield Place(mlflow.address, environment, folder / "home", folder)
    finally:
        mlflow.stop()
        prefect.stop()


def run(place: Place, flow: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"flows.{flow}", *words]
    kept = {**place.environment, "PREFECT_LOGGING_LEVEL": "DEBUG", **environment}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=900, check=False)
    place.home.mkdir(exist_ok=True)
    with (place.home / "said.log").open("a") as log:  # so that it is searched, too
        log.write(done.stdout + done.stderr)
    return done


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_password_stays_where_it_was_put(place, tiny_settings, tmp_path):
    settings = str(of_one_family(tiny_settings, tmp_path, "sales"))
    first = run(place, "weekly_retrain", "--settings", settings)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert "tiny-hiref version 1: promoted" in first.stdout  # so the login of the blocks was used

    in_address = place.mlflow.replace("://", f"://{USER}:{urllib.parse.quote(PASSWORD, safe='')}@")
    looked = run(place, "verify", "--settings", settings, MLFLOW_TRACKING_URI=in_address)
    assert looked.returncode == 0, looked.stderr[-3000:]
    assert "tiny-hiref version 1: all " in looked.stdout

    wrong = place.mlflow.replace("://", f"://{USER}:{OTHER}@")
    refused = run(place, "verify", "--settings", settings, MLFLOW_TRACKING_URI=wrong)
    assert refused.returncode == 1
    assert "login" in refused.stderr

    nowhere = f"http://{USER}:{OTHER}@127.0.0.1:9"
    gone = run(place, "verify", "--settings", settings, MLFLOW_TRACKING_URI=nowhere, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert gone.returncode == 1

    assert find_secret(place.prefect) == []
    assert find_pickles(place.prefect) == []
