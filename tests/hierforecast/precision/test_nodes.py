"""A name finds its tacticals on any level, and what is unclear is told."""

import pytest

from hierforecast.errors import SettingsError
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.nodes import all_nodes, tacticals_under

TREE = build_hierarchy({"TV": {"Linear": ["TV"]}, "Web": {"Search": ["brand", "Web"]}}, ["t", "p", "c"])


def test_every_level_and_the_total_is_found():
    assert tacticals_under(TREE, "Search").tolist() == [False, True, True]
    assert tacticals_under(TREE, "total").all()
    assert [(level, node) for level, node, _ in all_nodes(TREE)][-3:] == [("c", "TV"), ("c", "Web"), ("total", "total")]


def test_a_name_on_two_levels_is_fine_where_it_means_the_same():
    assert tacticals_under(TREE, "TV").tolist() == [True, False, False]
    assert tacticals_under(TREE, "Web", "t").tolist() == [False, False, True]
    assert tacticals_under(TREE, "Web", "c").tolist() == [False, True, True]
    with pytest.raises(SettingsError, match="several levels"):
        tacticals_under(TREE, "Web")


def test_unknown_names_are_told():
    with pytest.raises(SettingsError, match="did you mean 'brand'"):
        tacticals_under(TREE, "brnad")
    with pytest.raises(SettingsError, match="no level 'x'"):
        tacticals_under(TREE, "TV", "x")
