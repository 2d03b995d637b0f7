"""A small clean sales panel and a small clean media panel; tests plant one fault at a time into copies of them."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.schema import MediaPanel, SalesPanel
from hierforecast.settings import parse_company

WEEKS, PLANNED = 60, 4


@pytest.fixture(scope="session")
def sales_panel() -> SalesPanel:
    drivers = [
        {"name": "price", "transform": "log", "reference": "regular_price", "lower": 0.1, "upper": 50},
        {"name": "promotion", "lower": 0, "upper": 1},
        {"name": "temperature", "known_ahead": False, "availability_lag": 1},
    ]
    sales = {"target": "units", "levels": ["region", "brand"], "drivers": drivers}
    return parse_company({"company": "small", "sales": sales}).sales


@pytest.fixture
def sales() -> pd.DataFrame:
    """Four series of 60 known weeks and 4 planned ones, with season, prices and promotions."""
    rng = np.random.default_rng(11)
    weeks = pd.date_range("2024-01-01", periods=WEEKS + PLANNED, freq="W-MON")
    keys = pd.MultiIndex.from_product([["North", "South"], ["Alba", "Brio"], weeks], names=["region", "brand", "week"])
    table = keys.to_frame(index=False)
    year = 2 * np.pi * table["week"].dt.day_of_year / 365.25
    table["regular_price"] = 4.0
    table["promotion"] = (rng.random(len(table)) < 0.2).astype(float)
    table["price"] = np.round(4.0 * (1 - 0.25 * table["promotion"]) * np.exp(rng.normal(0, 0.05, len(table))), 2)
    table["temperature"] = 12 - 9 * np.cos(year) + rng.normal(0, 1, len(table))
    log_units = 4 + 0.3 * np.sin(year) - 2 * np.log(table["price"] / 4.0) + rng.normal(0, 0.1, len(table))
    table["units"] = np.round(np.exp(log_units))
    table.loc[table["week"] >= weeks[WEEKS], ["units", "temperature"]] = np.nan
    return table


@pytest.fixture(scope="session")
def media_panel() -> MediaPanel:
    media = {
        "target": "revenue",
        "levels": ["tactical", "channel"],
        "tree": {"TV": ["spot"], "Search": ["brand", "generic"]},
        "metrics": {"impressions": {"exposure": True}, "clicks": {"lag": 1}},
        "spend": "{tactical}_spend",
        "offline_channels": ["TV"],
        "controls": ["holiday", "price_index"],
    }
    return parse_company({"company": "small", "media": media}).media


@pytest.fixture
def media() -> pd.DataFrame:
    """120 known weeks and 4 planned ones; clicks follow impressions a week later."""
    rng = np.random.default_rng(12)
    weeks = pd.date_range("2023-01-02", periods=120 + PLANNED, freq="W-MON")
    table = pd.DataFrame(
        {"week": weeks, "holiday": (weeks.month == 12) * 1.0, "price_index": 100 + rng.normal(0, 1, len(weeks))}
    )
    table["revenue"] = 1000 + 80 * np.cos(2 * np.pi * weeks.day_of_year / 365.25) + rng.normal(0, 20, len(weeks))
    for name in ("spot", "brand", "generic"):
        table[f"{name}_impressions"] = np.round(rng.gamma(3, 100, len(weeks)))
        table[f"{name}_spend"] = table[f"{name}_impressions"] * rng.uniform(0.008, 0.012, len(weeks))
        table["revenue"] += 0.1 * table[f"{name}_impressions"]
        if name != "spot":
            table[f"{name}_clicks"] = 0.05 * table[f"{name}_impressions"].shift(1, fill_value=300.0)
    table.loc[120:, "revenue"] = np.nan
    return table
