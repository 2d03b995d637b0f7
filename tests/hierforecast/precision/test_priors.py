import numpy as np
import pytest

from hierforecast.errors import SettingsError
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.priors import HalfLife, Priors, prior_numbers, resolve_half_lives

HIERARCHY = build_hierarchy({"TV": {"Broadcast": ["a", "b"]}, "Web": {"Google": ["c"], "Bing": ["d"]}}, ["t", "p", "c"])


def test_half_lives_are_inherited_down_the_tree_and_the_nearest_node_wins():
    priors = Priors(half_life={"TV": HalfLife(3.0), "b": HalfLife(5.0, 0.2), "Bing": HalfLife(0.5)})
    medians = [prior.median for prior in resolve_half_lives(priors, HIERARCHY, "week")]
    assert medians == [3.0, 5.0, 0.9, 0.5]


def test_the_default_is_about_the_same_time_in_every_frequency():
    days = {"day": 1.0, "week": 7.0, "month": 30.4}
    medians = [np.exp(prior_numbers(Priors(), HIERARCHY, name).half_life_location[0]) * days[name] for name in days]
    assert max(medians) / min(medians) < 1.4


def test_an_unknown_node_is_named_with_the_nearest():
    with pytest.raises(SettingsError, match=r"'Gogle'.*did you mean 'Google'"):
        prior_numbers(Priors(half_life={"Gogle": HalfLife(1.0)}), HIERARCHY, "week")


@pytest.mark.parametrize("make", [lambda: HalfLife(-1.0), lambda: HalfLife(1.0, 0.0), lambda: Priors(noise_sd=0.0)])
def test_impossible_numbers_are_refused(make):
    with pytest.raises(SettingsError, match="positive"):
        make()


def test_json_round_trip():
    priors = Priors(scale_median=0.2, half_life={"TV": HalfLife(3.0)}, default_half_life=HalfLife(2.0))
    assert Priors.from_json(priors.to_json()) == priors
