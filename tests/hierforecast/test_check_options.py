import re

import pytest

from hierforecast.check_catalog import check_stock
from hierforecast.check_options import Checks
from hierforecast.errors import SettingsError
from hierforecast.settings import parse_company


def sales(**checks) -> dict:
    drivers = [{"name": "price"}]
    return {"company": "x", "sales": {"target": "units", "levels": ["region", "state"], "drivers": drivers, "checks": checks}}


@pytest.mark.parametrize("column", [False, True, 5, {"a": 1}, ["price"], None])
@pytest.mark.parametrize("name", ["column", "column_A", "column_list"])
def test_a_column_that_is_no_text_is_refused_where_the_settings_are_read(name, column):
    expect = {
        "column": "expect_column_values_to_not_be_null",
        "column_A": "expect_column_pair_values_to_be_equal",
        "column_list": "expect_multicolumn_values_to_be_equal",
    }[name]
    given = {name: ["price", column]} if name == "column_list" else {name: column}
    own = {"expect": expect, "arguments": given | ({"column_B": "price"} if name == "column_A" else {})}
    told = f"arguments.{name} holds {column!r}, and a column's name is text"
    with pytest.raises(SettingsError, match=re.escape(told)):
        parse_company(sales(own=[own]))


def test_columns_that_are_text_are_taken():
    check_stock("expect_column_values_to_not_be_null", {"column": "no"})
    check_stock("expect_multicolumn_values_to_be_equal", {"column_list": ["price", "5"]})


def test_a_list_of_nested_levels_is_given_once():
    with pytest.raises(SettingsError, match=r"checks\.nested holds \['region', 'state'\] twice; list it once"):
        parse_company(sales(nested=[["region", "state"], ["region", "state"]]))
    assert Checks(nested=[["a", "b"], ["a", "c"]]).nested == [["a", "b"], ["a", "c"]]
