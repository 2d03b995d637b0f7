import numpy as np
import pandas as pd
import pytest

from expectations.history.supply import ExpectNoSilentSeries, ExpectSalesAtTheEnd, ExpectSalesThroughout
from expectations.panel_view import PanelView
from expectations.validation import validate

LEVELS = ("region", "brand")
PLACE = {"levels": list(LEVELS), "period": "week", "frequency": "week"}


def view_of(frame: pd.DataFrame, frequency="week", levels=LEVELS) -> PanelView:
    return PanelView(frame, levels, "week", frequency)


def at_end(frame: pd.DataFrame, **view):
    return ExpectSalesAtTheEnd(target="units", **PLACE | {"frequency": view.get("frequency", "week")}).find(
        view_of(frame, **view)
    )


def throughout(frame: pd.DataFrame, **view):
    return ExpectSalesThroughout(target="units", **PLACE).find(view_of(frame, **view))


def silent(frame: pd.DataFrame, drivers=("price", "promotion")):
    return ExpectNoSilentSeries(target="units", drivers=list(drivers), **PLACE).find(view_of(frame))


def week(frame: pd.DataFrame, back: int) -> pd.Timestamp:
    """The known week so many weeks before the last one."""
    return frame.loc[frame["units"].notna(), "week"].max() - pd.Timedelta(weeks=back)


def test_an_empty_last_week_is_found_and_an_empty_week_before_it_by_the_other_check(sales):
    assert (at_end(sales).count, throughout(sales).count) == (0, 0)
    empty = sales.assign(units=sales["units"].where(sales["week"] != week(sales, 0), 0.0).where(sales["units"].notna()))
    assert at_end(empty).count == 4
    assert at_end(empty).keys[0] == f"region=North, brand=Alba, week={week(sales, 0).date()}"
    assert throughout(empty).count == 0
    inside = sales.assign(units=sales["units"].where(sales["week"] != week(sales, 9), 0.0))
    assert at_end(inside).count == 0
    assert throughout(inside).keys == (f"week={week(sales, 9).date()}",)


def test_three_of_four_series_are_most_and_two_are_not(sales):
    last = sales["week"] == week(sales, 0)
    some = sales.index[last]
    assert at_end(sales.assign(units=sales["units"].where(~sales.index.isin(some[:3]), 0.0))).count == 3
    assert at_end(sales.assign(units=sales["units"].where(~sales.index.isin(some[:2]), 0.0))).count == 0


def test_several_empty_weeks_at_the_end_are_dated(sales):
    late = sales["week"].between(week(sales, 2), week(sales, 0))
    found = at_end(sales.assign(units=sales["units"].where(~late, 0.0)))
    assert f"and has been since {week(sales, 2).date()}" in found.found


def test_rare_sales_are_no_empty_week():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        weeks = pd.date_range("2024-01-01", periods=80, freq="W-MON")
        table = pd.MultiIndex.from_product([["N"], list("ABC"), weeks], names=["region", "brand", "week"]).to_frame(index=False)
        table["units"] = rng.poisson(rng.uniform(0.2, 3), len(table)).astype(float)
        assert (at_end(table).count, throughout(table).count) == (0, 0)


def test_a_yearly_pause_is_no_empty_week():
    weeks = pd.date_range("2022-01-03", periods=156, freq="W-MON")
    table = pd.MultiIndex.from_product([list("NS"), list("ABC"), weeks], names=["region", "brand", "week"]).to_frame(
        index=False
    )
    closed = table["week"].dt.day_of_year.between(351, 358)
    table["units"] = np.where(closed, 0.0, 20.0)
    assert throughout(table).count == 0
    assert at_end(table[table["week"] <= "2024-12-23"]).count == 0


def test_shops_that_close_on_a_holiday_are_none_lost():
    days = pd.date_range("2024-01-01", "2024-12-26")
    table = pd.MultiIndex.from_product([list("NS"), list("ABC"), days], names=["region", "brand", "week"]).to_frame(index=False)
    table["units"] = np.where(table["week"] >= "2024-12-25", 0.0, 20.0)
    assert at_end(table, frequency="day").count == 0
    table["units"] = np.where(table["week"] >= "2024-12-24", 0.0, 20.0)
    assert at_end(table, frequency="day").count == 6


