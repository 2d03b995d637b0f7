import pytest

from hierforecast.media_tree import check_depth_and_names, leaves, nodes, paths

TREE = {"TV": {"Broadcast": ["spot_a", "spot_b"]}, "Web": {"Google": ["brand"], "Meta": ["feed"]}}


def test_leaves_keep_their_order():
    assert leaves(TREE) == ["spot_a", "spot_b", "brand", "feed"]
    assert nodes(TREE) == ["TV", "Broadcast", "spot_a", "spot_b", "Web", "Google", "brand", "Meta", "feed"]


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({}, "the tree is empty"),
        ({"TV": {"Broadcast": []}}, "'TV > Broadcast' is empty"),
        ({"TV": None}, "'TV' must hold a mapping of the nodes below it or a list of tacticals, got None"),
        ({"TV": "spot"}, "'TV' must hold a mapping .* got 'spot'"),
        ({"TV": [3]}, "'TV' holds 3, but every node needs a name"),
        ({"": ["spot"]}, "the tree holds '', but every node needs a name"),
    ],
)
def test_a_tree_that_cannot_be_walked_is_told(tree, told):
    with pytest.raises(ValueError, match=told):
        list(paths(tree))


def test_a_tree_inside_itself_ends():
    endless: dict = {}
    endless["TV"] = endless
    with pytest.raises(ValueError, match="more than 10 levels"):
        list(paths(endless))


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"TV": ["spot"]}, "2 levels deep but media.levels names 3.*'TV > spot'"),
        ({"TV": {"P": ["spot", "spot"]}}, r"level tactical: \['spot'\]"),
        ({"TV": {"P": ["a"]}, "Web": {"P": ["b"]}}, r"level platform: \['P'\]"),
    ],
)
def test_depth_and_names_are_checked(tree, told):
    levels = ["tactical", "platform", "channel"]
    check_depth_and_names(TREE, levels)
    with pytest.raises(ValueError, match=told):
        check_depth_and_names(tree, levels)
