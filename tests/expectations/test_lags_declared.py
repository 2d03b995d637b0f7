import numpy as np
import pytest

from expectations.declared_lags import ExpectDeclaredLag
from expectations.panel_view import PanelView
from expectations.validation import validate
from hierforecast.errors import SettingsError
from hierforecast.settings import parse_company


def panel(driver: dict, *, availability_lag: int = 0):
    target = {"name": "units", "availability_lag": availability_lag}
    sales = {"target": target, "levels": ["region", "brand"], "drivers": [{"name": "price"}, {"name": "before", **driver}]}
    return parse_company({"company": "small", "sales": sales}).sales


def lagged(sales, column: str, weeks: int):
    moved = sales.groupby(["region", "brand"])[column].shift(weeks)
    return sales.assign(before=moved.fillna(sales[column].mean()))


def result(frame, declared):
    report = validate(frame, declared, name="sales")
    assert not [each for each in report.failures if each.check not in ("lags", "leakage")]
    return report, next(each for each in report.results if each.label == "lags (before)")


def test_last_weeks_sales_declared_as_such_pass_leakage_and_lags(sales):
    report, lag = result(lagged(sales, "units", 1), panel({"lag_of": "units", "lag_periods": 1}))
    assert report.passed, report.message()
    assert "'before' is 'units' of 1 week ago" in lag.found


def test_a_planned_price_of_two_weeks_ago(sales):
    assert result(lagged(sales, "price", 2), panel({"lag_of": "price", "lag_periods": 2}))[0].passed


@pytest.mark.parametrize(
    ("weeks", "when"), [(0, "0 weeks ago"), (2, "2 weeks ago"), (-1, "1 week ahead"), (9, "9 weeks ago"), (52, "52 weeks ago")]
)
def test_another_lag_is_named(sales, weeks, when):
    report, lag = result(lagged(sales, "units", weeks), panel({"lag_of": "units", "lag_periods": 1}))
    assert lag.status == "failed"
    assert f"'before' is 'units' of {when}, declared 1" in lag.found
    assert lag.keys[0].startswith("region=North, brand=Alba, week=2024-01")
    assert ("leakage" in {each.check for each in report.failures}) == (weeks <= 0)


def test_a_lag_that_is_none_says_in_how_many_rows_it_is(sales):
    wrong = lagged(sales, "units", 1)
    rows = np.random.default_rng(1).random(len(wrong)) < 0.3
    lag = result(wrong.assign(before=wrong["before"] + 5 * rows), panel({"lag_of": "units", "lag_periods": 1}))[1]
    assert "of the rows only, and no other lag of it" in lag.found


def test_a_lag_of_what_is_never_known_together_cannot_be_judged(sales):
    short = sales[sales.groupby(["region", "brand"]).cumcount() < 30].assign(before=1.0)
    lag = result(short, panel({"lag_of": "units", "lag_periods": 60}))[1]
    assert "cannot be judged" in lag.found
    assert lag.status == "passed"


@pytest.mark.parametrize(
    ("driver", "wanted"),
    [
        ({"lag_of": "unitss", "lag_periods": 1}, "lag_of names 'unitss'; did you mean 'units'?"),
        ({"lag_of": "before", "lag_periods": 1}, "lag_of names 'before'"),
        ({"lag_of": "units"}, "lag_of is given without lag_periods"),
        ({"lag_periods": 2}, "lag_periods is given without lag_of"),
        ({"lag_of": "units", "lag_periods": 2}, "is known only 2 periods later; take a longer lag"),
        ({"lag_of": "units", "lag_periods": 0}, "lag_periods"),
    ],
)
def test_a_declaration_that_cannot_be(driver, wanted):
    with pytest.raises(SettingsError) as error:
        panel(driver, availability_lag=2)
    assert wanted in str(error.value)


@pytest.mark.parametrize(("weeks", "passes"), [(4, True), (3, False)])
def test_the_past_of_sales_is_known_as_far_ahead_as_it_lies_back(sales, weeks, passes):
    week = sales.groupby(["region", "brand"]).cumcount()
    known = lagged(sales, "units", weeks)
    known["before"] = known["before"].where(week < 64)
    measured = {"known_ahead": False, "lag_of": "units", "lag_periods": weeks}
    report, _ = result(known, panel(measured))
    assert report.passed == passes, report.message()


@pytest.mark.parametrize(("rows", "words"), [(0, "no rows know"), (1, "only 1 row knows"), (3, "only 3 rows know")])
def test_too_few_rows_to_judge_are_counted(sales, rows, words):
    expectation = ExpectDeclaredLag(
        column="before", lag_of="units", lag_periods=1, levels=["region", "brand"], period="week", frequency="week"
    )
    early = sales.assign(before=sales.groupby(["region", "brand"])["units"].shift(1).where(sales.index <= rows))
    found = expectation.find(PanelView(early, ("region", "brand"), "week", "week")).found
    assert found == f"'before' cannot be judged: {words} it and 'units' of 1 week before"
