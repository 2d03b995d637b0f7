"""The names that a company's settings use for checks: the built-in ones by id, and Great Expectations' stock for own ones.

Great Expectations itself is not imported, so a wrong name is told when the settings are read, before anything is run.
"""

import re
from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any, NamedTuple

from hierforecast.errors import nearest

OWN = "own"  # the id of every check that a company adds


class BuiltIn(NamedTuple):
    """A built-in check as people see it.

    Args:
        title: its heading in the report.
        needed: training cannot do without it, so it always stops.
    """

    title: str
    needed: bool = False


BUILT_IN = {
    "rows": BuiltIn("Rows", needed=True),
    "column": BuiltIn("Columns", needed=True),
    "type": BuiltIn("Types", needed=True),
    "level_filled": BuiltIn("Levels filled", needed=True),
    "unique_keys": BuiltIn("Unique keys", needed=True),
    "bounds": BuiltIn("Bounds"),
    "known": BuiltIn("Known values", needed=True),
    "regular_calendar": BuiltIn("Regular calendar", needed=True),
    "complete_calendar": BuiltIn("Complete calendar"),
    "no_gaps": BuiltIn("No gaps"),
    "full_last_period": BuiltIn("Full last period"),
    "nested": BuiltIn("Nested levels"),
    "stray_parents": BuiltIn("Stray parents"),
    "alike_names": BuiltIn("Alike names"),
    "unit_change": BuiltIn("Unit change"),
    "level_shift": BuiltIn("Level shift"),
    "scale_change": BuiltIn("Scale change"),
    "odd_values": BuiltIn("Odd values"),
    "zero_end": BuiltIn("Sales at the end"),
    "zero_periods": BuiltIn("Empty periods"),
    "stale": BuiltIn("Values that stand still"),
    "silent_series": BuiltIn("Silent series"),
    "future": BuiltIn("Nothing from the future"),
    "freshness": BuiltIn("Freshness"),
    "backwards": BuiltIn("No step back"),
    "rewritten": BuiltIn("Same past"),
    "row_change": BuiltIn("Usual size"),
    "lost_nodes": BuiltIn("Lost nodes"),
    "drift": BuiltIn("Drift"),
    "spend_shows": BuiltIn("Spend shows"),
    "unseen_spend": BuiltIn("Unseen spend"),
    "unpaid_exposure": BuiltIn("Unpaid exposure"),
    "exposure_cost": BuiltIn("Cost of exposure"),
    "leakage": BuiltIn("Leakage"),
    "near_leakage": BuiltIn("Near leakage"),
    "encoded_keys": BuiltIn("Encoded keys"),
    "copied_periods": BuiltIn("Copied periods"),
    "lags": BuiltIn("Lags"),
}


class Stock(NamedTuple):
    """The arguments of one of Great Expectations' own expectations: those it needs, and those it may have."""

    needed: tuple[str, ...]
    others: tuple[str, ...] = ()


_RANGE = ("min_value", "max_value", "strict_min", "strict_max")
_STATISTIC = Stock(("column",), _RANGE)
_SET = Stock(("column", "value_set"))
_EACH_SET = Stock(("column", "value_set"), ("mostly",))
_EACH = Stock(("column",), ("mostly",))
_PATTERNS = ("regex", "regex_list")
_ROWS = ("ignore_row_if", "mostly")
_COLUMN_LIST = "column_list"
_COLUMNS = ("column", "column_A", "column_B", _COLUMN_LIST)

