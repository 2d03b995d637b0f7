"""The report of the data checks on a real embedded store."""

import json
from pathlib import Path
from urllib.parse import urlparse

import pytest

from tasks import environment
from tasks.registry import check_report, versions
from tasks.registry.connection import client


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "checks"
    path.mkdir()
    told = {"verdict": "demo sales: 1 of 3 checks does not hold, 1 warning (9 rows)"}
    counts = {"passed": 1, "warned": 1, "failed": 1, "waiting": 0}
    (path / "report.json").write_text(json.dumps(told | {"counts": counts}))
    (path / "report.html").write_text("<p>not fine</p>")
    return path


def test_a_run_carries_the_report_its_counts_and_the_way_to_it(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))
    run_id = versions.log_stopped_run("demo", str(folder), "bounds")
    run = client().get_run(run_id)
    counted = {name: value for name, value in run.data.metrics.items() if name.startswith("checks.")}
    assert counted == {"checks.passed": 1, "checks.warned": 1, "checks.failed": 1}
    link = run.data.tags["checks.report"]
    assert Path(urlparse(link).path).read_text() == "<p>not fine</p>"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("demo sales: 1 of 3 checks does not hold, 1 warning (9 rows)")
    assert f"(#/experiments/{run.info.experiment_id}/runs/{run_id}/artifacts/checks/report.html)" in note
    monkeypatch.setattr(environment, "tracking_uri", lambda: "https://anna:secret@mlflow.example/path/")
    monkeypatch.setattr(check_report, "_page", lambda run: f"#/{run}")
    assert check_report.report_link(run_id) == f"https://mlflow.example/path/#/{run_id}"


def test_a_folder_without_counts_is_logged_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "report.html").write_text("<p>old</p>")
    run_id = versions.log_stopped_run("demo", str(folder), "bounds")
    assert "checks.report" not in client().get_run(run_id).data.tags
    assert check_report.warnings_tag(str(folder)) == {}
    assert "checks/report.html" in {found.path for found in client().list_artifacts(run_id, "checks")}


def test_warnings_are_counted_on_the_version(folder):
    assert check_report.warnings_tag(str(folder)) == {"check_warnings": "1"}
