import numpy as np
import pandas as pd
import pytest

from expectations.history.plausibility import ExpectSameUnit, ExpectUsualValues, quantiles
from expectations.panel_view import PanelView
from expectations.validation import content_checks, validate
from hierforecast.settings import parse_company

LEVELS = ("region", "brand")
PLACE = {"levels": list(LEVELS), "period": "week", "frequency": "week"}


def view_of(frame: pd.DataFrame, frequency="week", levels=LEVELS) -> PanelView:
    return PanelView(frame, levels, "week", frequency)


def units(frame: pd.DataFrame, columns=("units", "price"), limit=5.0, for_good=False, **view):
    expectation = ExpectSameUnit(columns=list(columns), limit=limit, seasonal=["units"], for_good=for_good, **PLACE)
    return expectation.find(view_of(frame, **view))


def odd(frame: pd.DataFrame, **references: str):
    return ExpectUsualValues(columns=["price"], limit=5.0, references=references, **PLACE).find(view_of(frame))


@pytest.fixture
def years() -> pd.DataFrame:
    """Twelve series of three years whose sales rise sevenfold in the two weeks before Christmas."""
    rng = np.random.default_rng(5)
    weeks = pd.date_range("2022-01-03", periods=156, freq="W-MON")
    table = pd.MultiIndex.from_product([list("NS"), list("ABCDEF"), weeks], names=["region", "brand", "week"])
    table = table.to_frame(index=False)
    day = table["week"].dt.day_of_year
    peak = np.where((day >= 345) & (day < 359), 7.0, 1.0)
    return table.assign(units=np.round(40 * peak * np.exp(rng.normal(0, 0.3, len(table)))), price=4.0)


@pytest.mark.parametrize("weeks", [1, 3, 20])
@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_another_unit_in_the_last_weeks_is_found(sales, weeks, factor):
    last = sales["week"] >= sales["week"].max() - pd.Timedelta(weeks=weeks - 1 + 4)
    for column in ("price", "units"):
        found = units(sales.assign(**{column: sales[column] * np.where(last, factor, 1.0)}))
        assert found.count == 1
        since = sales.loc[last, "week"].min().date()
        assert f"'{column}' is " in found.found
        assert f"from {since} on in 4 of 4 series" in found.found
        assert found.keys[0] == f"region=North, brand=Alba, week={since} ({column})"


def test_another_unit_until_some_week_is_found(sales):
    early = sales["week"] < sales["week"].min() + pd.Timedelta(weeks=25)
    found = units(sales.assign(price=sales["price"] / np.where(early, 100.0, 1.0)))
    assert "'price' is " in found.found
    assert "times its level from 2024-06-24 on" in found.found


def test_one_series_in_another_unit_is_none_for_all_but_its_values_are_odd(sales):
    late = (sales["week"] >= "2024-12-30") & (sales["region"] == "North") & (sales["brand"] == "Brio")
    planted = sales.assign(price=sales["price"] * np.where(late, 100.0, 1.0))
    assert units(planted).count == 0
    assert odd(planted).count == late.sum()
    assert odd(planted).keys[0].startswith("region=North, brand=Brio, week=2024-12-30: price=")


def test_a_season_is_no_change_of_unit(years):
    for weeks in range(60, 157):
        shown = years[years["week"] < years["week"].min() + pd.Timedelta(weeks=weeks)]
        assert units(shown).count == 0, weeks
    planted = years.assign(units=years["units"] * np.where(years["week"] >= "2024-12-16", 100.0, 1.0))
    assert units(planted).count == 1


def test_a_first_season_is_no_change_of_unit_and_cents_are(years):
    first = years[years["week"] < "2022-12-13"]
    assert units(first).count == 0
    planted = first.assign(units=first["units"] * np.where(first["week"] == first["week"].max(), 20.0, 1.0))
    assert units(planted).count == 1


def test_rare_sales_growth_and_promotions_of_all_products_are_none(years):
    rng = np.random.default_rng(6)
    rare = years.assign(units=rng.poisson(0.6, len(years)).astype(float))
    growing = years.assign(units=10 * 1.03 ** ((years["week"] - years["week"].min()).dt.days / 7))
    sale = years.assign(price=np.where(years["week"] == years["week"].max(), 1.9, 4.0))
    short = years[years["week"] < "2022-02-20"]
    assert [units(frame).count for frame in (rare, growing, sale, short)] == [0, 0, 0, 0]


