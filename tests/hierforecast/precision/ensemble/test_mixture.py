import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.precision.ensemble.mixture import mix, mixture_counts


@pytest.mark.parametrize(
    ("weights", "draws", "counts"),
    [
        ([1.0, 0.0], 10, [10, 0]),
        ([0.5, 0.5], 10, [5, 5]),
        ([0.46, 0.33, 0.21], 10, [5, 3, 2]),  # 4.6, 3.3, 2.1: the largest remainder is the first's
        ([0.24, 0.24, 0.52], 10, [3, 2, 5]),  # 2.4, 2.4, 5.2: of equal remainders the first's
        ([1 / 3, 1 / 3, 1 / 3], 100, [34, 33, 33]),
        ([2.0, 6.0], 8, [2, 6]),
    ],
)
def test_counts_go_to_the_largest_remainders(weights, draws, counts):
    assert mixture_counts(np.array(weights), draws).tolist() == counts


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda weights: sum(weights) > 0.01), st.integers(1, 5000))
def test_counts_sum_to_the_draws_and_are_within_one_of_the_share(weights, draws):
    weights = np.array(weights)
    counts = mixture_counts(weights, draws)
    assert counts.sum() == draws
    assert (np.abs(counts - weights / weights.sum() * draws) < 1 + 1e-9).all()


def test_a_mixture_of_distant_models_spans_both_and_no_average_of_quantiles_does():
    rng = np.random.default_rng(0)
    draws = {"low": rng.normal(-10, 1, (4000, 3)), "high": rng.normal(10, 1, (4000, 3))}
    mixed = mix({"low": 0.5, "high": 0.5}, draws.__getitem__)
    lower, upper = np.quantile(mixed, [0.05, 0.95], axis=0)
    assert (lower < -9).all()
    assert (upper > 9).all()
    averaged = np.mean([np.quantile(values, [0.05, 0.95], axis=0) for values in draws.values()], axis=0)
    assert (np.abs(averaged) < 2).all()  # a narrow interval around 0, where neither model has a draw
    assert not (np.abs(mixed) < 2).any()


def test_quantiles_are_those_of_the_weighted_mixture():
    rng = np.random.default_rng(1)
    draws = {"few": rng.normal(0, 1, 20_000), "many": rng.normal(6, 1, 20_000)}
    mixed = mix({"few": 0.2, "many": 0.8}, draws.__getitem__)
    assert len(mixed) == 20_000
    assert np.mean(mixed < 3) == pytest.approx(0.2, abs=0.005)
    assert np.quantile(mixed, 0.1) == pytest.approx(0.0, abs=0.1)  # half of the few
    assert np.quantile(mixed, 0.6) == pytest.approx(6.0, abs=0.1)  # half of the many


def test_draws_are_taken_from_the_whole_of_every_model():
    taken = mix({"a": 0.5, "b": 0.5}, lambda name: np.arange(100) + (1000 if name == "b" else 0))
    ours, theirs = taken[taken < 1000], taken[taken >= 1000] - 1000
    for kept in (ours, theirs):
        assert len(np.unique(kept)) == 50
        assert (kept.min(), kept.max()) == (0, 99)
        assert np.diff(kept).max() <= 3


def test_a_model_of_weight_0_is_not_asked():
    def draws_of(name):
        assert name == "all"
        return np.arange(10.0)

    np.testing.assert_array_equal(mix({"none": 0.0, "all": 1.0}, draws_of), np.arange(10.0))
