import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from expectations.history.drift import compare, drift_by_driver, drifts
from expectations.history.profile import Profile, compared_columns, describe_columns, profile_of, read_profile
from expectations.panel_view import PanelView

LEVELS = ("region", "brand")


def view_of(frame: pd.DataFrame, levels=LEVELS) -> PanelView:
    return PanelView(frame, levels, "week", "week")


def moved(before: pd.Series, after: pd.Series, weeks: int = 52) -> object:
    """How far one column of one series, of so many weeks, has moved."""
    dates = pd.date_range("2024-01-01", periods=weeks, freq="W-MON")
    frames = [pd.DataFrame({"week": dates, "x": values, "y": 1.0}) for values in (before, after)]
    then = describe_columns(view_of(frames[0], ()), ["x"], "y")
    return drifts(view_of(frames[1], ()), "y", then)["x"]


def test_a_profile_says_what_a_panel_looked_like(sales, sales_panel):
    profile = profile_of(view_of(sales), sales_panel)
    assert (profile.rows, profile.first, profile.last, profile.rows_per_period) == (256, "2024-01-01", "2025-02-17", 4.0)
    assert profile.totals["2024-01-08"] == sales.loc[sales["week"] == "2024-01-08", "units"].sum()
    assert len(profile.totals) == 60
    assert set(profile.columns) == {"price", "promotion", "temperature", "regular_price"} == set(compared_columns(sales_panel))
    assert profile.names == {"region": ("North", "South"), "brand": ("Alba", "Brio")}
    promotion = profile.columns["promotion"]
    year = sales[(sales["week"] <= "2025-02-17") & (sales["week"] > "2024-02-19")]
    np.testing.assert_allclose(promotion.shares, [0, (year["promotion"] == 0).mean(), (year["promotion"] == 1).mean()])
    for column in profile.columns.values():
        assert sum(column.shares) == pytest.approx(1)
        assert len(column.shares) == len(column.edges) + 3
    assert read_profile(Profile.model_validate_json(profile.model_dump_json()).model_dump(mode="json")) == profile


def test_a_panel_has_not_moved_from_itself(sales, sales_panel, media, media_panel):
    for frame, panel, levels in ((sales, sales_panel, LEVELS), (media, media_panel, ())):
        profile = profile_of(view_of(frame, levels), panel)
        found = drift_by_driver(view_of(frame, levels), panel, profile)
        assert set(found) == set(compared_columns(panel))
        assert set(found.values()) == {0.0}
        assert drift_by_driver(view_of(frame, levels), panel, None) == {}


def test_the_index_is_the_sum_over_ranges_less_what_chance_brings():
    rng = np.random.default_rng(1)
    before, after = rng.gamma(3, 10, 50_000), rng.gamma(3, 13, 50_000)
    dates = pd.Timestamp("2024-01-01")
    frames = [pd.DataFrame({"k": np.arange(50_000), "week": dates, "x": x, "y": 1.0}) for x in (before, after)]
    then = describe_columns(view_of(frames[0], ("k",)), ["x"], "y")
    drift = drifts(view_of(frames[1], ("k",)), "y", then)["x"]
    inner = np.quantile(before, np.arange(1, 10) / 10)
    p, q = (np.bincount(np.searchsorted(inner, x), minlength=10) / len(x) for x in (before, after))
    assert drift.index == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=2e-3)
    assert drift.distance == pytest.approx(ks_2samp(before, after).statistic, abs=0.01)


def test_a_year_of_one_column_does_not_move_by_chance():
    above = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        above += moved(rng.gamma(3, 10, 52), rng.gamma(3, 10, 52)).index > 0
    assert above <= 1  # at 1 in 1,000 by the law; small samples are a little above it


def test_flights_flags_and_negative_values_are_measured_as_well():
    rng = np.random.default_rng(2)
    flights = np.where(rng.random(52) < 0.5, 0.0, rng.gamma(3, 10, 52))
    assert moved(flights, flights).index == 0
    assert moved(flights, flights * 100).index > 0.25
    assert moved(flights, np.where(flights > 0, 0.0, 30.0)).index > 0.25
    flags = (rng.random(52) < 0.1).astype(float)
    assert moved(flags, flags).index == 0
    assert moved(flags, 1 - flags).zeros == (pytest.approx((flags == 0).mean()), pytest.approx((flags == 1).mean()))
    cold = rng.normal(0, 5, 52)
    warmer = moved(cold, cold + 8)
    assert warmer.index > 0.25
    assert warmer.distance == pytest.approx(ks_2samp(cold, cold + 8).statistic, abs=0.12)


def test_what_rows_share_is_one_observation(sales, sales_panel):
    weather = sales.assign(temperature=sales.groupby("week")["temperature"].transform("mean"))
    then = describe_columns(view_of(weather), ["temperature", "price"], "units")
    assert then["temperature"].telling == 52
    assert then["price"].telling > 150
    assert compare(then["price"], then["price"]).index == 0
