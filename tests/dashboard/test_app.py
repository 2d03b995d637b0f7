"""The application without a browser: what it imports, its plain addresses, and every page's content."""

import json
import os
import subprocess
import sys

import pytest
from dash import html
from plotly.utils import PlotlyJSONEncoder

from dashboard.app import create_app, render
from dashboard.pages import PAGES
from dashboard.registry import Registry


@pytest.fixture(scope="module")
def registry(shared_demo):
    return Registry(shared_demo.home.tracking_uri)


@pytest.fixture(scope="module")
def client(shared_demo):
    return create_app(shared_demo.home.tracking_uri).server.test_client()


def written(components):
    return json.dumps(html.Div(components), cls=PlotlyJSONEncoder)


def test_importing_the_dashboard_loads_no_model_library_and_makes_no_database(tmp_path):
    heavy = ["torch", "tensorflow", "prefect", "great_expectations", "hierforecast.hiref", "hierforecast.precision"]
    code = f"import sys, dashboard.app; print([name for name in {heavy} if name in sys.modules])"
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment | {"HIERFORECAST_HOME": str(tmp_path)},
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_healthz_answers(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_the_report_of_the_data_checks_may_run_nothing(client):
    answer = client.get("/checks/demo/hiref/2")
    assert "All data checks passed" in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert client.get("/checks/demo/hiref/99").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd/1",
        "..%2f..%2fetc/passwd/1",
        "demo'%20OR%20'1'='1/hiref/2",
        "demo/hiref/2/..%2f..",
        "demo/%00/2",
        "demo/hiref/-1",
    ],
)
def test_addresses_that_are_no_version_are_not_found(client, path):
    answer = client.get(f"/checks/{path}")
    assert answer.status_code == 404 or "All data checks passed" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.TITLE)
@pytest.mark.parametrize("company", ["demo", "north"])
def test_every_page_builds_for_every_company(registry, page, company):
    text = written(render(registry, page.PATH, f"?company={company}"))
    assert page.TITLE in text
    assert f'"value": "{company}"' in text


def test_an_unknown_company_or_path_falls_back(registry):
    assert '"value": "demo"' in written(render(registry, "/nonsense", "?company=nobody"))


def test_filters_start_with_what_the_address_names(registry):
    text = written(render(registry, "/forecasts", "?company=demo&brand=Alba&brand=Cima&brand=Unknown"))
    assert '"value": ["Alba", "Cima"]' in text


def test_an_empty_registry_says_what_to_run(tmp_path):
    text = written(render(Registry(f"sqlite:///{tmp_path}/mlflow.db"), "/", None))
    assert "./start.sh" in text
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_does_not_answer_is_told_in_words(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    text = written(render(Registry("http://127.0.0.1:9"), "/", None))
    assert "does not answer" in text
