import json
import math
import re

import numpy as np
import pytest
import yaml

from hierforecast.errors import SettingsError
from hierforecast.gates import DataFindings, Decision, GateResult, Pairs, Rival, decide_hiref, decide_precision
from hierforecast.options import Gates, HirefGate, PrecisionGate
from hierforecast.settings import parse_company

FIRST = Rival(None, "there is no champion to beat")
GOOD = {"max_rhat": 1.004, "min_ess_bulk": 900.0, "min_ess_tail": 700.0, "divergences": 0, "ebfmi": 0.9}


def wape(bottom, total=0.05):
    return {"bottom": bottom, "total": total}


def hiref(**changes):
    numbers = {"wape": wape(0.20), "bias": 0.02, "wrong_signs": 0.0, "rival": Rival(wape(0.20)), **changes}
    return decide_hiref(HirefGate(), **numbers)


def precision(convergence=GOOD, **changes):
    numbers = {"reasons": [], "wape": {"total": 0.05}, "rival": FIRST, **changes}
    return decide_precision(PrecisionGate(), convergence=convergence, **numbers)


def test_a_good_challenger_is_promoted():
    assert hiref().promoted
    assert hiref(rival=FIRST).promoted
    assert precision().promoted


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"wape": wape(0.2101)}, "bottom WAPE after the cutoff is 0.2101; the champion's settings reach 0.2"),
        ({"wape": wape(math.nan)}, "bottom WAPE"),
        ({"wape": wape(math.nan), "rival": FIRST}, "bottom WAPE"),
        ({"wape": wape(0.2, total=0.0701)}, "total WAPE after the cutoff is 0.0701; the champion's settings reach 0.05"),
        ({"bias": -0.3}, "absolute bias of the total is 0.3, at most 0.25 is allowed"),
        ({"wrong_signs": 0.001}, "share of wrong signs is 0.001, at most 0 is allowed"),
    ],
)
def test_each_hiref_gate_keeps_out_by_itself(changes, sentence):
    decision = hiref(**changes)
    assert decision.verdict == "kept"
    assert sum(not result.held for result in decision.results) == 1
    assert sentence in decision.summary


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_rhat", 1.02),
        ("max_rhat", math.nan),
        ("min_ess_bulk", 399),
        ("min_ess_tail", 10),
        ("divergences", 1),
        ("ebfmi", 0.2),
    ],
)
def test_chains_that_did_not_converge_are_kept_out(name, value):
    reasons = [f"{about} of decay[spot_prime] is bad" for about in ("R-hat", "bulk ESS", "tail ESS")]
    decision = precision({**GOOD, name: value}, reasons=reasons)
    assert decision.verdict == "kept"
    named = {"max_rhat": "R-hat of decay", "min_ess_bulk": "bulk ESS of decay", "min_ess_tail": "tail ESS of decay"}
    named |= {"divergences": "divergences is 1", "ebfmi": "E-BFMI is 0.2, at least 0.3"}
    assert named.get(name, "R-hat of decay") in decision.summary


def test_why_there_was_no_comparison_is_written_down():
    decision = hiref(rival=Rival(None, "the champion has another target"))
    assert decision.promoted
    assert "the champion has another target" in decision.results[0].sentence


def test_tolerance_is_the_declared_one():
    assert hiref(wape=wape(0.2099)).promoted
    judged = {"wape": wape(0.2099), "bias": 0, "wrong_signs": 0, "rival": Rival(wape(0.2))}
    assert not decide_hiref(HirefGate(max_wape_increase=0.005), **judged).promoted


@pytest.mark.parametrize(
    ("declared", "completed"),
    [
        (0.01, {"bottom": 0.01, "total": 0.02}),
        (0.5, {"bottom": 0.5, "total": 0.5}),
        ({"brand": 0.03}, {"bottom": 0.01, "brand": 0.03, "total": 0.02}),
        ({"bottom": 0.0, "total": 0.001}, {"bottom": 0.0, "total": 0.001}),
    ],
)
def test_a_tolerance_is_one_number_or_one_per_level(declared, completed):
    assert HirefGate(max_wape_increase=declared).max_wape_increase == completed


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        (
            {"hiref": {"max_wape_increase": {"brnd": 0.1}}},
            "gates.hiref.max_wape_increase names the level 'brnd'; did you mean 'brand'?",
        ),
        ({"precision": {"max_wape_increase": {"bottom": 0.1}}}, "names the level 'bottom'; valid names: total"),
        (
            {"hiref": {"max_wape_increase": "small"}},
            "a number, or one for each level such as {bottom: 0.02}, got 'small'",
        ),
        (
            {"hiref": {"max_wape_increase": {"brand": -0.1}}},
            "hiref.max_wape_increase.brand: input should be greater than",
        ),
        ({"approval": "never"}, "gates.approval: input should be 'automatic' or 'manual', got 'never'"),
    ],
)
def test_mistakes_in_gates_are_named(root, gates, message):
    raw = yaml.safe_load((root / "deployments/demo.yaml").read_text())
    with pytest.raises(SettingsError, match=re.escape(message)):
        parse_company({**raw, "gates": gates})


