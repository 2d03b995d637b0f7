import pandas as pd

from hierforecast.results import ABLATION, SIGNS
from hierforecast.settings import parse_company
from tasks.worth import sample_series, weigh_drivers


def panel(series: int, weeks: int) -> pd.DataFrame:
    weeks = pd.date_range("2024-01-01", periods=weeks, freq="W-MON")
    keys = pd.MultiIndex.from_product([[f"s{n}" for n in range(series)], weeks], names=["sku", "week"])
    return keys.to_frame(index=False)


def test_a_sample_holds_whole_series():
    whole = panel(20, 10)
    drawn = sample_series(whole, ["sku"], most=55, seed=1)
    assert drawn.groupby("sku").size().tolist() == [10] * 5
    pd.testing.assert_frame_equal(drawn, sample_series(whole, ["sku"], most=55, seed=1))
    assert set(drawn["sku"]) != set(sample_series(whole, ["sku"], most=55, seed=2)["sku"])
    assert sample_series(whole, ["sku"], most=200, seed=1) is whole
    assert sample_series(whole, ["sku"], most=3, seed=1).groupby("sku").size().tolist() == [10]


def test_a_history_too_short_to_hold_out_has_empty_tables():
    raw = {"company": "tiny", "sales": {"target": "units", "levels": ["sku"], "horizon": 13}}
    raw["sales"]["drivers"] = [{"name": "price", "sign": "-"}]
    found = weigh_drivers(parse_company(raw), panel(2, 5).assign(units=1.0, price=2.0))
    assert {name: list(table.columns) for name, table in found.items()} == {
        table.name: list(table.columns) for table in (SIGNS, ABLATION)
    }
    assert all(table.empty for table in found.values())