STOCK = {
    "expect_column_distinct_values_to_be_in_set": _SET,
    "expect_column_distinct_values_to_contain_set": _SET,
    "expect_column_distinct_values_to_equal_set": _SET,
    "expect_column_max_to_be_between": _STATISTIC,
    "expect_column_mean_to_be_between": _STATISTIC,
    "expect_column_median_to_be_between": _STATISTIC,
    "expect_column_min_to_be_between": _STATISTIC,
    "expect_column_most_common_value_to_be_in_set": Stock(("column", "value_set"), ("ties_okay",)),
    "expect_column_pair_values_a_to_be_greater_than_b": Stock(("column_A", "column_B"), ("or_equal", *_ROWS)),
    "expect_column_pair_values_to_be_equal": Stock(("column_A", "column_B"), _ROWS),
    "expect_column_proportion_of_non_null_values_to_be_between": _STATISTIC,
    "expect_column_proportion_of_unique_values_to_be_between": _STATISTIC,
    "expect_column_quantile_values_to_be_between": Stock(("column", "quantile_ranges"), ("allow_relative_error",)),
    "expect_column_stdev_to_be_between": _STATISTIC,
    "expect_column_sum_to_be_between": _STATISTIC,
    "expect_column_unique_value_count_to_be_between": _STATISTIC,
    "expect_column_value_lengths_to_be_between": Stock(("column",), (*_RANGE, "mostly")),
    "expect_column_value_lengths_to_equal": Stock(("column", "value"), ("mostly",)),
    "expect_column_value_z_scores_to_be_less_than": Stock(("column", "threshold", "double_sided"), ("mostly",)),
    "expect_column_values_to_be_between": Stock(("column",), (*_RANGE, "mostly")),
    "expect_column_values_to_be_decreasing": Stock(("column",), ("strictly", "mostly")),
    "expect_column_values_to_be_in_set": _EACH_SET,
    "expect_column_values_to_be_increasing": Stock(("column",), ("strictly", "mostly")),
    "expect_column_values_to_be_null": _EACH,
    "expect_column_values_to_be_unique": _EACH,
    "expect_column_values_to_match_regex": Stock(("column", "regex"), ("mostly",)),
    "expect_column_values_to_match_regex_list": Stock(("column", "regex_list"), ("match_on", "mostly")),
    "expect_column_values_to_not_be_in_set": _EACH_SET,
    "expect_column_values_to_not_be_null": _EACH,
    "expect_column_values_to_not_be_outliers": Stock(("column",), ("method", "multiplier", "mostly")),
    "expect_column_values_to_not_match_regex": Stock(("column", "regex"), ("mostly",)),
    "expect_column_values_to_not_match_regex_list": Stock(("column", "regex_list"), ("mostly",)),
    "expect_compound_columns_to_be_unique": Stock(("column_list",), _ROWS),
    "expect_multicolumn_sum_to_equal": Stock(("column_list", "sum_total"), _ROWS),
    "expect_multicolumn_values_to_be_equal": Stock(("column_list",), _ROWS),
    "expect_select_column_values_to_be_unique_within_record": Stock(("column_list",), _ROWS),
    "expect_table_row_count_to_be_between": Stock((), _RANGE),
    "expect_table_row_count_to_equal": Stock(("value",)),
}

_SQL, _OUTSIDE = "it asks a database, and a panel is none", "it reads other tables than the panel"
_DECLARED = "columns, their types and dates are checked already, from what the settings declare of them"
_REFUSED = {
    "unexpected_rows_expectation": _SQL,
    "expect_column_values_to_match_like_pattern": f"{_SQL}; take expect_column_values_to_match_regex",
    "expect_column_values_to_match_like_pattern_list": f"{_SQL}; take expect_column_values_to_match_regex_list",
    "expect_column_values_to_not_match_like_pattern": f"{_SQL}; take expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_like_pattern_list": f"{_SQL}; take expect_column_values_to_not_match_regex_list",
    "expect_query_results_to_match_comparison": _OUTSIDE,
    "expect_table_row_count_to_equal_other_table": _OUTSIDE,
    "expect_column_values_to_match_json_schema": "a JSON schema may fetch others from files or the network",
    "expect_column_pair_values_to_be_in_set": "it takes a minute for every 50,000 rows; `checks.nested` may say the same",
    "expect_column_kl_divergence_to_be_less_than": "drift is judged against the champion's data, see `checks.max_drift`",
    **dict.fromkeys(
        (
            *("expect_column_to_exist", "expect_column_type_to_be", "expect_column_values_to_be_of_type"),
            *("expect_column_values_to_be_in_type_list", "expect_column_values_to_be_dateutil_parseable"),
            *("expect_column_values_to_match_strftime_format", "expect_column_values_to_be_json_parseable"),
            *("expect_table_column_count_to_be_between", "expect_table_column_count_to_equal"),
            *("expect_table_columns_to_match_ordered_list", "expect_table_columns_to_match_set"),
        ),
        _DECLARED,
    ),
}
_NOT_OURS = {
    "row_condition": "it is run as code; check a column of its own instead",
    "condition_parser": "it belongs to row_condition, which is run as code",
    "severity": "it stands beside `arguments`, not in them",
    "sentence": "it stands beside `arguments`, not in them",
}


