"""A driver is judged as the model reads it: measured ones through their lags, planned ones as they are."""

import pytest

from expectations.validation import validate
from hierforecast.settings import parse_company


@pytest.mark.parametrize(
    ("lags", "ahead", "planned", "stops"),
    [
        ([0], 0, False, True),
        ([1], 0, False, False),
        ([2, 1], 0, False, False),
        ([0, 1], 0, False, True),
        ([1], 1, False, True),
        ([1], 0, True, True),
    ],
)
def test_orders_of_the_same_week_are_known_a_week_later(sales, lags, ahead, planned, stops):
    timing = {"known_ahead": True} if planned else {"known_ahead": False, "availability_lag": 1}
    drivers = [{"name": "orders", "lags": lags, **timing}]
    settings = {"target": "units", "levels": ["region", "brand"], "drivers": drivers}
    panel = parse_company({"company": "small", "sales": settings}).sales
    orders = sales.groupby(["region", "brand"])["units"].shift(-ahead)
    orders = orders.fillna(60.0).where(sales["units"].notna() | planned)
    report = validate(sales.assign(orders=orders), panel, name="sales")
    assert ("leakage" in {result.check for result in report.failures}) == stops
