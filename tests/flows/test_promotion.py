"""Real models, real gates and a real registry, without a Prefect server: worse is refused, better is promoted, back is back."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import mlflow
import pandas as pd
import pytest
import yaml
from prefect import Task

from flows.approve import approve
from flows.order import Outcome
from flows.retrain import retrain
from flows.rollback import rollback
from hierforecast import synthetic
from hierforecast.settings import parse_company
from tasks import environment, hiref, panels, shelving
from tasks.checks import CheckedPanel
from tasks.registry import connection, versions

pytestmark = pytest.mark.slow

STARVED = {"seasonality": 0, "trend": False, "recent_level": False, "ridge": 1e6}


def bodies(module) -> SimpleNamespace:
    """A module whose tasks are plain functions."""
    return SimpleNamespace(**{name: part.fn if isinstance(part, Task) else part for name, part in vars(module).items()})


@pytest.fixture(scope="module")
def patch(tmp_path_factory):
    """A home of this module's own; tasks run without Prefect, and with a log of the library's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        for module in ("flows.retrain", "flows.champion", "tasks.hiref", "tasks.evaluation"):
            patch.setattr(f"{module}.get_run_logger", lambda: logging.getLogger("hierforecast"))
        patch.setattr("tasks.check_artifacts.telling", SimpleNamespace(link=lambda *_, **__: None))
        for module in ("retrain", "approve", "rollback"):
            patch.setattr(f"flows.{module}.shelving", bodies(shelving))
        patch.setattr("flows.retrain.illustration", SimpleNamespace(illustrate=lambda *_: None))
        patch.setattr("flows.retrain.reports", SimpleNamespace(tell_decision=lambda *_: None, tell_scores=lambda *_: None))
        yield patch


class Small(NamedTuple):
    """A made company of a few series: its settings file, and what a Monday with other settings makes of it."""

    settings: str
    path: str
    checks: str
    patch: pytest.MonkeyPatch

    def monday(self, *, drop: tuple[str, ...] = (), approval: str = "automatic", **training) -> Outcome:
        raw = yaml.safe_load(Path(self.settings).read_text(encoding="utf-8"))
        raw["training"] |= training
        raw["sales"]["drivers"] = [driver for driver in raw["sales"]["drivers"] if driver["name"] not in drop]
        company = parse_company({**raw, "gates": {"approval": approval}})
        passed = SimpleNamespace(check=lambda _, panel, **__: CheckedPanel(panel=panel, report=self.checks, checks=0))
        self.patch.setattr("flows.champion.checks", passed)
        self.patch.setattr("flows.champion.panels", bodies(panels))
        panel = panels.ingest.fn(company, "sales", settings=self.settings, given=self.path)
        return retrain(bodies(hiref), company, passed.check(company, panel))

    def forecast(self) -> pd.DataFrame:
        """The champion's forecast of the last weeks."""
        model, _ = versions.load_champion("small", "hiref")
        rows = pd.read_parquet(self.path)
        return model.predict(rows[rows["week"] >= rows["week"].max() - pd.Timedelta(weeks=5)])


@pytest.fixture(scope="module")
def small(patch, root, tmp_path_factory) -> Small:
    folder = tmp_path_factory.mktemp("small")
    sales = synthetic.company(3, weeks=104).sales
    sales = sales[sales["region"].isin(["North", "South"]) & (sales["segment"] == "Premium") & sales["units"].notna()]
    sales.to_parquet(folder / "sales.parquet", index=False)
    raw = yaml.safe_load((root / "deployments/demo.yaml").read_text())
    del raw["media"], raw["simulation"], raw["gates"]
    (folder / "small.yaml").write_text(yaml.safe_dump({**raw, "company": "small"}))
    (folder / "checks").mkdir()
    (folder / "checks/report.html").write_text("<p>fine</p>")
    return Small(str(folder / "small.yaml"), str(folder / "sales.parquet"), str(folder / "checks"), patch)


@pytest.fixture(scope="module")
def story(small):
    """A modest first champion, a challenger made worse on purpose, and a better one."""
    first = small.monday(drop=("price",))
    before = small.forecast()
    worse = small.monday(drop=("price",), **STARVED)
    between = small.forecast()
    better = small.monday()
    return SimpleNamespace(first=first, before=before, worse=worse, between=between, better=better, after=small.forecast())


def decision_of(outcome: Outcome) -> dict:
    return json.loads(mlflow.artifacts.load_text(f"runs:/{outcome.version.run_id}/decision.json"))


def test_a_challenger_made_worse_on_purpose_is_refused_with_its_reason(story):
    print(story.worse.summary)
    assert story.first.version.decision == "promoted"
    assert story.worse.version.decision == "kept"
    assert "kept out: bottom WAPE after the cutoff is " in story.worse.summary
    assert "worse than the champion by more than 0.01 in " in story.worse.summary
    assert "(one-sided Wilcoxon test)" in story.worse.summary
    pd.testing.assert_frame_equal(story.between, story.before, check_exact=True)
    told = versions.find("small", "hiref", story.worse.version.fingerprint)
    assert told.told.startswith("Kept out: bottom WAPE after the cutoff is ")
    assert decision_of(story.worse)["verdict"] == "kept"


def test_a_better_one_is_promoted(story):
    print(story.better.summary, [gate["sentence"] for gate in decision_of(story.better)["gates"]])
    assert story.better.version.decision == "promoted"
    gates = {gate["gate"]: gate for gate in decision_of(story.better)["gates"]}
    assert gates["bottom WAPE"]["value"] < gates["bottom WAPE"]["limit"] - 0.01  # better than the champion, not just not worse
    assert gates["paired test"]["value"] > 0.5
    assert not story.after.equals(story.before)


def test_rolling_back_and_forward_restores_forecasts_bit_for_bit(small, story):
    said = rollback.fn(small.settings, "hiref", reason="to see it")
    assert said == "small-hiref: version 1 is champion again, in place of version 3"
    pd.testing.assert_frame_equal(small.forecast(), story.before, check_exact=True)
    again = small.monday()
    assert "version 3 was promoted before, and now version 1 is champion" in again.summary
    rollback.fn(small.settings, "hiref", to="3")
    pd.testing.assert_frame_equal(small.forecast(), story.after, check_exact=True)


def test_with_manual_approval_a_version_waits_for_the_command(small, story):
    waits = small.monday(approval="manual", ridge=1.2)
    assert waits.version.decision == "waiting"
    command = f"python -m flows.approve --settings YOUR.yaml --family hiref --version {waits.version.version}"
    assert command in waits.summary
    again = small.monday(approval="manual", ridge=1.2)
    assert (again.made, again.version.version) == (False, waits.version.version)
    assert "waits for approval" in again.summary
    pd.testing.assert_frame_equal(small.forecast(), story.after, check_exact=True)
    said = approve.fn(small.settings, "hiref", by="anna", reason="looks right")
    assert said == f"small-hiref: version {waits.version.version} is approved and champion now"
    aliases = connection.client().get_registered_model("small-hiref").aliases
    assert {name: str(number) for name, number in aliases.items()}["champion"] == waits.version.version
    assert small.monday(approval="manual", ridge=1.2).summary == f"unchanged: version {waits.version.version} stands"


def test_the_home_is_the_tests_own(small):
    assert str(environment.home().root) in connection.client().get_experiment_by_name("small").artifact_location
