"""The shelf on a real embedded store: what is logged, found again, loaded, and what a stopped run leaves."""

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from hierforecast.errors import PanelError
from hierforecast.settings import parse_company
from tasks.registry import promotion, versions
from tasks.registry.records import CHALLENGER
from tests.support.shelf import HELD, aliases, register


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
