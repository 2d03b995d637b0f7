import numpy as np
import pandas as pd

from expectations.history.stale import ExpectMovingValues
from expectations.panel_view import PanelView
from expectations.validation import validate

LEVELS = ("region", "brand")
PLACE = {"levels": list(LEVELS), "period": "week", "frequency": "week"}


def still(frame: pd.DataFrame, *columns: str):
    return ExpectMovingValues(target="units", columns=list(columns), **PLACE).find(PanelView(frame, LEVELS, "week", "week"))


def repeat(frame: pd.DataFrame, column: str, first: int, last: int) -> pd.DataFrame:
    return frame.assign(**{column: frame[column].where(~frame.index.isin(range(first, last)), frame.loc[first, column])})


def test_a_feed_that_repeats_its_last_value_is_named(sales):
    assert still(sales, "units", "temperature", "price", "promotion").count == 0
    found = still(repeat(sales, "temperature", 64 + 52, 64 + 60), "units", "temperature")
    assert found.keys == ("region=North, brand=Brio, week=2024-12-30 (temperature)",)
    assert still(repeat(sales, "temperature", 64 + 53, 64 + 60), "temperature").count == 0  # seven weeks may be chance
    assert still(repeat(sales, "temperature", 20, 35), "temperature").count == 1


def test_flat_plans_steady_prices_pauses_and_full_distribution_are_no_fault(sales):
    rng = np.random.default_rng(3)
    planned = sales.assign(temperature=sales["temperature"].fillna(9.0))
    assert still(planned, "temperature").count == 0
    steps = sales.assign(price=np.repeat(rng.uniform(2, 5, 16), 16))
    steps.loc[:20, "price"] = rng.uniform(2, 5, 21)  # one series that moved a while
    assert still(steps, "price").count == 0
    flights = sales.assign(spot=np.where(np.arange(len(sales)) // 10 % 2, rng.gamma(3, 10, len(sales)), 0.0))
    assert still(flights, "spot").count == 0
    reach = sales.assign(reach=np.minimum(rng.normal(95, 5, len(sales)), 100.0))
    reach.loc[100:115, "reach"] = 100.0
    assert still(reach, "reach").count == 0


def test_standing_still_warns(sales, sales_panel):
    report = validate(repeat(sales, "units", 30, 45), sales_panel, name="x")
    assert report.passed, report.message()
    assert [result.check for result in report.warnings] == ["stale"]
