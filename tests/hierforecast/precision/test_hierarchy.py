from itertools import pairwise

import numpy as np
import pytest

from hierforecast.errors import SettingsError
from hierforecast.precision.hierarchy import Hierarchy, build_hierarchy

LEVELS = ["tactical", "platform", "channel"]
TREE = {
    "channel_TV": {"platform_TV": ["tv_spot_a", "tv_spot_b"]},
    "channel_Search": {"platform_Search": ["search_brand", "search_generic"], "platform_Bing": ["bing"]},
}


def test_the_example_of_the_source_document():
    hierarchy = build_hierarchy(TREE, LEVELS)
    assert hierarchy.num_tacticals == 5
    assert hierarchy.tacticals == ("tv_spot_a", "tv_spot_b", "search_brand", "search_generic", "bing")
    assert hierarchy.nodes("channel") == ("channel_TV", "channel_Search")
    assert hierarchy.membership("platform").tolist() == [0, 0, 1, 1, 2]
    assert hierarchy.membership("channel").tolist() == [0, 0, 1, 1, 1]
    assert hierarchy.parents("tactical").tolist() == [0, 0, 1, 1, 2]
    assert hierarchy.parents("platform").tolist() == [0, 1, 1]
    assert hierarchy.parents("channel").tolist() == [0, 0]


@pytest.mark.parametrize(
    ("tree", "levels"),
    [(["a", "b"], ["tactical"]), ({"x": ["a"], "y": ["b"]}, LEVELS[:2]), ({"g": {"c": {"p": ["a", "b"]}}}, [*LEVELS, "group"])],
)
def test_any_depth(tree, levels):
    hierarchy = build_hierarchy(tree, levels)
    assert hierarchy.tacticals == ("a", "b")
    for lower, upper in pairwise(levels):
        composed = hierarchy.parents(lower)[hierarchy.membership(lower)]
        np.testing.assert_array_equal(composed, hierarchy.membership(upper))


def test_declared_order_is_kept():
    assert build_hierarchy({"z": ["q", "a"], "b": ["m"]}, LEVELS[:2]).tacticals == ("q", "a", "m")


def test_json_round_trip():
    hierarchy = build_hierarchy(TREE, LEVELS)
    assert Hierarchy.from_json(hierarchy.to_json()) == hierarchy


@pytest.mark.parametrize(
    ("tree", "levels", "message"),
    [
        ({"TV": ["a"]}, LEVELS, "under TV: wanted a mapping of platform names, got list"),
        ({"TV": {"P": {"Q": ["a"]}}}, LEVELS, "under TV > P: wanted a list of tactical names, got dict"),
        ({"TV": {"P": []}}, LEVELS, "under TV > P: wanted a list of tactical names, got none"),
        ({"TV": {"P": ["a", "a"]}}, LEVELS, "tactical 'a' is declared twice"),
        ({"TV": {"P": ["a"]}, "Web": {"P": ["b"]}}, LEVELS, "platform 'P' is declared twice, under TV and Web"),
        ({"TV": {"P": ["a", 3]}}, LEVELS, "needs a text name, got 3"),
        (["a"], ["tactical", "tactical"], "must be different names"),
        (["a"], ["control"], "cannot be called 'control'"),
    ],
)
def test_errors_name_the_place_and_the_cure(tree, levels, message):
    with pytest.raises(SettingsError, match=message):
        build_hierarchy(tree, levels)


def test_unknown_level_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'platform'"):
        build_hierarchy(TREE, LEVELS).nodes("platforms")
