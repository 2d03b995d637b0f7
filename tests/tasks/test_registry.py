"""The shelf on a real embedded store: what is logged, found again, promoted, loaded, and what a stopped run leaves."""

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from hierforecast import splits, synthetic
from hierforecast.errors import PanelError
from hierforecast.gates import Decision, GateResult
from hierforecast.hiref import HiReF
from hierforecast.settings import parse_company, read_company
from tasks import environment
from tasks.registry import connection, promotion, versions
from tasks.registry.records import CHALLENGER, CHAMPION, Evidence

HELD = Decision((GateResult("bottom WAPE", 0.1, None, held=True, sentence="fine"),))
BROKEN = Decision((GateResult("bottom WAPE", 0.9, 0.2, held=False, sentence="bottom WAPE is 0.9, at most 0.2"),))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, root):
    """A small fitted model on disk, with evidence to log beside it."""
    folder = tmp_path_factory.mktemp("trained")
    company = read_company(root / "deployments/demo.yaml")
    sales = synthetic.company(2, weeks=60, planned=4).sales
    sales = sales[(sales["region"] == "North") & (sales["segment"] == "Premium")]
    history, plan = splits.observed_and_plan(sales, period="week", target="units")
    model = HiReF.from_panel_settings(company.sales, company.training).fit(history)
    model.save(folder / "model")
    (folder / "tables").mkdir()
    (folder / "checks").mkdir()
    pd.DataFrame({"level": ["bottom"], "wape": [0.1]}).to_parquet(folder / "tables/scores.parquet")
    (folder / "checks/report.html").write_text("<p>fine</p>")
    evidence = Evidence(
        model=str(folder / "model"),
        tables=str(folder / "tables"),
        checks=str(folder / "checks"),
        metrics={"wape.bottom": 0.1},
        tags={"trained_to": "2024-02-19"},
    )
    rows = plan.drop(columns="units").head(4)
    return company, evidence, rows, model.predict(rows)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A home whose embedded store exists already: making one costs seconds."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(folder))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        yield environment.home()
    mlflow.set_tracking_uri(None)


@pytest.fixture
def shelf(store):
    """The registry, empty."""
    server = connection.client()
    for model in server.search_registered_models():
        server.delete_registered_model(model.name)
    for experiment in server.search_experiments():
        for run in server.search_runs([experiment.experiment_id]):
            server.delete_run(run.info.run_id)
    return server


def register(trained, fingerprint="f" * 64):
    company, evidence, rows, answer = trained
    return versions.register(company, "hiref", fingerprint, evidence, example=rows, answer=answer)


def aliases(shelf) -> dict[str, str]:
    return {name: str(version) for name, version in shelf.get_registered_model("demo-hiref").aliases.items()}


def test_a_version_is_found_by_its_fingerprint(shelf, trained):
    assert versions.find("demo", "hiref", "f" * 64) is None
    made = register(trained)
    assert versions.find("demo", "hiref", "f" * 64) == made
    assert versions.find("demo", "hiref", "0" * 64) is None
    assert aliases(shelf) == {CHALLENGER: "1"}


def test_artifacts_lie_in_the_home(shelf, trained, store):
    made = register(trained)
    uri = shelf.get_run(made.run_id).info.artifact_uri
    assert uri.startswith((store.artifacts / "demo").as_uri())


def test_promotion_moves_the_alias_and_writes_the_decision(shelf, trained):
    first = promotion.carry_out(register(trained), HELD)
    assert first.decision == "promoted"
    assert aliases(shelf) == {CHAMPION: "1"}
    second = promotion.carry_out(register(trained, "2" * 64), BROKEN)
    assert second.decision == "kept"
    assert aliases(shelf) == {CHAMPION: "1", CHALLENGER: "2"}
    tags = shelf.get_model_version("demo-hiref", "2").tags
    assert tags["decision"] == "kept"
    assert Decision.from_json(tags["decision_reasons"]) == BROKEN
    promotion.carry_out(register(trained, "3" * 64), HELD)
    assert aliases(shelf) == {CHAMPION: "3"}


def test_the_champion_knows_its_settings_and_loads_without_pickle(shelf, trained):
    company, _, rows, answer = trained
    assert versions.champion("demo", "hiref") is None
    with pytest.raises(PanelError, match="no champion of 'demo-hiref' yet"):
        versions.load_champion("demo", "hiref")
    promotion.carry_out(register(trained), HELD)
    assert versions.champion("demo", "hiref").settings == company
    model, version = versions.load_champion("demo", "hiref")
    assert version.version == "1"
    wanted = model.metadata.get_input_schema().input_names()
    pd.testing.assert_frame_equal(model.predict(rows[wanted]), answer, check_dtype=False)


