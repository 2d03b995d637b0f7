"""The paired test against every choice of signs, against known data, and by how often it is wrong."""

import itertools

import numpy as np
import pandas as pd
import pytest

from hierforecast.gates import Pairs, Rival, pair_errors
from hierforecast.gates.paired import judge_pairs, worse_in_most


def pairs_of(differences):
    champion = np.full(len(differences), 0.2)
    return Pairs(champion + differences, champion)


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_are_those_of_every_choice_of_signs(seed):
    differences = np.random.default_rng(seed).normal(0.02, 0.05, 9)
    ranks = np.abs(differences).argsort().argsort() + 1
    observed = ranks[differences > 0].sum()
    sums = [sum(chosen) for size in range(10) for chosen in itertools.combinations(range(1, 10), size)]
    exact = np.mean([total >= observed for total in sums])
    assert worse_in_most(pairs_of(differences), 0.0).probability == pytest.approx(exact)


def test_darwins_plants():
    """Cross- less self-fertilised, fifteen pairs in eighths of an inch; the negative ranks sum to 24."""
    differences = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)
    found = worse_in_most(pairs_of(differences), 0.0)
    assert (found.worse, found.pairs) == (13, 15)
    assert found.probability == pytest.approx(0.0206, abs=2e-3)


def test_equal_models_are_refused_as_rarely_as_declared():
    rng = np.random.default_rng(1)
    refused = [
        not judge_pairs(Rival({}, pairs=pairs_of(rng.normal(0, 0.1, 60))), tolerance=0.0, alpha=0.05).held for _ in range(400)
    ]
    assert 0.02 < np.mean(refused) < 0.09


def test_a_loss_within_the_tolerance_never_counts():
    held = judge_pairs(Rival({}, pairs=pairs_of(np.full(500, 0.009))), tolerance=0.01, alpha=0.01)
    assert held.held
    assert held.sentence == "worse than the champion by more than 0.01 in 0 of 500 series, p = 1"
    lost = judge_pairs(Rival({}, pairs=pairs_of(np.full(500, 0.011))), tolerance=0.01, alpha=0.01)
    assert not lost.held
    assert lost.value < 1e-50
    assert lost.sentence.endswith("in 500 of 500 series, p = 4.8e-111, below 0.01 (one-sided Wilcoxon test)")


def test_a_few_wild_series_do_not_decide():
    differences = np.r_[np.full(40, -0.02), [50.0, 80.0]]
    assert judge_pairs(Rival({}, pairs=pairs_of(differences)), tolerance=0.01, alpha=0.01).held


@pytest.mark.parametrize(("count", "alpha", "judged"), [(5, 0.2, False), (6, 0.01, False), (6, 0.05, True), (7, 0.01, True)])
def test_too_few_pairs_are_told_and_not_judged(count, alpha, judged):
    found = judge_pairs(Rival({}, pairs=pairs_of(np.linspace(0.5, 0.6, count))), tolerance=0.01, alpha=alpha)
    assert found.held is not judged
    assert ("too few to judge" in found.sentence) is not judged


def test_a_champion_with_the_same_settings_is_not_tested():
    found = judge_pairs(Rival({}, itself=True), tolerance=0.0, alpha=0.01)
    assert found.held
    assert (found.value, found.limit) == (None, None)


def test_series_count_alike_and_only_cells_that_both_have():
    def table(forecasts, actual=(10.0, 10.0, 1000.0, 1000.0)):
        weeks = pd.to_datetime(["2024-01-01", "2024-01-08"] * 2)
        return pd.DataFrame({"sku": list("aabb"), "period": weeks, "actual": actual, "forecast": forecasts})

    ours, theirs = table([11.0, 9.0, 1000.0, 1100.0]), table([10.0, 15.0, 1000.0, 1000.0])
    pairs = pair_errors(ours, theirs, ["sku"])
    assert pairs.unit == "series"
    np.testing.assert_allclose(pairs.challenger, [0.1, 0.05])
    np.testing.assert_allclose(pairs.champion, [0.25, 0.0])
    fewer = pair_errors(ours, theirs.iloc[[0, 2, 3]], ["sku"])
    np.testing.assert_allclose(fewer.champion, [0.0, 0.0])
    np.testing.assert_allclose(fewer.challenger, [0.1, 0.05])
    unknown = pair_errors(table([11.0, 9.0, 1.0, 1.0], actual=(10.0, 10.0, 0.0, float("nan"))), theirs, ["sku"])
    np.testing.assert_allclose(unknown.challenger, [0.1])  # nothing was sold of the other


def test_a_national_table_is_paired_by_period():
    weeks = pd.date_range("2024-01-01", periods=13, freq="W-MON")
    actual = np.linspace(90, 110, 13)
    ours = pd.DataFrame({"period": weeks, "actual": actual, "forecast": actual + 5})
    pairs = pair_errors(ours, ours.assign(forecast=actual - 10), [])
    assert pairs.unit == "periods"
    np.testing.assert_allclose(pairs.challenger, 0.05)
    np.testing.assert_allclose(pairs.champion, 0.10)
