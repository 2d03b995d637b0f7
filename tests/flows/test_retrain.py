"""Who is judged against whom, what is registered under which alias, and what a rerun does. Real gates, no models."""

import itertools
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from flows.retrain import retrain
from hierforecast.errors import HomeError, ModelFolderError, NoRoomError, PanelError, RegistryError, SealError
from hierforecast.gates import DataFindings, Decision, Rival, decide_hiref
from hierforecast.schema import Company
from hierforecast.settings import parse_company
from tasks.checks import CheckedPanel
from tasks.evaluation import Score, wape_by_level
from tasks.outages import OutageError
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
        self.meanwhile: list[str] = []  # versions that somebody else makes champion, just before a decision is carried out

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

    def promote(self, version, decision, expected_champion):
        if self.meanwhile:
            self.champion = self.meanwhile.pop(0)
        if self.champion not in (expected_champion, version.version):
            return None
        decision = Decision.from_json(decision)
        self.decisions[version.version] = decision
        if decision.promoted:
            self.champion = version.version
            self.challenger = None if self.challenger == version.version else self.challenger
        elif decision.verdict == "waiting":
            self.challenger = version.version
        return self.decide(version, decision.verdict, judged_against=expected_champion)

    def decide(self, version, decision, **changes):
        decided = version.model_copy(update={"decision": decision, **changes})
        self.versions = [decided if old.version == version.version else old for old in self.versions]
        return decided


class Accuracy:
    """A family whose WAPE is written into its settings: 100 iterations are a WAPE of 0.100, in each of twelve series."""

    FAMILY, PANEL = "hiref", "sales"

    def __init__(self, folder) -> None:
        self.folder = folder
        self.fitted: list[bool] = []

    def panel_of(self, company: Company):
        return company.sales

    def fit(self, company, panel, key, *, until_cutoff):
        self.fitted.append(until_cutoff)
        return Trained(folder="f", trained_from="a", trained_to="b", diagnostics={})

    def score(self, company, panel, key, trained):
        wape = company.training.iterations / 1000
        scores, holdout = (self.folder / f"{name}-{wape}.parquet" for name in ("scores", "holdout"))
        pd.DataFrame({"level": ["bottom", "total"], "wape": [wape, wape]}).to_parquet(scores)
        cells = {level: [f"{level} {number}" for number in range(12)] for level in company.sales.levels}
        table = pd.DataFrame({**cells, "period": pd.Timestamp("2024-01-08"), "actual": 100.0, "forecast": 100 * (1 + wape)})
        table.to_parquet(holdout)
        return Score(wape=wape, bias=0.0, cutoff="2024-01-01", scores=str(scores), holdout=str(holdout))

    def tabulate(self, company, panel, key, trained, score):
        return "tables"

    def decide(self, company, trained, score, rival: Rival, data: DataFindings):
        numbers = {"wape": wape_by_level(score), "bias": score.bias, "wrong_signs": 0.0, "rival": rival, "data": data}
        return decide_hiref(company.gates.hiref, **numbers, manual=company.gates.manual("hiref"))


@pytest.fixture
def shelf(monkeypatch, quiet) -> Shelf:
    shelf = Shelf()
    monkeypatch.setattr("flows.retrain.shelving", shelf)
    monkeypatch.setattr("flows.retrain.illustration", SimpleNamespace(illustrate=lambda *_: "plots"))
    monkeypatch.setattr("flows.retrain.reports", SimpleNamespace(tell_decision=lambda *_: None, tell_scores=lambda *_: None))
    return shelf


@pytest.fixture
def monday(shelf, monkeypatch, root, tmp_path):
    """`monday(iterations=..., data=..., **sales)`: a retrain with these settings on this data; what came of it."""
    raw = yaml.safe_load((root / "deployments/demo.yaml").read_text())
    family = Accuracy(tmp_path)
    digests = itertools.count()

    def run(*, iterations: int, data: str = "first", tolerance: float = 0.01, approval: str = "automatic", **sales):
        gates = {"hiref": {"max_wape_increase": tolerance}, "approval": approval}
        changed = {**raw, "training": {"iterations": iterations}, "gates": gates}
        changed["sales"] = {**raw["sales"], **sales}
        company = parse_company(changed)
        panel = PanelReference(family="sales", path="p", digest=data, rows=next(digests))
        monkeypatch.setattr("flows.champion.panels", SimpleNamespace(ingest=lambda *_, **__: panel))
        checked = CheckedPanel(panel=panel, report="r", checks=1, drift={"price": 0.11})
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


