import numpy as np
import pytest

from expectations.validation import validate
from hierforecast.settings import parse_company


def lags_of(report):
    return next(result for result in report.results if result.check == "lags")


def measured(lag: int, *, target_lag: int = 0, **others):
    temperature = {"name": "temperature", "known_ahead": False, "availability_lag": lag} | others
    target = {"name": "units", "availability_lag": target_lag}
    sales = {"target": target, "levels": ["region", "brand"], "drivers": [temperature]}
    return parse_company({"company": "small", "sales": sales}).sales


@pytest.mark.parametrize(("lag", "last"), [(0, 60), (1, 59), (2, 58), (3, 57)])
def test_a_measured_driver_ends_where_it_can_be_known(sales, lag, last):
    week = sales.groupby(["region", "brand"]).cumcount()
    complete = sales.assign(temperature=np.linspace(0, 1, len(sales)) + np.random.default_rng(1).random(len(sales)))
    in_time = complete.assign(temperature=complete["temperature"].where(week <= last))
    assert validate(in_time, measured(lag), name="sales").passed
    late = complete.assign(temperature=complete["temperature"].where(week <= last + 1))
    report = validate(late, measured(lag), name="sales")
    assert [result.check for result in report.failures] == ["lags"]
    first = late.loc[last + 1, "week"].date()
    assert lags_of(report).keys[0] == f"region=North, brand=Alba, week={first} (temperature)"
    assert lags_of(report).count == 4


@pytest.mark.parametrize(("lag", "last"), [(0, 61), (1, 60), (2, 59), (3, 58)])
def test_sales_that_come_late_leave_others_a_period_more(sales, lag, last):
    week = sales.groupby(["region", "brand"]).cumcount()
    noise = sales.assign(temperature=np.random.default_rng(1).random(len(sales)))
    panel = measured(lag, target_lag=1)
    assert validate(noise.assign(temperature=noise["temperature"].where(week <= last)), panel, name="sales").passed
    report = validate(noise.assign(temperature=noise["temperature"].where(week <= last + 1)), panel, name="sales")
    assert [result.check for result in report.failures] == ["lags"]


def test_a_lag_of_late_sales_is_known_for_as_many_periods_ahead(sales):
    panel = measured(0, target_lag=1, lag_of="units", lag_periods=2)
    lagged = sales.groupby(["region", "brand"])["units"].shift(2).fillna(60.0)
    week = sales.groupby(["region", "brand"]).cumcount()
    assert validate(sales.assign(temperature=lagged.where(week <= 61)), panel, name="sales").passed
    report = validate(sales.assign(temperature=lagged), panel, name="sales")
    assert [result.check for result in report.failures] == ["lags"]


def test_a_panel_without_plan_rows_is_not_judged(sales):
    history = sales[sales["units"].notna()]
    report = validate(history, measured(3), name="sales")
    assert report.passed
    assert "no plan rows" in lags_of(report).found


def test_declared_lags_of_media_are_confirmed_in_words(media, media_panel):
    assert "'clicks' trails by 1 week (r" in lags_of(validate(media, media_panel, name="media")).found


def test_another_lag_than_declared_is_told_and_passes(media, media_panel):
    for name in ("brand", "generic"):
        media[f"{name}_clicks"] = 0.05 * media[f"{name}_impressions"]
    result = lags_of(validate(media, media_panel, name="media"))
    assert result.status == "passed"
    assert "trails by 0 weeks" in result.found
    assert "declared are 1" in result.found


def test_clicks_before_their_impressions_stop_the_run(media, media_panel):
    for name in ("brand", "generic"):
        media[f"{name}_clicks"] = 0.05 * media[f"{name}_impressions"].shift(-2, fill_value=300.0)
    result = lags_of(validate(media, media_panel, name="media"))
    assert result.status == "failed"
    assert "'clicks' comes 2 weeks before the exposure" in result.found
    assert result.keys == ("brand_clicks", "generic_clicks")


def test_unrelated_metrics_are_not_judged(media, media_panel):
    rng = np.random.default_rng(9)
    for name in ("brand", "generic"):
        media[f"{name}_clicks"] = rng.gamma(3, 5, len(media))
    assert "no clear relation" in lags_of(validate(media, media_panel, name="media")).found