def test_a_registry_that_cannot_be_asked_is_not_an_empty_one(shelf, trained, monkeypatch):
    def unreachable(*_):
        raise MlflowException("API request failed: max retries exceeded")

    monkeypatch.setattr(type(shelf), "get_registered_model", unreachable)
    with pytest.raises(MlflowException, match="max retries"):
        versions.champion("demo", "hiref")


def test_settings_of_another_release_leave_a_champion_without_settings(shelf, trained, monkeypatch):
    promotion.carry_out(register(trained), HELD)
    monkeypatch.setattr("tasks.registry.sealing.sealed_text", lambda *_: '{"company": "demo", "retired_key": 1}')
    found = versions.champion("demo", "hiref")
    assert found.version == "1"
    assert found.settings is None


def test_a_refit_of_the_champion_challenges_nobody(shelf, trained):
    promotion.carry_out(register(trained), HELD)
    register(trained, "2" * 64)
    company, evidence, rows, answer = trained
    refit = versions.register(company, "hiref", "3" * 64, evidence, example=rows, answer=answer, as_challenger=False)
    promotion.carry_out(refit, HELD)
    assert aliases(shelf) == {CHAMPION: "3", CHALLENGER: "2"}


def test_rolling_back_puts_the_champion_before_it_back(shelf, trained):
    with pytest.raises(PanelError, match="has no champion to roll back from"):
        promotion.roll_back("demo", "hiref")
    promotion.carry_out(register(trained), HELD)
    with pytest.raises(PanelError, match="it was the first"):
        promotion.roll_back("demo", "hiref")
    promotion.carry_out(register(trained, "2" * 64), BROKEN)
    promotion.carry_out(register(trained, "3" * 64), HELD)
    before, now = promotion.roll_back("demo", "hiref")
    assert (before.version, now.version) == ("3", "1")  # 2 was never champion
    assert aliases(shelf)[CHAMPION] == "1"
    assert shelf.get_model_version("demo-hiref", "3").tags["rolled_back_to"] == "1"
    promotion.roll_back("demo", "hiref", to="3")
    assert aliases(shelf)[CHAMPION] == "3"
    with pytest.raises(PanelError, match="cannot go back to version 9 from 3; other versions: 1, 2"):
        promotion.roll_back("demo", "hiref", to="9")


def test_a_driver_may_have_any_name(shelf, trained):
    company, evidence, rows, answer = trained
    raw = company.model_dump(mode="json")
    raw["sales"]["drivers"][1]["name"] = "promotion (%) & more"
    rows = rows.rename(columns={"promotion": "promotion (%) & more"})
    made = versions.register(parse_company(raw), "hiref", "9" * 64, evidence, example=rows, answer=answer)
    assert "sales.driver.promotion (_) _ more".replace("(", "_").replace(")", "_") in shelf.get_run(made.run_id).data.params


def test_a_deleted_experiment_comes_back(shelf, trained):
    register(trained)
    shelf.delete_experiment(shelf.get_experiment_by_name("demo").experiment_id)
    register(trained, "2" * 64)
    assert shelf.get_experiment_by_name("demo").lifecycle_stage == "active"


def test_a_registration_that_dies_leaves_a_failed_run_and_no_version(shelf, trained, monkeypatch):
    def die(**_):
        raise OSError("disk full")

    monkeypatch.setattr("mlflow.pyfunc.log_model", die)
    with pytest.raises(OSError, match="disk full"):
        register(trained)
    assert shelf.search_model_versions() == []
    runs = shelf.search_runs([shelf.get_experiment_by_name("demo").experiment_id])
    assert [run.info.status for run in runs] == ["FAILED"]


def test_a_stopped_run_keeps_its_report(shelf, trained):
    _, evidence, _, _ = trained
    run_id = versions.log_stopped_run("demo", evidence.checks, "unique_keys: 1 row repeats a key")
    run = shelf.get_run(run_id)
    assert run.info.status == "FAILED"
    assert [file.path for file in shelf.list_artifacts(run_id, "checks")] == ["checks/report.html"]
    assert shelf.search_model_versions() == []
