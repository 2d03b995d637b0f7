"""Where backtests leave their forecasts: two at once on one panel do not write over each other's."""

import logging

import pandas as pd
import pytest

from hierforecast import synthetic
from hierforecast.settings import parse_company
from tasks import backtesting, panels


@pytest.fixture
def panel(home, monkeypatch):
    monkeypatch.setattr("tasks.backtesting.get_run_logger", lambda: logging.getLogger("hierforecast"))
    sales = synthetic.company(3, weeks=60, planned=0).sales
    sales = sales[(sales["pack"] == "single") & (sales["state"] == "Alder")]
    return panels.store(sales[["region", "brand", "week", "units", "price"]].reset_index(drop=True), "few", "sales")


def company(*, sign: str = "-", **training):
    sales = {
        "period": "week",
        "target": "units",
        "levels": ["region", "brand"],
        "horizon": 4,
        "drivers": [{"name": "price", "sign": sign}],
    }
    return parse_company({"company": "few", "sales": sales, "training": training})


def forecasts(company, panel, origins: int) -> list[backtesting.OriginForecast]:
    return [
        backtesting.forecast_from_origin.fn(company, panel, "seasonal_naive", origin=origin, origins=origins)
        for origin in range(origins)
    ]


def test_backtests_of_other_settings_or_origins_have_files_of_their_own(panel):
    others = [(company(), 1), (company(), 2), (company(sign="+"), 1), (company(seasonality=1), 1)]
    made = [(given, forecasts(given, panel, origins)) for given, origins in others]
    paths = [forecast.path for _, found in made for forecast in found]
    assert len(set(paths)) == len(paths)
    tables = [backtesting.score_backtest.fn(given, panel, found).table for given, found in made]
    assert len(set(tables)) == len(tables)
    for table, (_, found) in zip(tables, made, strict=True):
        assert set(pd.read_parquet(table)["origin"]) == {forecast.origin for forecast in found}


def test_the_same_backtest_again_finds_its_folder(panel):
    assert forecasts(company(), panel, 1)[0].path == forecasts(company(), panel, 1)[0].path
