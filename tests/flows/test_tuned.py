"""Nothing that tuning found is promoted where it loses, by however little."""

import pytest

from flows.tuned import stricter
from hierforecast.gates import Rival, decide_hiref
from hierforecast.settings import read_company
from tasks.fingerprint import family_settings
from tasks.tuning import snippet_of


@pytest.fixture
def company(root):
    return read_company(root / "deployments/demo.yaml")


def test_a_tuned_challenger_may_not_lose_at_all(company):
    gate = stricter(company).gates.hiref
    judged = {"bias": 0.0, "wrong_signs": 0.0, "rival": Rival({"bottom": 0.100, "total": 0.02})}
    assert decide_hiref(company.gates.hiref, wape={"bottom": 0.105, "total": 0.02}, **judged).promoted
    assert not decide_hiref(gate, wape={"bottom": 0.1001, "total": 0.02}, **judged).promoted
    assert decide_hiref(gate, wape={"bottom": 0.0999, "total": 0.03}, **judged).promoted


def test_the_stricter_gate_changes_nothing_about_the_model(company):
    assert family_settings(stricter(company), "hiref") == family_settings(company, "hiref")


def test_the_snippet_names_what_was_moved_and_nothing_else(company):
    tuned = company.model_copy(
        update={"training": company.training.model_copy(update={"ridge": {"brand": 2.34567}, "trend": False})}
    )
    assert snippet_of(company, tuned) == "training:\n  ridge:\n    brand: 2.35\n  trend: false\n"
    assert snippet_of(company, company).startswith("#")
