import numpy as np
import pytest
from scipy import stats

from hierforecast.errors import SettingsError
from hierforecast.mix_model import MixModel
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.priors import (
    BetaDecay,
    EffectPrior,
    HalfLife,
    PooledDecay,
    Priors,
    prior_numbers,
    resolve_half_lives,
)

HIERARCHY = build_hierarchy({"TV": {"Broadcast": ["a", "b"]}, "Web": {"Google": ["c"], "Bing": ["d"]}}, ["t", "p", "c"])


def test_half_lives_are_inherited_down_the_tree_and_the_nearest_node_wins():
    priors = Priors(half_life={"TV": HalfLife(3.0), "b": HalfLife(5.0, 0.2), "Bing": HalfLife(0.5)})
    medians = [prior.median for prior in resolve_half_lives(priors, HIERARCHY, "week")]
    assert medians == [3.0, 5.0, 0.9, 0.5]
    numbers = prior_numbers(priors, HIERARCHY, "week")
    np.testing.assert_allclose(numbers.decay_location, np.log(medians))
    np.testing.assert_allclose(numbers.decay_sd, [0.6, 0.2, 0.6, 0.6])


def test_the_default_is_about_the_same_time_in_every_frequency():
    days = {"day": 1.0, "week": 7.0, "month": 30.4}
    medians = [np.exp(prior_numbers(Priors(), HIERARCHY, name).decay_location[0]) * days[name] for name in days]
    assert max(medians) / min(medians) < 1.4
    own = Priors(default_half_life=HalfLife(4.0))
    assert [prior.median for prior in resolve_half_lives(own, HIERARCHY, "day")] == [4.0] * 4


def test_beta_priors_are_inherited_and_walked_on_the_logit_that_they_have():
    priors = Priors(beta_decay={"Web": BetaDecay(1.0, 4.0), "d": BetaDecay(5.0, 2.0)})
    numbers = prior_numbers(priors, HIERARCHY, "week", MixModel(decay="beta"))
    np.testing.assert_array_equal(numbers.decay_shape, [[2, 2, 1, 5], [3, 3, 4, 2]])
    for place in range(4):
        draws = stats.beta(*numbers.decay_shape[:, place]).rvs(40_000, random_state=place)
        logit = np.log(draws / (1 - draws))
        assert numbers.decay_location[place] == pytest.approx(logit.mean(), abs=0.03)
        assert numbers.decay_sd[place] == pytest.approx(logit.std(), rel=0.02)


def test_pooled_decays_start_from_their_mean():
    priors = Priors(pooled_decay=PooledDecay(mean=0.25, sd=0.5))
    numbers = prior_numbers(priors, HIERARCHY, "week", MixModel(decay="pooled_logit"))
    np.testing.assert_allclose(1 / (1 + np.exp(-numbers.decay_location)), 0.25)
    np.testing.assert_allclose(numbers.decay_sd, 0.5)


def test_effects_of_declared_nodes_are_their_own_and_inherited():
    priors = Priors(effect_median=0.3, effect={"TV": EffectPrior(2.0, 0.1), "b": EffectPrior(4.0, 0.2)})
    numbers = prior_numbers(priors, HIERARCHY, "week")
    np.testing.assert_allclose(np.exp(numbers.effect_location), [2.0, 4.0, 0.3, 0.3])
    np.testing.assert_array_equal(numbers.own, [1, 1, 0, 0])
    np.testing.assert_allclose(numbers.own_sd[:2], [0.1, 0.2])


@pytest.mark.parametrize(("level", "own"), [("p", [1, 0, 0]), ("c", [1, 0])])
def test_effects_at_a_level_have_one_prior_per_node_of_it(level, own):
    priors = Priors(effect={"TV": EffectPrior(2.0)})
    numbers = prior_numbers(priors, HIERARCHY, "week", MixModel(effects_at=level))
    np.testing.assert_array_equal(numbers.own, own)
    assert numbers.decay_location.shape == (4,)


@pytest.mark.parametrize("what", ["half_life", "beta_decay", "effect"])
def test_an_unknown_node_is_named_with_the_nearest(what):
    law = {"half_life": HalfLife(1.0), "beta_decay": BetaDecay(), "effect": EffectPrior(1.0)}[what]
    for form in (MixModel(), MixModel(decay="beta"), MixModel(decay="pooled_logit")):
        with pytest.raises(SettingsError, match=rf"{what} names 'Gogle'.*did you mean 'Google'"):
            prior_numbers(Priors(**{what: {"Gogle": law}}), HIERARCHY, "week", form)


def test_a_prior_below_the_level_of_the_effects_is_refused():
    """It would be read by nothing."""
    priors = Priors(effect={"a": EffectPrior(2.0)})
    with pytest.raises(SettingsError, match="'a'"):
        prior_numbers(priors, HIERARCHY, "week", MixModel(effects_at="p"))