def test_series_are_paired_with_the_champions(shelf, monday):
    monday(iterations=100)
    monday(iterations=109, tolerance=0.005)
    broken = [result for result in shelf.decisions["2"].results if not result.held]
    assert [result.gate for result in broken] == ["bottom WAPE", "paired test"]
    assert broken[1].sentence.startswith("worse than the champion by more than 0.005 in 12 of 12 series, p = 0.0002")
    assert "largest drift of a driver is 0.11 (price)" in [result.sentence for result in shelf.decisions["2"].results][-1]


def test_a_champion_that_was_moved_meanwhile_is_judged_against_anew(shelf, monday):
    monday(iterations=100)
    monday(iterations=50)
    shelf.champion, shelf.meanwhile = "1", ["2"]  # 80 beats the first, not the second, which somebody else promotes just then
    outcome = monday(iterations=80)
    assert outcome.version.decision == "kept"
    assert "the champion's settings reach 0.05" in outcome.summary
    assert shelf.champion == "2"


def test_a_champion_that_does_not_stand_still_ends_the_run(shelf, monday):
    monday(iterations=100)
    monday(iterations=90)
    shelf.champion, shelf.meanwhile = "1", ["2", "1"]
    with pytest.raises(RegistryError, match="moved twice while version 3 was judged; run again"):
        monday(iterations=80)


def test_a_good_challenger_waits_for_a_person(shelf, monday):
    monday(iterations=100)
    outcome = monday(iterations=90, approval="manual")
    assert (shelf.champion, shelf.challenger) == ("1", "2")
    command = "`python -m flows.approve --settings YOUR.yaml --family hiref --version 2`"
    assert outcome.summary.startswith(f"waiting for approval: every gate held; {command} promotes it")
    fitted = len(monday.family.fitted)
    again = monday(iterations=90, approval="manual")
    assert not again.made
    assert again.summary.startswith(f"unchanged: version 2 waits for approval; {command}")
    assert len(monday.family.fitted) == fitted
    assert len(shelf.versions) == 2


def test_what_waits_is_judged_again_where_the_champion_or_the_rule_is_another(shelf, monday):
    monday(iterations=100)
    monday(iterations=90, approval="manual")
    monday(iterations=50)
    assert shelf.champion == "3"
    assert monday(iterations=90, approval="manual").version.decision == "kept"
    shelf.champion = "1"
    assert monday(iterations=90, approval="manual").version.decision == "waiting"
    assert monday(iterations=90).version.decision == "promoted"
    assert len(shelf.versions) == 3


def test_what_a_person_refused_stays_refused(shelf, monday):
    monday(iterations=100)
    waiting = monday(iterations=90, approval="manual").version
    shelf.decide(waiting, "refused", told="Refused by anna: not before the fair.")
    fitted = len(monday.family.fitted)
    again = monday(iterations=90, approval="manual")
    assert again.summary == "unchanged: Refused by anna: not before the fair."
    assert len(monday.family.fitted) == fitted


def test_a_refit_of_the_champion_waits_too_and_the_summary_says_so(shelf, monday):
    monday(iterations=100)
    outcome = monday(iterations=200, data="second", approval="manual")
    assert outcome.version.decision == "kept"
    assert (shelf.champion, shelf.challenger) == ("1", "3")
    assert "the champion's settings on today's data are version 3, waiting for approval" in outcome.summary
    assert "--family hiref --version 3`" in outcome.summary


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


@pytest.mark.parametrize("error", [OutageError, NoRoomError, HomeError, SealError, ModelFolderError])
def test_what_is_no_fault_of_the_champion_promotes_nobody(shelf, monday, monkeypatch, error):
    monday(iterations=100)

    def gone(*_, **__):
        raise error("as it was fitted")

    monkeypatch.setattr("flows.retrain.as_rival", _with_broken_data(gone, monkeypatch))
    with pytest.raises(error):
        monday(iterations=300, data="second")
    assert shelf.champion == "1"


def _with_broken_data(broken, monkeypatch):
    from flows.champion import as_rival

    def judged(*arguments):
        monkeypatch.setattr("flows.champion.panels", SimpleNamespace(ingest=broken))
        return as_rival(*arguments)

    return judged
