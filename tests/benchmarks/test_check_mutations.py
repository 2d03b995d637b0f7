"""Every mutation of the benchmark, planted once, is stopped in words; a good company is not."""

import pytest

from benchmarks.check_mutations import mutated
from benchmarks.mutations import companies
from benchmarks.mutations.catalogue import MUTATIONS
from benchmarks.mutations.judging import PASSED, judge

NAMES = [f"{each.kind}: {each.name}" for each in MUTATIONS]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))


def test_mutations_have_names_of_their_own():
    assert len(set(NAMES)) == len(NAMES) > 60


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(MUTATIONS)), ids=NAMES)
def test_a_mutated_input_is_stopped_in_words(place, tmp_path):
    found = judge(mutated(MUTATIONS[place], ("first", "second")[place % 2], 7000 + place), tmp_path / "company")
    assert found.stopped, (found.stopped_by, found.warned, found.said)
    assert "Traceback" not in found.said


@pytest.mark.slow
@pytest.mark.parametrize("good", [companies.first, companies.second])
def test_a_good_company_passes(good, tmp_path):
    found = judge(good(3), tmp_path / "company")
    assert found.stopped_by == (PASSED,), found.said
