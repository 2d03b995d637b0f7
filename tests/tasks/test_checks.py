"""What the check task tells, keeps and hands on; its outside systems stand in."""

import json
from pathlib import Path

import pytest

from expectations.report import CheckResult, Report
from hierforecast.settings import read_company
from tasks import check_artifacts, checks
from tasks.checks import ChecksFailed, check
from tasks.panels import PanelReference


def result(status: str = "failed", **fields) -> CheckResult:
    given = {
        "check": "bounds",
        "sentence": "x is small",
        "found": "it is | not",
        "count": 1,
        "keys": ("week=1",),
        "column": "x",
    }
    return CheckResult(status=status, **given | fields)


@pytest.fixture
def told(monkeypatch) -> dict[str, tuple]:
    """What Prefect's pages would show, by key."""
    shown: dict[str, tuple] = {}
    monkeypatch.setattr("tasks.telling.markdown", lambda text, *, key, description: shown.update({key: (text, description)}))
    monkeypatch.setattr("tasks.telling.link", lambda address, *, text, key, **_: shown.update({key: (address, text)}))
    return shown


@pytest.fixture
def run(home, no_run, told, root, monkeypatch):
    """The task's body over a report that is given."""

    def judge(*results: CheckResult, **options):
        report = Report("demo sales", 3, results, {})
        monkeypatch.setattr("expectations.validation.validate", lambda *_, **__: report)
        monkeypatch.setattr("tasks.panels.raw", lambda _: None)
        panel = PanelReference(family="sales", path="p", digest="d" * 64, rows=3)
        return check.fn(read_company(root / "deployments/demo.yaml"), panel, against_champion=False, **options)

    return judge


@pytest.fixture
def kept(monkeypatch) -> list[tuple]:
    """Failed runs that MLflow would keep."""
    runs: list[tuple] = []
    monkeypatch.setattr("tasks.registry.versions.log_stopped_run", lambda *given: runs.append(given) or "a1b2")
    monkeypatch.setattr("tasks.registry.check_report.report_link", lambda run: f"http://mlflow/{run}")
    return runs


def test_warnings_let_a_panel_pass_and_travel_with_it(run, told, caplog):
    with caplog.at_level("INFO", logger="hierforecast"):
        checked = run(result("passed"), result(severity="warn"))
    sentence = "bounds (x): expected that x is small; it is | not"
    assert checked.warnings == (sentence,)
    assert "sales checks: 1 of 2 passed, 1 warn on 3 rows" in caplog.text
    assert f"sales checks: {sentence}" in [line.message for line in caplog.records if line.levelname == "WARNING"]
    text, description = told["demo-sales-checks"]
    assert description == "demo sales: 1 of 2 checks hold, 1 warning (3 rows)"
    assert "| bounds (x) | warn | x is small | it is \\| not | week=1 |" in text
    link, _ = told["demo-sales-report"]
    assert link.startswith("file:///")
    assert json.loads((Path(checked.report) / "report.json").read_text())["counts"]["warned"] == 1


def test_what_stops_is_kept_in_a_failed_run_and_linked(run, told, kept):
    with pytest.raises(ChecksFailed, match="demo sales: 1 of 1 checks does not hold"):
        run(result())
    assert kept[0][0] == "demo"
    assert told["demo-sales-report"] == ("http://mlflow/a1b2", "Report of the sales checks")
    assert "| bounds (x) | stop |" in told["demo-sales-checks"][0]


def test_a_check_that_broke_stops_with_other_words_than_bad_data(run, told, kept):
    with pytest.raises(ChecksFailed, match="this is a fault of the check, not of your data"):
        run(result("broken"))
    assert "| bounds (x) | could not check |" in told["demo-sales-checks"][0]
    assert "fault of the check" in told["demo-sales-checks"][0]


def test_bad_data_are_told_although_mlflow_is_gone(run, told, monkeypatch, caplog):
    def gone(*_):
        raise ConnectionError("no answer of http://bob:s3cret@mlflow/api")

    monkeypatch.setattr("tasks.registry.versions.log_stopped_run", gone)
    with pytest.raises(ChecksFailed, match="does not hold"):
        run(result())
    assert "could not be kept in MLflow: no answer of http://***@mlflow/api" in caplog.text
    assert told["demo-sales-report"][0].startswith("file:///")


def test_old_settings_on_todays_data_fail_quietly(run, told, kept):
    with pytest.raises(ChecksFailed):
        run(result(), keep_failure=False)
    assert not kept
    assert not told


def test_two_declarations_or_measures_of_one_panel_have_reports_of_their_own(home, root):
    company = read_company(root / "deployments/demo.yaml")
    panel = PanelReference(family="sales", path="p", digest="d" * 64, rows=3)
    other = company.sales.model_copy(update={"horizon": 5})
    folders = {
        checks._folder(company, panel, declared, against_champion=against)
        for declared in (company.sales, other)
        for against in (True, False)  # a backtest beside a retrain
    }
    assert len(folders) == 4


def test_words_from_data_are_no_markup():
    assert check_artifacts._plain("a|b\n<script> [x](y) `z`") == "a\\|b &lt;script> \\[x\\](y) \\`z\\`"
