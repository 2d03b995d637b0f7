import numpy as np
import pandas as pd
import pytest

from hierforecast import metrics

ACTUAL, FORECAST = np.array([10.0, 0.0, 30.0]), np.array([12.0, 1.0, 24.0])


def test_by_hand():
    assert metrics.wape(ACTUAL, FORECAST) == pytest.approx(9 / 40)
    assert metrics.mae(ACTUAL, FORECAST) == pytest.approx(3.0)
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(np.sqrt(41 / 3))
    assert metrics.bias(ACTUAL, FORECAST) == pytest.approx(-3 / 40)
    assert metrics.coverage(ACTUAL, FORECAST - 3, FORECAST + 3) == pytest.approx(2 / 3)
    assert metrics.mase(ACTUAL, FORECAST, np.array([2.0, 1.0, np.nan])) == pytest.approx(1.0)


def test_nothing_to_measure_is_nan_not_zero():
    assert np.isnan(metrics.wape(np.zeros(3), FORECAST))
    assert np.isnan(metrics.coverage(ACTUAL, np.full(3, np.nan), np.full(3, np.nan)))
    assert np.isnan(metrics.mase(ACTUAL, FORECAST, np.zeros(3)))


def panel(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [["A", "B"], ["x", "y", "z"], pd.date_range("2024-01-01", periods=12, freq="W-MON")],
        names=["region", "brand", "period"],
    )
    frame = keys.to_frame(index=False).assign(actual=rng.gamma(5, 4, len(keys)), forecast=rng.gamma(5, 4, len(keys)))
    frame = frame.assign(lower=frame["forecast"] - 8, upper=frame["forecast"] + 8)
    late = frame["period"] >= "2024-02-26"
    return frame[~late], frame[late]


def test_levels_are_sums_of_the_bottom():
    history, holdout = panel(3)
    table = metrics.score_levels(holdout, ["region", "brand"], history=history).set_index("level")
    assert list(table.index) == ["bottom", "region", "brand", "total"]
    weekly = holdout.groupby("period")[["actual", "forecast"]].sum()
    assert table.loc["total", "wape"] == pytest.approx(metrics.wape(weekly["actual"].to_numpy(), weekly["forecast"].to_numpy()))
    assert table["bias"].to_numpy() == pytest.approx(np.full(4, table.loc["bottom", "bias"]))  # errors add up, so bias is one
    assert table["wape"].is_monotonic_decreasing  # errors cancel on the way up
    assert table["cells"].tolist() == [24, 8, 12, 4]
    assert table.loc["bottom", "coverage"] == pytest.approx(
        metrics.coverage(*(holdout[name].to_numpy() for name in ("actual", "lower", "upper")))
    )
    assert table.loc[["region", "total"], "coverage"].isna().all()


def test_bounds_of_sums_are_scored_where_they_are_given():
    history, holdout = panel(3)
    sums = holdout.groupby(["region", "period"])[["actual", "forecast"]].sum().reset_index()
    bounds = sums.assign(lower=sums["forecast"] - 20, upper=sums["forecast"] + 20).sample(frac=1.0, random_state=0)
    table = metrics.score_levels(holdout, ["region", "brand"], history=history, bounds={"region": bounds})
    covered = table.set_index("level")["coverage"]
    assert covered["region"] == pytest.approx(((sums["actual"] - sums["forecast"]).abs() <= 20).mean())
    assert 0 < covered["region"] < 1
    assert np.isnan(covered["total"]) and np.isfinite(covered["bottom"])


def test_mase_of_last_value_is_about_one():
    rng = np.random.default_rng(0)
    walk = 100 + rng.normal(size=400).cumsum()
    periods = pd.date_range("2015-01-05", periods=400, freq="W-MON")
    frame = pd.DataFrame(
        {"sku": "a", "period": periods, "actual": walk, "forecast": np.roll(walk, 1), "lower": np.nan, "upper": np.nan}
    )
    table = metrics.score_levels(frame[200:], ["sku"], history=frame[:200])
    assert table["mase"].iloc[0] == pytest.approx(1.0, abs=0.2)


def test_horizons_by_hand_and_in_sum():
    history, holdout = panel(3)
    table = metrics.score_horizons(holdout, ["region", "brand"])
    horizons = table.groupby("level", sort=False)["horizon"].apply(list).to_dict()
    assert list(horizons) == ["bottom", "region", "brand", "total"]
    assert all(ahead == [1, 2, 3, 4] for ahead in horizons.values())
    scores = metrics.score_levels(holdout, ["region", "brand"], history=history).set_index("level")
    sold = holdout.groupby("period")["actual"].sum().to_numpy()
    for level, rows in table.groupby("level"):
        assert (rows["wape"] * sold).sum() / sold.sum() == pytest.approx(scores.loc[level, "wape"])
        assert (rows["bias"] * sold).sum() / sold.sum() == pytest.approx(scores.loc[level, "bias"])
    assert table.loc[table["level"] == "bottom", "coverage"].mean() == pytest.approx(scores.loc["bottom", "coverage"])
    assert table.loc[table["level"] != "bottom", "coverage"].isna().all()


def test_horizons_tell_coverage_of_sums_that_have_bounds():
    _, holdout = panel(3)
    total = holdout.groupby("period", as_index=False)["actual"].sum()
    low, high = total["actual"] - 1, total["actual"] + [1, 1, -0.5, 1]
    bounds = {"total": total.assign(lower=low, upper=high)}
    table = metrics.score_horizons(holdout, ["region", "brand"], bounds=bounds).set_index(["level", "horizon"])
    assert table.loc["total", "coverage"].tolist() == [1.0, 1.0, 0.0, 1.0]


def test_periods_in_which_nothing_was_sold_have_no_share():
    _, holdout = panel(3)
    table = metrics.score_horizons(holdout.assign(actual=0.0), ["region", "brand"])
    assert table["wape"].isna().all()
