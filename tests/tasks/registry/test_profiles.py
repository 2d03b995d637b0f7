"""What the champion was trained on is found again from its run's artifacts; the store of artifacts stands in."""

import json
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException

from expectations.history.profile import PROFILE, profile_of
from expectations.panel_view import PanelView
from hierforecast import synthetic
from hierforecast.settings import read_company
from tasks.registry import profiles
from tasks.registry.records import Version


@pytest.fixture(scope="module")
def profile(root):
    panel = read_company(root / "deployments/demo.yaml").sales
    made = synthetic.company(1, weeks=60).sales
    return profile_of(PanelView(made, tuple(panel.levels), panel.period, panel.frequency), panel)


@pytest.fixture
def kept(monkeypatch):
    """A champion whose run keeps these texts below `checks`."""

    def keep(**texts: str) -> None:
        champion = Version(name="demo-hiref", version="3", run_id="r", fingerprint="f", decision="promoted")
        files = [SimpleNamespace(path=f"checks/{name}.json") for name in texts]
        monkeypatch.setattr("tasks.registry.versions.champion", lambda *_: champion)
        monkeypatch.setattr(profiles, "client", lambda: SimpleNamespace(list_artifacts=lambda *_: files))
        monkeypatch.setattr(
            "tasks.registry.sealing.sealed_text", lambda _, path: texts[path.removeprefix("checks/").removesuffix(".json")]
        )

    return keep


def test_a_profile_comes_back_as_it_was_written(kept, profile):
    assert PROFILE == "profile.json"
    kept(report="{}", profile=profile.model_dump_json(indent=1))
    assert profiles.champion_profile("demo", "hiref") == profile


def test_no_champion_and_a_champion_without_a_profile_are_nothing_to_compare_with(kept, monkeypatch):
    kept(report="{}")
    assert profiles.champion_profile("demo", "hiref") is None
    monkeypatch.setattr("tasks.registry.versions.champion", lambda *_: None)
    assert profiles.champion_profile("demo", "hiref") is None


@pytest.mark.parametrize("text", ["{}", "no json", json.dumps({"target": 1})])
def test_a_profile_that_this_release_cannot_read_is_none(kept, text, caplog):
    kept(profile=text)
    assert profiles.champion_profile("demo", "hiref") is None
    assert "cannot be read" in caplog.text


def test_a_registry_that_is_gone_is_not_the_same_as_no_champion(monkeypatch):
    def gone(*_):
        raise MlflowException("down")

    monkeypatch.setattr("tasks.registry.versions.champion", gone)
    with pytest.raises(MlflowException, match="down"):
        profiles.champion_profile("demo", "hiref")
