"""What a cell may hold: numbers are real, dates are dates, nodes have names."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref.columns.cells import as_nodes, as_numbers, read_dates, refuse_no_frame


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2]),
        pd.Series([1.0, 2.0], dtype=object),
        pd.Series([Decimal(1), Decimal(2)]),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, 2], dtype="float64[pyarrow]"),
        pd.Categorical([1, 2]),
    ],
    ids=["integers", "objects", "decimals", "nullable", "arrow", "categories"],
)
def test_numbers_are_numbers(values):
    np.testing.assert_array_equal(as_numbers(pd.DataFrame({"price": values}), "price"), [1.0, 2.0])


def test_what_is_empty_is_nan():
    frame = pd.DataFrame({"a": pd.Series([1, None], dtype="Int64"), "b": pd.Series([None, Decimal(2)], dtype=object)})
    np.testing.assert_array_equal(np.isnan(as_numbers(frame, "a")), [False, True])
    np.testing.assert_array_equal(np.isnan(as_numbers(frame, "b")), [True, False])


@pytest.mark.parametrize("values", [["1", "2"], [1, "2"], [1j, 2], [pd.Timestamp(0), 1], [[1], [2]], [{}, 1]])
def test_everything_else_is_refused(values):
    with pytest.raises(PanelError, match=r"column 'price' must be numbers, got .*; convert it first"):
        as_numbers(pd.DataFrame({"price": pd.Series(values)}), "price")


def test_nodes_are_told_apart_by_their_text():
    codes, names = as_nodes(pd.DataFrame({"store": pd.Series([7, "7", "A", 7], dtype=object)}), "store")
    assert codes.tolist() == [codes[0], codes[0], codes[2], codes[0]]
    assert codes[0] != codes[2]
    assert [str(names[code]) for code in codes] == ["7", "7", "A", "7"]


def test_a_time_zone_is_dropped_and_the_local_day_kept():
    late = pd.Series(pd.to_datetime(["2024-01-01 23:30"])).dt.tz_localize("America/New_York")
    assert read_dates(pd.DataFrame({"day": late}), "day").astype("datetime64[D]") == np.datetime64("2024-01-01")


def test_a_repeated_column_and_no_frame_are_told():
    with pytest.raises(PanelError, match="2 columns named 'a'; keep one"):
        as_numbers(pd.DataFrame([[1, 2]], columns=["a", "a"]), "a")
    with pytest.raises(PanelError, match=r"wanted a pandas DataFrame.*got list"):
        refuse_no_frame([])


def test_categories_are_told_apart_by_their_text_too():
    column = pd.Categorical.from_codes([0, 1, 2], categories=pd.Index([7, "7", "A"], dtype=object))
    codes, names = as_nodes(pd.DataFrame({"store": column}), "store")
    assert [str(names[code]) for code in codes] == ["7", "7", "A"]
    assert codes[0] == codes[1]
