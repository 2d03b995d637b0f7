import numpy as np
import pandas as pd

from expectations.leakage.held_out import ExpectNoCopiedPeriods, find_copied_periods
from expectations.panel_view import PanelView

WHERE = {"levels": ["region", "brand"], "period": "week", "frequency": "week"}


def copy_week(frame: pd.DataFrame, source: int, place: int, columns: list[str]) -> pd.DataFrame:
    weeks = np.sort(frame["week"].unique())
    copied = frame.copy()
    copied.loc[copied["week"] == weeks[place], columns] = frame.loc[frame["week"] == weeks[source], columns].to_numpy()
    return copied


def find(frame, *, target="units", levels=("region", "brand"), columns=("price",), horizon=8):
    view = PanelView(frame, levels, "week", "week")
    return [
        (each.period - view.numbers.min(), each.source - view.numbers.min())
        for each in find_copied_periods(view, target, list(columns), horizon=horizon)
    ]


def test_a_repeated_week_is_named_with_its_source(sales):
    stale = copy_week(sales, 58, 59, ["units", "price"])
    assert find(sales) == []
    assert find(stale) == [(59, 58)]
    check = ExpectNoCopiedPeriods(target="units", columns=["price"], horizon=8, **WHERE)
    finding = check.find(PanelView(stale, ("region", "brand"), "week", "week"))
    assert finding.keys == ("week=2025-02-17 repeats 2025-02-10",)
    assert "in 'units' of at least 99.9% of the series" in finding.found
    assert "Read these weeks again from their source" in finding.found


def test_a_copy_of_a_week_that_is_not_held_out_is_nobodys_leak(sales):
    assert find(copy_week(sales, 20, 30, ["units", "price"])) == []


def test_a_single_series_needs_its_whole_row(media):
    stale = copy_week(media, 100, 117, ["revenue", "spot_impressions", "price_index"])
    given = {"target": "revenue", "levels": (), "columns": ("spot_impressions", "price_index")}
    assert find(stale, **given) == [(117, 100)]
    assert find(copy_week(media, 100, 117, ["revenue", "spot_impressions"]), **given) == []
    plan_again = copy_week(media, 65, 117, ["spot_impressions", "price_index"])
    assert find(plan_again, **given) == []


def test_weeks_without_sales_repeat_each_other_for_good_reason(sales):
    weeks = np.sort(sales["week"].unique())
    closed = sales.assign(units=sales["units"].mask(sales["week"].isin(weeks[[3, 55]]), 0.0))
    assert find(closed) == []


def test_small_whole_numbers_repeat_by_chance():
    rng = np.random.default_rng(2)
    weeks = pd.date_range("2023-01-02", periods=100, freq="W-MON")
    for _ in range(20):
        frame = pd.DataFrame({"week": weeks, "units": rng.poisson(3, 100) * 1.0, "price": rng.integers(0, 2, 100) + 1.0})
        assert find(frame, levels=(), columns=("price",)) == []
