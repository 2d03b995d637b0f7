"""Recovery knows its truths: made companies add up, and the file's returns are ours but for what comes after its end."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.precision_recovery import (
    DATA,
    LEVEL,
    NEAR_ONE,
    UNIT,
    covered,
    distance_in_errors,
    inside,
    made_problem,
    make_companies,
    read_national,
)
from hierforecast.precision.adstock import geometric


@pytest.fixture(scope="module")
def problem():
    return made_problem()


@pytest.fixture(scope="module")
def companies(problem):
    return make_companies(problem, 4, seed=2)


def test_made_targets_have_the_scale_of_the_priors(companies):
    for made in companies:
        assert NEAR_ONE[0] <= made.panel["revenue"].std(ddof=0) / UNIT <= NEAR_ONE[1]
        assert made.panel["revenue"].mean() == pytest.approx(LEVEL, abs=3 * UNIT)


def test_made_companies_differ_and_follow_their_seed(problem, companies):
    again, other = make_companies(problem, 4, seed=2), make_companies(problem, 1, seed=3)
    pd.testing.assert_frame_equal(companies[1].panel, again[1].panel)
    assert not np.allclose(companies[0].panel["revenue"], companies[1].panel["revenue"])
    assert not np.allclose(companies[0].panel["revenue"], other[0].panel["revenue"])


def test_true_returns_are_contributions_and_what_comes_after_the_end(companies):
    for made in companies:
        for name, decay in made.truth["decay"].items():
            spend = made.panel[f"{name}_spend"].to_numpy()
            long = np.concatenate([spend, np.zeros(400)])
            carried = geometric(long, np.array(decay))
            seen = carried[: len(spend)].sum() / carried.sum()
            brought = made.truth["roi"][name] * spend.sum() * seen
            assert brought == pytest.approx(made.truth["contribution"][name])


class Told:
    """A model that answers with given tables."""

    def __init__(self, truth, width):
        self.truth, self.width = truth, width
        self.hierarchy = type("Tree", (), {"levels": ("tactical",)})

    def table(self, kind, key):
        values = self.truth[kind]
        table = pd.DataFrame(
            {key: values.index, "level": "tactical", "lower": values - self.width, "upper": values + self.width}
        )
        return table.sample(frac=1, random_state=1)  # another order than the truth's

    def decay(self):
        return self.table("decay", "tactical")

    def contribution_totals(self):
        return self.table("contribution", "node")

    def decisions(self):
        return self

    def roi(self):
        return self.table("roi", "node")


def test_coverage_compares_every_truth_with_its_own_interval(companies):
    near = covered(Told(companies[0].truth, 1e-9), companies[0])
    assert {kind: found.mean() for kind, found in near.items()} == {"decay": 1.0, "roi": 1.0, "contribution": 1.0}
    assert not any(found.any() for found in covered(Told(companies[0].truth, -1e-9), companies[0]).values())


def test_inside_includes_the_ends():
    table = pd.DataFrame({"lower": [0.0, 0.0, 0.5], "upper": [1.0, 1.0, 1.0]}, index=list("abc"))
    assert inside(table, pd.Series([0.0, 1.1, 0.4], index=list("abc"))).tolist() == [True, False, False]


def test_distances_are_each_quantitys_own():
    scale, shift = np.array([1.0, 10.0, 100.0]), np.array([0.0, 0.0, 50.0])
    one, other = (np.random.default_rng(seed).normal(size=(4, 500, 3)) * scale for seed in (1, 2))
    found = distance_in_errors(one, other + shift)
    assert found.shape == (3,)
    assert np.abs(found[:2]).max() < 3.5
    assert found[2] == pytest.approx(50 / (100 * np.sqrt(2 / 2000)), abs=3.5)


def test_the_files_returns_are_ours_less_what_comes_after_its_end():
    if not DATA.is_dir():
        pytest.skip(f"the national test data are not at {DATA}")
    national = read_national(DATA)
    after = national.truth["in full"] / national.truth["at the end"] - 1
    assert (after > -0.005).all()
    assert after.max() < 0.02
    spend = national.panel[list(national.hierarchy.tacticals)].sum()
    np.testing.assert_allclose(national.truth["contribution"], national.truth["at the end"] * spend, rtol=0.01)
