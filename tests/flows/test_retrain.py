"""Who is judged against whom, what is registered under which alias, and what a rerun does. Real gates, no models."""

import itertools
from types import SimpleNamespace

import pytest
import yaml

from flows.retrain import retrain
from hierforecast.errors import PanelError
from hierforecast.gates import Decision, Rival, decide_hiref
from hierforecast.schema import Company
from hierforecast.settings import parse_company
from tasks.checks import CheckedPanel
from tasks.evaluation import Score
from tasks.panels import PanelReference
from tasks.registry.records import Version
from tasks.trained import Trained


class Shelf:
    """A registry in memory, with the rules of the real one: aliases, decisions, one version per fingerprint."""

    def __init__(self) -> None:
        self.versions: list[Version] = []
        self.champion: str | None = None
        self.challenger: str | None = None
        self.decisions: dict[str, Decision] = {}

    def find_champion(self, company, family):
        return next((version for version in self.versions if version.version == self.champion), None)

    def find_version(self, company, family, key):
        return next((version for version in self.versions if version.fingerprint == key), None)

    def register_version(self, company, panel, family, key, trained, score, *, tables, plots, checks, as_challenger):
        made = Version(
            name="demo-hiref", version=str(len(self.versions) + 1), run_id="r", fingerprint=key, decision=None, settings=company
        )
        self.versions.append(made)
        self.challenger = made.version if as_challenger else self.challenger
        return made

    def promote(self, version, decision):
        decision = Decision.from_json(decision)
        self.decisions[version.version] = decision
        if decision.promoted:
            self.champion = version.version
            self.challenger = None if self.challenger == version.version else self.challenger
        decided = version.model_copy(update={"decision": decision.verdict})
        self.versions = [decided if old.version == version.version else old for old in self.versions]
        return decided


class Accuracy:
    """A family whose WAPE is written into its settings: 100 iterations are a WAPE of 0.100."""

    FAMILY, PANEL = "hiref", "sales"

    def __init__(self) -> None:
        self.fitted: list[bool] = []

    def panel_of(self, company: Company):
        return company.sales

    def fit(self, company, panel, key, *, until_cutoff):
        self.fitted.append(until_cutoff)
        return Trained(folder="f", trained_from="a", trained_to="b", diagnostics={})

    def score(self, company, panel, key, trained):
        return Score(wape=company.training.iterations / 1000, bias=0.0, cutoff="2024-01-01", scores="s", holdout="h")

    def tabulate(self, company, panel, key, trained, score):
        return "tables"

    def decide(self, company, trained, score, rival: Rival):
        return decide_hiref(company.gates.hiref, wape=score.wape, bias=score.bias, wrong_signs=0.0, rival=rival)


@pytest.fixture
def shelf(monkeypatch, quiet) -> Shelf:
    shelf = Shelf()
    monkeypatch.setattr("flows.retrain.shelving", shelf)
    monkeypatch.setattr("flows.retrain.illustration", SimpleNamespace(illustrate=lambda *_: "plots"))
    monkeypatch.setattr("flows.retrain.reports", SimpleNamespace(tell_decision=lambda *_: None, tell_scores=lambda *_: None))
    return shelf


@pytest.fixture
def monday(shelf, monkeypatch, root):
    """`monday(iterations=..., data=..., **sales)`: a retrain with these settings on this data; what came of it."""
    raw = yaml.safe_load((root / "deployments/demo.yaml").read_text())
    family = Accuracy()
    digests = itertools.count()

    def run(*, iterations: int, data: str = "first", tolerance: float = 0.01, **sales):
        changed = {**raw, "training": {"iterations": iterations}, "gates": {"hiref": {"max_wape_increase": tolerance}}}
        changed["sales"] = {**raw["sales"], **sales}
        company = parse_company(changed)
        panel = PanelReference(family="sales", path="p", digest=data, rows=next(digests))
        monkeypatch.setattr("flows.champion.panels", SimpleNamespace(ingest=lambda *_, **__: panel))
        checked = CheckedPanel(panel=panel, report="r", checks=1)
        monkeypatch.setattr("flows.champion.checks", SimpleNamespace(check=lambda *_, **__: checked))
        return retrain(family, company, checked)

    run.family = family
    return run


