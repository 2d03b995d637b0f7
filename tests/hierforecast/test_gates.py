import math

import pytest

from hierforecast.gates import Decision, Rival, decide_hiref, decide_precision
from hierforecast.options import HirefGate, PrecisionGate

FIRST = Rival(None, "there is no champion to beat")
GOOD = {"max_rhat": 1.004, "min_ess_bulk": 900.0, "min_ess_tail": 700.0, "divergences": 0, "ebfmi": 0.9}


def hiref(**changes):
    numbers = {"wape": 0.20, "bias": 0.02, "wrong_signs": 0.0, "rival": Rival(0.20), **changes}
    return decide_hiref(HirefGate(), **numbers)


def precision(convergence=GOOD, **changes):
    numbers = {"reasons": [], "wape": 0.05, "rival": FIRST, **changes}
    return decide_precision(PrecisionGate(), convergence=convergence, **numbers)


def test_a_good_challenger_is_promoted():
    assert hiref().promoted
    assert hiref(rival=FIRST).promoted
    assert precision().promoted


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"wape": 0.2101}, "bottom WAPE after the cutoff is 0.2101; the champion's settings reach 0.2"),
        ({"wape": math.nan}, "bottom WAPE"),
        ({"wape": math.nan, "rival": FIRST}, "bottom WAPE"),
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
    assert hiref(wape=0.2099).promoted
    assert not decide_hiref(HirefGate(max_wape_increase=0.005), wape=0.2099, bias=0, wrong_signs=0, rival=Rival(0.2)).promoted


def test_decisions_survive_json():
    for decision in (hiref(), hiref(wape=math.nan), precision()):
        assert Decision.from_json(decision.to_json()) == decision