def check_severities(severities: Mapping[str, str]) -> None:
    """Raise ValueError where a severity is given to a check that there is not, or "warn" to one that training needs."""
    for check, severity in severities.items():
        if check == OWN:
            raise ValueError("severity names 'own'; checks of your own have their severity beside them, in `checks.own`")
        if check not in BUILT_IN:
            raise ValueError(f"severity names the check {check!r}; {nearest(check, BUILT_IN)}")
        if severity == "warn" and BUILT_IN[check].needed:
            raise ValueError(
                f"severity: {check!r} cannot be warn, because training cannot read data that break it; leave it out. "
                f"These may warn: {', '.join(name for name, known in BUILT_IN.items() if not known.needed)}"
            )


def check_stock(expect: str, arguments: Mapping[str, Any]) -> None:
    """Raise ValueError where an own check names no expectation that it may take, or gives it wrong arguments."""
    if expect in _REFUSED:
        raise ValueError(f"expect: {expect!r} cannot be used here: {_REFUSED[expect]}")
    if expect not in STOCK:
        raise ValueError(f"expect: there is no {expect!r} to use; {nearest(expect, STOCK)}")
    known = (*STOCK[expect].needed, *STOCK[expect].others)
    for name, value in arguments.items():
        if name in _NOT_OURS:
            raise ValueError(f"arguments.{name} cannot be used here: {_NOT_OURS[name]}")
        if name not in known:
            raise ValueError(f"arguments: {expect!r} has no {name!r}; {nearest(name, known)}")
        _check_plain(name, value)
        if name in _COLUMNS:
            _check_column(name, value)
    lacking = [name for name in STOCK[expect].needed if name not in arguments]
    if lacking:
        raise ValueError(f"arguments: {expect!r} needs {', '.join(lacking)} as well")
    for name in _PATTERNS:
        for pattern in _listed(arguments.get(name)):
            _check_pattern(name, pattern)


def columns_of(arguments: Mapping[str, Any]) -> list[str]:
    """The columns that an own check reads, in the order in which they are given."""
    given = (arguments.get(name) for name in _COLUMNS)
    return [column for value in given for column in _listed(value)]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _check_column(name: str, value: Any) -> None:
    for column in value if name == _COLUMN_LIST and isinstance(value, list | tuple) else [value]:
        if not isinstance(column, str):
            raise ValueError(
                f"arguments.{name} holds {column!r}, and a column's name is text; quote it where YAML reads something else "
                "(no, on, 5)"
            )


def _check_pattern(name: str, pattern: Any) -> None:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(f"arguments.{name}: {pattern!r} is no regular expression: {error}") from None


def _check_plain(name: str, value: Any) -> None:
    """Text, finite numbers, yes and no, dates, and lists and mappings of them: nothing that would be looked up elsewhere."""
    if isinstance(value, dict):
        if any(not isinstance(key, str) or key.startswith("$") for key in value):
            raise ValueError(f"arguments.{name} holds {value!r}; write the value itself, parameters are not looked up")
        for inner in value.values():
            _check_plain(name, inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_plain(name, inner)
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError(f"arguments.{name} holds {value!r}; give a finite number, or leave the bound out")
    elif value is not None and not isinstance(value, str | int | float | date):
        raise ValueError(f"arguments.{name} holds {value!r}; give text, numbers, dates, or lists of them")