def test_the_first_version_is_champion(shelf, monday):
    outcome = monday(iterations=100)
    assert outcome.made
    assert (shelf.champion, shelf.challenger) == ("1", None)
    assert "there is no champion to beat" in shelf.decisions["1"].results[0].sentence
    assert monday.family.fitted == [True, False]


def test_unchanged_data_train_nothing(shelf, monday):
    monday(iterations=100)
    again = monday(iterations=100)
    assert not again.made
    assert again.summary == "unchanged: version 1 stands"
    assert len(monday.family.fitted) == 2


def test_a_worse_challenger_is_kept_out_and_the_champion_refitted_on_new_data(shelf, monday):
    monday(iterations=100)
    outcome = monday(iterations=200, data="second")
    assert outcome.version.version == "2"
    assert outcome.version.decision == "kept"
    assert "the champion's settings reach 0.1" in outcome.summary
    assert (shelf.champion, shelf.challenger) == ("3", "2")  # 3 is the champion's settings on the second data
    assert shelf.versions[2].settings.training.iterations == 100


def test_a_kept_challenger_is_judged_again_when_its_gate_moves(shelf, monday):
    monday(iterations=100)
    monday(iterations=200)
    assert shelf.champion == "1"
    again = monday(iterations=200, tolerance=0.5)
    assert not again.made
    assert again.version.decision == "promoted"
    assert (shelf.champion, shelf.challenger) == ("2", None)
    assert len(shelf.versions) == 2


def test_a_version_that_was_rolled_back_is_not_put_back_by_a_rerun(shelf, monday):
    monday(iterations=100)
    monday(iterations=90)
    shelf.champion = "1"
    again = monday(iterations=90)
    assert shelf.champion == "1"
    assert "version 2 was promoted before, and now version 1 is champion" in again.summary


def test_a_version_whose_run_died_before_it_was_judged_is_judged(shelf, monday):
    monday(iterations=100)
    shelf.versions = [version.model_copy(update={"decision": None}) for version in shelf.versions]
    shelf.champion, shelf.challenger = None, "1"
    outcome = monday(iterations=100)
    assert (shelf.champion, shelf.challenger) == ("1", None)
    assert outcome.version.decision == "promoted"
    assert len(shelf.versions) == 1


def test_the_champions_refit_after_a_died_run_is_made_up_for(shelf, monday):
    monday(iterations=100)
    monday(iterations=200, data="second")
    shelf.versions.pop()  # the run died between the decision on 2 and the refit
    shelf.champion = "1"
    monday(iterations=200, data="second")
    assert shelf.champion == "3"
    assert shelf.challenger == "2"


@pytest.mark.parametrize("sales", [{"levels": ["region", "state", "segment", "brand", "pack", "sku"]}, {"target": "volume"}])
def test_other_targets_or_levels_are_not_compared(shelf, monday, sales):
    monday(iterations=100)
    monday(iterations=300, data="second", **sales)
    assert shelf.champion == "2"
    assert "another target or other levels" in shelf.decisions["2"].results[0].sentence


def test_why_the_champion_could_not_be_fitted_is_on_the_version(shelf, monday, monkeypatch):
    monday(iterations=100)

    def broken(*_, **__):
        raise PanelError("no column 'price'")

    monkeypatch.setattr("flows.retrain.as_rival", _with_broken_data(broken, monkeypatch))
    monday(iterations=300, data="second")
    assert shelf.champion == "2"
    assert "cannot be fitted to today's panel (no column 'price')" in shelf.decisions["2"].results[0].sentence


def _with_broken_data(broken, monkeypatch):
    from flows.champion import as_rival

    def judged(*arguments):
        monkeypatch.setattr("flows.champion.panels", SimpleNamespace(ingest=broken))
        return as_rival(*arguments)

    return judged
