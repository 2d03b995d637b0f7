import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.errors import PanelError
from hierforecast.hierarchy import UNSEEN, Hierarchy, groupings, node_names

ROWS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 4), st.sampled_from(["x", "y"])), min_size=1, max_size=40)


def panel(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["region", "store", "brand"])


@given(ROWS)
def test_every_row_finds_its_own_series(rows):
    frame = panel(rows)
    hierarchy = Hierarchy.from_panel(frame, ["region", "store", "brand"])
    codes = hierarchy.codes(frame)
    series = hierarchy.series_of(codes)
    assert (hierarchy.series[series] == codes).all()
    assert len(hierarchy.series) == len(frame.drop_duplicates())
    for place, level in enumerate(hierarchy.levels):
        assert [hierarchy.nodes[level][code] for code in codes[:, place]] == [str(value) for value in frame[level]]


@given(ROWS)
def test_json_round_trip(rows):
    hierarchy = Hierarchy.from_panel(panel(rows), ["region", "store", "brand"])
    again = Hierarchy.from_json(hierarchy.to_json(), hierarchy.series)
    assert again.nodes == hierarchy.nodes
    assert (again.series_of(hierarchy.series) == np.arange(len(hierarchy.series))).all()


def test_unseen_nodes_and_combinations_are_told_apart():
    hierarchy = Hierarchy.from_panel(panel([("A", 1, "x"), ("B", 2, "y")]), ["region", "store", "brand"])
    codes = hierarchy.codes(panel([("A", 1, "x"), ("A", 2, "x"), ("C", 1, "x")]))
    assert codes[2, 0] == UNSEEN
    assert (codes[1] != UNSEEN).all()
    assert hierarchy.series_of(codes).tolist() == [0, UNSEEN, UNSEEN]


def test_nesting_is_seen_in_the_series():
    hierarchy = Hierarchy.from_panel(panel([("A", 1, "x"), ("A", 2, "y"), ("B", 3, "x")]), ["region", "store", "brand"])
    assert hierarchy.is_nested("store", "region")
    assert not hierarchy.is_nested("brand", "region")
    assert hierarchy.membership("region").tolist() == [0, 0, 1]


def test_mistakes_are_named():
    frame = panel([("A", 1, "x"), (None, 2, "y")])
    with pytest.raises(PanelError, match="'region' is empty in 1 rows"):
        Hierarchy.from_panel(frame, ["region"])
    with pytest.raises(PanelError, match=r"no column 'regoin'.*did you mean 'region'"):
        Hierarchy.from_panel(frame, ["regoin"])


def test_groupings_go_from_bottom_to_total():
    assert groupings(["a", "b"]) == {"bottom": ["a", "b"], "a": ["a"], "b": ["b"], "total": []}
    assert groupings([]) == {"bottom": [], "total": []}


def test_codes_that_became_floats_are_still_the_same_nodes():
    hierarchy = Hierarchy.from_panel(panel([("A", 7, "x"), ("A", 12, "x")]), ["region", "store", "brand"])
    floats = panel([("A", 12.0, "x"), ("A", 7.5, "x")])
    assert hierarchy.codes(floats)[:, 1].tolist() == [hierarchy.nodes["store"].index("12"), UNSEEN]
    assert node_names(pd.Series([1.0, 2.5, None, 1e20])).tolist()[:2] == ["1", "2.5"]
    assert node_names(pd.Series([1.0, None])).isna().tolist() == [False, True]
