"""The report of the data checks with an MLflow run: its files, its counts, and links to it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tasks import environment
from tasks.registry.connection import client
from tasks.registry.numbers import log_numbers

FOLDER, PAGE = "checks", "report.html"
COUNTED = ("passed", "warned", "failed")
_NOTE = "mlflow.note.content"  # MLflow's own tag: the description on a run's page


def log_report(run_id: str, folder: str) -> None:
    """Log the folder of a report, the counts of its checks as metrics, and the way to it as a tag and in the description."""
    server = client()
    server.log_artifacts(run_id, folder, FOLDER)
    told = _summary(folder)
    if told:
        log_numbers(run_id, metrics={f"checks.{name}": told["counts"][name] for name in COUNTED})
        server.set_tag(run_id, "checks.report", report_link(run_id))
        server.set_tag(run_id, _NOTE, f"{told['verdict']}\n\n[The report of the data checks]({_page(run_id)})")


def warnings_tag(folder: str) -> dict[str, str]:
    """The tag that tells how many checks warned; none where the folder has no report that says so."""
    told = _summary(folder)
    return {"check_warnings": str(told["counts"]["warned"])} if told else {}


def report_link(run_id: str) -> str:
    """Where a person opens a run's report: a page of the MLflow server, or the file where MLflow is embedded."""
    uri = urlsplit(environment.tracking_uri())
    if uri.scheme in ("http", "https"):
        host = uri.netloc.rpartition("@")[2]  # without the password that may stand before it
        return f"{urlunsplit((uri.scheme, host, uri.path.rstrip('/'), '', ''))}/{_page(run_id)}"
    return f"{client().get_run(run_id).info.artifact_uri}/{FOLDER}/{PAGE}"


def _page(run_id: str) -> str:
    """The report on MLflow's pages, from any of them."""
    experiment = client().get_run(run_id).info.experiment_id
    return f"#/experiments/{experiment}/runs/{run_id}/artifacts/{FOLDER}/{PAGE}"


def _summary(folder: str) -> dict[str, Any] | None:
    """Verdict and counts of a report; None where there is none."""
    path = Path(folder) / "report.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return told if "counts" in told else None