def test_days_are_compared_with_the_same_weekday():
    rng = np.random.default_rng(7)
    days = pd.date_range("2024-01-01", periods=400)
    table = pd.MultiIndex.from_product([list("NS"), list("ABC"), days], names=["region", "brand", "week"]).to_frame(index=False)
    weekday = np.where(table["week"].dt.day_of_week == 5, 8.0, np.where(table["week"].dt.day_of_week == 6, 0.0, 1.0))
    table = table.assign(units=30 * weekday * np.exp(rng.normal(0, 0.2, len(table))), price=2.0)
    assert units(table, frequency="day").count == 0
    table["units"] *= np.where(table["week"] >= "2025-01-20", 1000.0, 1.0)
    found = units(table, frequency="day")
    assert found.count == 1
    assert "2025-01-20" in found.found


def test_flights_are_no_shift_and_another_unit_of_them_is():
    rng = np.random.default_rng(8)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weeks = pd.date_range("2023-01-02", periods=120, freq="W-MON")
        spend = np.where(rng.random(120) < 0.5, 0.0, 100 * np.exp(rng.normal(0, 0.9, 120)))
        frame = pd.DataFrame({"week": weeks, "units": 10.0, "spot": spend})
        assert units(frame, ["spot"], for_good=True, levels=()).count == 0
    frame["spot"] *= np.where(frame["week"] >= "2024-10-01", 1000.0, 1.0)
    assert units(frame, ["spot"], for_good=True, levels=()).count == 1


def test_a_price_far_from_its_series_or_its_reference_is_named(sales):
    assert odd(sales, price="regular_price").count == 0
    sales.loc[10, "price"] = 41.0
    sales.loc[70, "price"] = 7.0
    sales.loc[71, "price"] = 0.0  # a free item has no factor
    found = odd(sales, price="regular_price")
    assert found.count == 2
    assert "beyond 5 times" in found.found
    assert "above 1.5 times 'regular_price'" in found.found
    assert found.keys[0] == "region=North, brand=Alba, week=2024-03-11: price=41"
    assert "region=North, brand=Brio, week=2024-02-12: price=7" in found.keys


def test_quantiles_of_groups_are_numpys():
    rng = np.random.default_rng(9)
    groups = rng.integers(0, 7, 200)
    groups[groups == 3] = 4
    values = rng.normal(size=200)
    for share in (0.1, 0.5, 0.9):
        found = quantiles(values, groups, 8, share=share)
        for group in range(8):
            own = values[groups == group]
            wanted = (
                np.quantile(own, share, method="averaged_inverted_cdf" if share != 0.5 else "linear") if len(own) else np.nan
            )
            if share == 0.5 or not len(own):
                np.testing.assert_allclose(found[group], wanted)
            else:
                assert np.sort(own)[0] <= found[group] <= np.sort(own)[-1]


def test_a_change_of_unit_stops_and_odd_values_warn(sales, sales_panel):
    late = sales["week"] >= "2024-12-30"
    stopped = validate(sales.assign(units=sales["units"] * np.where(late, 12.0, 1.0)), sales_panel, name="x")
    assert {result.check for result in stopped.failures} == {"unit_change"}
    sales.loc[10, "price"] = 41.0
    warned = validate(sales, sales_panel, name="x")
    assert warned.passed
    assert [result.check for result in warned.warnings] == ["odd_values"]


def test_only_what_is_read_as_a_logarithm_is_a_price(sales):
    """Degrees around 0, measured from what is normal for the week, have neither factors nor units of money."""
    temperature = {"name": "temperature", "reference": "normal", "known_ahead": False, "availability_lag": 1}
    drivers = [{"name": "price", "transform": "log", "reference": "regular_price"}, temperature]
    panel = parse_company({"company": "x", "sales": {"target": "units", "levels": list(LEVELS), "drivers": drivers}}).sales
    normal = 3.0 - 6 * np.cos(2 * np.pi * sales["week"].dt.day_of_year / 365.25)
    mild = sales.assign(normal=normal, temperature=sales["temperature"] - 9)
    report = validate(mild, panel, name="x")
    assert report.passed, report.message()
    assert "odd_values" not in {result.check for result in report.warnings}
    by_id = {check.check: check.expectation for check in content_checks(panel)}
    assert by_id["unit_change"].columns == ["units", "price", "regular_price"]
    assert by_id["level_shift"].columns == by_id["scale_change"].columns == ["temperature", "normal"]
    assert by_id["odd_values"].references == {"price": "regular_price"}