def test_a_series_that_falls_silent_is_named(sales):
    assert silent(sales).count == 0
    one = (sales["region"] == "South") & (sales["brand"] == "Alba")
    gone = one & sales["week"].between(week(sales, 3), week(sales, 0))
    found = silent(sales.assign(units=sales["units"].where(~gone, 0.0)))
    assert found.keys == (f"region=South, brand=Alba: last sale {week(sales, 4).date()}",)
    almost = one & sales["week"].between(week(sales, 2), week(sales, 0))
    assert silent(sales.assign(units=sales["units"].where(~almost, 0.0))).count == 0


def test_silence_with_its_price_gone_as_well_is_explained(sales):
    gone = (sales["brand"] == "Alba") & (sales["region"] == "South") & (sales["week"] >= week(sales, 5))
    planted = sales.assign(
        units=sales["units"].where(~gone | sales["units"].isna(), 0.0), price=sales["price"].where(~gone, 0.0)
    )
    assert silent(planted).count == 0
    assert silent(planted, drivers=["promotion"]).count == 1


def test_rare_sellers_and_seasonal_ones_are_not_silent(sales):
    rare = sales.assign(units=sales["units"].where(np.arange(len(sales)) % 4 == 0, 0.0).where(sales["units"].notna()))
    rare.loc[rare["week"] >= week(sales, 4), "units"] *= 0
    assert silent(rare).count == 0
    weeks = pd.date_range("2022-01-03", periods=156, freq="W-MON")
    table = pd.MultiIndex.from_product([list("NS"), list("ABC"), weeks], names=["region", "brand", "week"]).to_frame(
        index=False
    )
    table = table.assign(units=20.0, price=1.0, promotion=0.0)
    table.loc[(table["brand"] == "A") & table["week"].dt.month.isin([11, 12]), "units"] = 0.0
    assert silent(table[table["week"] < "2024-12-10"]).count == 0


def test_an_empty_end_stops_and_the_others_warn(sales, sales_panel, media, media_panel):
    empty = sales.assign(units=sales["units"].where(sales["week"] != week(sales, 0), 0.0).where(sales["units"].notna()))
    report = validate(empty, sales_panel, name="x")
    assert [result.check for result in report.failures] == ["zero_end"]
    one = (sales["region"] == "South") & (sales["brand"] == "Alba")
    planted = sales.assign(units=sales["units"].where(sales["week"] != week(sales, 9), 0.0))
    planted.loc[one & planted["week"].between(week(sales, 3), week(sales, 0)), "units"] = 0.0
    report = validate(planted, sales_panel, name="x")
    assert report.passed, report.message()
    assert {result.check for result in report.warnings} == {"zero_periods", "silent_series"}
    media.loc[119, "revenue"] = 0.0
    assert [result.check for result in validate(media, media_panel, name="m").failures] == ["zero_end"]


def test_the_cure_of_a_silent_series_is_one(sales, sales_panel):
    one = (sales["region"] == "South") & (sales["brand"] == "Alba")
    since = week(sales, 4)
    planted = sales.assign(units=sales["units"].where(~one | (sales["week"] <= since) | sales["units"].isna(), 0.0))
    report = validate(planted, sales_panel, name="x")
    (silence,) = (result for result in report.warnings if result.check == "silent_series")
    assert "take its rows after its last sale out" in silence.found
    cured = validate(planted[~one | (planted["week"] <= since)], sales_panel, name="x")
    assert cured.passed, cured.message()
    assert "silent_series" not in {result.check for result in cured.warnings}


@pytest.mark.parametrize("weeks", [1, 3])
def test_the_cure_of_an_empty_end_is_one(sales, sales_panel, weeks):
    late = sales["week"].between(week(sales, weeks - 1), week(sales, 0))
    planted = sales.assign(units=sales["units"].where(~late, 0.0))
    report = validate(planted, sales_panel, name="x")
    assert [result.check for result in report.failures] == ["zero_end"]
    whole = "this week" if weeks == 1 else "these weeks"
    assert f"leave target and measured drivers of {whole} empty in all rows" in report.message()
    planted.loc[late, ["units", "temperature"]] = np.nan
    cured = validate(planted, sales_panel, name="x")
    assert cured.passed, cured.message()


@pytest.mark.parametrize("judge", [at_end, throughout, silent])
def test_a_panel_without_a_known_target_is_left_to_others(sales, judge):
    assert judge(sales.assign(units=np.nan)).count == 0
