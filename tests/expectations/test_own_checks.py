import re
from datetime import date

import pytest
import yaml
from great_expectations.expectations.registry import get_expectation_impl, list_registered_expectation_implementations

from expectations.validation import content_checks, validate
from hierforecast import synthetic
from hierforecast.check_catalog import STOCK, check_stock
from hierforecast.check_options import Checks
from hierforecast.errors import SettingsError
from hierforecast.schema import SalesPanel
from hierforecast.settings import read_company

NOT_ARGUMENTS = {"batch_id", "catch_exceptions", "condition_parser", "description", "id", "library_metadata", "meta", "notes"}
NOT_ARGUMENTS |= {"rendered_content", "result_format", "row_condition", "severity", "windows"}


def own(expect: str, *, severity: str = "stop", sentence: str | None = None, **arguments) -> dict:
    return {"expect": expect, "arguments": arguments, "severity": severity, "sentence": sentence}


def with_checks(panel: SalesPanel, *checks: dict, **others) -> SalesPanel:
    """The panel of the tests, declared with checks of its own."""
    return SalesPanel.model_validate(panel.model_dump() | {"checks": {"own": list(checks), **others}})


def judged(sales, panel: SalesPanel, *checks: dict):
    """The results of the own checks alone."""
    report = validate(sales, with_checks(panel, *checks), name="sales")
    return report, [result for result in report.results if result.check == "own"]


def test_every_expectation_that_may_be_used_is_one_of_the_library_with_these_arguments():
    for name, stock in STOCK.items():
        fields = get_expectation_impl(name).__fields__
        known = {field for field in fields if field not in NOT_ARGUMENTS}
        # A statistic has no rows, and so no share of them that may differ.
        mapped = any(base.__name__.endswith("MapExpectation") for base in get_expectation_impl(name).__mro__)
        assert {*stock.needed, *stock.others} == (known if mapped else known - {"mostly"}), name
        assert {field for field in known if fields[field].required} <= set(stock.needed), name


def test_every_other_expectation_of_the_library_is_refused_with_a_reason():
    for name in set(list_registered_expectation_implementations()) - set(STOCK):
        if get_expectation_impl(name).__module__.startswith("great_expectations."):
            with pytest.raises(ValueError, match=r"cannot be used here: .{20}"):
                check_stock(name, {})


def test_the_rows_that_break_an_own_check_are_named(sales, sales_panel):
    sales.loc[70, "brand"] = "Carlo"
    report, (result,) = judged(
        sales, sales_panel, own("expect_column_values_to_be_in_set", column="brand", value_set=["Alba", "Brio"])
    )
    assert not report.passed
    assert (result.status, result.count, result.column) == ("failed", 1, "brand")
    assert result.keys == (f"region=North, brand=Carlo, week={sales.loc[70, 'week'].date()}",)
    assert "- own 1 (brand): expected that expect_column_values_to_be_in_set holds" in report.message()


def test_rows_of_pairs_are_named_and_a_warning_lets_the_panel_pass(sales, sales_panel):
    sales.loc[5, "price"] = 4.5
    check = own(
        "expect_column_pair_values_a_to_be_greater_than_b",
        column_A="regular_price",
        column_B="price",
        or_equal=True,
        severity="warn",
        sentence="nothing costs more than usual",
    )
    report, (result,) = judged(sales, sales_panel, check)
    above = sales["price"] > sales["regular_price"]
    assert report.passed
    assert report.warnings == (result,)
    assert result.count == above.sum()
    assert result.keys[0] == f"region=North, brand=Alba, week={sales.loc[above.idxmax(), 'week'].date()}"
    assert "own 1: expected that nothing costs more than usual; " in report.message()


@pytest.mark.parametrize(
    ("check", "found"),
    [
        (own("expect_column_unique_value_count_to_be_between", column="brand", max_value=1), "it is 2"),
        (own("expect_table_row_count_to_equal", value=3), "it is 256"),
        (
            own("expect_column_distinct_values_to_equal_set", column="region", value_set=["North", "West"]),
            "not expected [South]",
        ),
        (own("expect_column_max_to_be_between", column="week", max_value=date(2024, 3, 1)), "it is 2025-03-17"),
        (own("expect_column_max_to_be_between", column="week", max_value="2024-03-01"), "it is 2025-03-17"),
        (own("expect_column_values_to_match_regex", column="brand", regex="^A"), "128 rows of 256 break it"),
    ],
)
def test_what_was_found_instead_is_told(sales, sales_panel, check, found):
    _, (result,) = judged(sales, sales_panel, check)
    assert result.status == "failed"
    assert found in result.found


def test_two_own_checks_that_are_alike_are_both_answered(sales, sales_panel):
    alike = own("expect_column_values_to_be_between", column="price", max_value=100)
    report, results = judged(sales, sales_panel, alike, alike, alike | {"severity": "warn"})
    assert report.passed
    assert [result.label for result in results] == ["own 1 (price)", "own 2 (price)", "own 3 (price)"]


def test_an_own_check_that_raises_is_a_broken_check(sales, sales_panel):
    mixed = own("expect_column_values_to_be_between", column="brand", max_value=3.0)
    report, (result,) = judged(sales, sales_panel, mixed)
    assert result.status == "broken"
    assert "own 1 (brand) broke: this is a fault of the check, not of your data; correct it in checks.own" in report.message()
    report, _ = judged(sales, sales_panel, mixed | {"severity": "warn"})
    assert report.passed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"column": "price"}, "min_value and max_value cannot both be None"),
        ({"column": "price", "max_value": "dear"}, "max_value: value is not a valid float"),
        ({"column": "price", "max_value": 3, "mostly": 7}, "mostly: ensure this value is less than or equal to 1.0"),
    ],
)
def test_values_that_the_library_does_not_take_are_told_before_anything_is_run(sales, sales_panel, arguments, words):
    with pytest.raises(SettingsError, match=r"sales\.checks\.own\.0") as told:
        judged(sales, sales_panel, own("expect_column_values_to_be_between", **arguments))
    assert str(told.value).endswith(words)


def test_a_declared_severity_softens_a_check_and_hardens_another(sales, sales_panel):
    sales.loc[10, "promotion"] = 1.5
    panel = with_checks(sales_panel, severity={"bounds": "warn", "stale": "stop"})
    report = validate(sales, panel, name="sales")
    assert ("bounds", "promotion") in [(result.check, result.column) for result in report.warnings]
    assert report.passed
    severities = {check.check: check.severity for check in content_checks(panel)}
    assert severities["stale"] == "stop"


def test_bounds_that_training_needs_stop_whatever_is_declared(sales, sales_panel):
    sales.loc[10, ["units", "price", "promotion"]] = -1.0
    report = validate(sales, with_checks(sales_panel, severity={"bounds": "warn"}), name="sales")
    stopped = {result.column for result in report.failures if result.check == "bounds"}
    assert stopped == {"units", "price"}


def test_the_guides_own_checks_hold_for_the_demo(root):
    blocks = re.findall(r"```yaml\n(.*?)```", (root / "docs/guide.md").read_text(), re.DOTALL)
    checks = next(yaml.safe_load(block)["sales"]["checks"] for block in blocks if "    own:" in block)
    company = read_company(root / "deployments/demo.yaml")
    panel = company.sales.model_copy(update={"checks": Checks.model_validate(checks)})
    report = validate(synthetic.company(seed=1, weeks=60).sales, panel, name="demo")
    assert [result.status for result in report.results if result.check == "own"] == ["passed", "passed"]