def test_a_family_may_have_its_own_rule_about_who_decides():
    gates = Gates(approval="manual", hiref={"approval": "automatic"})
    assert (gates.manual("hiref"), gates.manual("precision")) == (False, True)
    assert not Gates().manual("hiref")


def test_each_level_has_its_own_tolerance():
    gate = HirefGate(max_wape_increase={"brand": 0.02})
    judged = {"bias": 0, "wrong_signs": 0, "rival": Rival({**wape(0.2), "brand": 0.1})}
    assert decide_hiref(gate, wape={**wape(0.2), "brand": 0.119}, **judged).promoted
    refused = decide_hiref(gate, wape={**wape(0.2), "brand": 0.121}, **judged)
    assert refused.summary == (
        "kept out: brand WAPE after the cutoff is 0.121; the champion's settings reach 0.1, at most 0.12 is allowed"
    )


def test_a_champion_without_a_level_is_not_compared_there():
    gate = HirefGate(max_wape_increase={"brand": 0.02})
    decision = decide_hiref(gate, wape={**wape(0.2), "brand": 0.5}, bias=0, wrong_signs=0, rival=Rival(wape(0.2)))
    assert decision.promoted
    assert any("brand WAPE" in result.gate and "no number there" in result.sentence for result in decision.results)


def test_most_series_worse_is_refused_although_their_sum_is_not():
    """Thirty small series lose, two large ones win: the sum is the champion's, the people who plan the thirty lose."""
    champion = np.full(32, 0.2)
    challenger = champion + np.r_[np.linspace(0.03, 0.06, 30), -0.1, -0.1]
    rival = Rival(wape(0.2), pairs=Pairs(challenger, champion))
    decision = hiref(rival=rival)
    assert [result.gate for result in decision.results if not result.held] == ["paired test"]
    assert "worse than the champion by more than 0.01 in 30 of 32 series, p = " in decision.summary
    assert hiref(rival=Rival(wape(0.2), pairs=Pairs(champion, challenger))).promoted


def test_what_counts_as_worse_in_a_series_can_be_declared():
    champion = np.full(40, 0.2)
    rival = Rival(wape(0.2), pairs=Pairs(champion + 0.015, champion))
    judged = {"wape": wape(0.2), "bias": 0, "wrong_signs": 0, "rival": rival}
    assert not decide_hiref(HirefGate(), **judged).promoted
    assert decide_hiref(HirefGate(worse_by=0.02), **judged).promoted
    assert decide_hiref(HirefGate(max_wape_increase=0.0, worse_by=0.02), **judged).promoted


def test_drift_is_told_and_judged_where_there_is_a_limit():
    data = DataFindings({"price": 0.4, "promotion": 0.1}, warnings=2)
    told = hiref(data=data)
    assert told.promoted
    assert [result.sentence for result in told.results[-2:]] == [
        "largest drift of a driver is 0.4 (price), told and not judged",
        "checks of the data that warn: 2, see their report",
    ]
    judged = {"wape": wape(0.2), "bias": 0, "wrong_signs": 0, "rival": FIRST}
    refused = decide_hiref(HirefGate(max_drift=0.25), **judged, data=data)
    assert refused.summary == "kept out: largest drift of a driver is 0.4, at most 0.25 is allowed (price)"
    assert decide_hiref(HirefGate(max_drift=0.25), **judged).promoted


def test_a_person_has_the_last_word_about_what_holds_every_gate():
    waiting, kept = hiref(manual=True), hiref(manual=True, bias=0.9)
    assert (waiting.verdict, waiting.promoted, waiting.held) == ("waiting", False, True)
    assert kept.verdict == "kept"
    assert waiting.sentence.startswith("Waiting for approval: every gate held; bottom WAPE after the cutoff is 0.2;")


def test_reasons_fit_into_a_tag_with_what_was_broken_first():
    results = [GateResult(f"gate {number}", 1.0, 2.0, number != 40, "word " * 100) for number in range(60)]
    decision = Decision(tuple(results))
    short = decision.reasons(most=5000)
    assert len(short) <= 5000
    assert "gate 40" in [fields["gate"] for fields in json.loads(short)]
    assert json.loads(hiref().reasons())[0]["gate"] == "bottom WAPE"
    assert len(json.loads(hiref().reasons())) == len(hiref().results)


def test_decisions_survive_json():
    for decision in (hiref(), hiref(wape=wape(math.nan)), precision(), hiref(manual=True)):
        assert Decision.from_json(decision.to_json()) == decision
