"""Baselines say what they are: last year, lately, and learned ones that beat both where there is something to learn."""

import importlib

import numpy as np
import pandas as pd
import pytest

from hierforecast import splits
from hierforecast.baselines import BASELINES, find_baseline, table
from hierforecast.driver import Driver
from hierforecast.errors import BaselineError
from hierforecast.metrics import wape
from hierforecast.schema import SalesPanel, Target

LEARNED = ("lightgbm", "lightgbm_poisson")
LEVELS = ["state", "brand"]


def make_panel(*, weeks: int = 130, first: str = "2022-01-03", freq: str = "W-MON") -> pd.DataFrame:
    """Sales that fall with price and swing with the year, in 12 series."""
    rng = np.random.default_rng(5)
    keys = pd.MultiIndex.from_product([["North", "South", "West"], ["A", "B", "C", "D"]], names=LEVELS).to_frame(index=False)
    shape = (len(keys), weeks)
    price = np.exp(rng.normal(0, 0.2, shape))
    season = 0.5 * np.sin(2 * np.pi * np.arange(weeks) / (12 if freq == "MS" else 52))
    units = np.exp(3 + rng.normal(0, 0.7, (len(keys), 1)) + season - 2 * np.log(price) + rng.normal(0, 0.1, shape))
    panel = keys.loc[keys.index.repeat(weeks)].reset_index(drop=True)
    panel["week"] = np.tile(pd.date_range(first, periods=weeks, freq=freq).to_numpy(), len(keys))
    return panel.assign(units=units.ravel(), price=price.ravel())


def settings_of(**options) -> SalesPanel:
    drivers = [Driver("price", sign="-", transform="log")]
    return SalesPanel(levels=LEVELS, drivers=drivers, target=Target(name="units"), horizon=13, **options)


@pytest.fixture(scope="module")
def fold():
    return splits.last_weeks(make_panel(), 13)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_forecasts_every_row_in_the_order_it_was_asked(fold, name):
    small = fold.train[fold.train["state"] == "North"], fold.holdout[fold.holdout["state"] == "North"]
    shuffled = small[1].sample(frac=1, random_state=1).drop(columns="units")
    forecast = find_baseline(name)(small[0], shuffled, settings_of())
    straight = find_baseline(name)(small[0], small[1].drop(columns="units"), settings_of())
    assert np.isfinite(forecast).all()
    assert (forecast >= 0).all()
    assert np.allclose(pd.Series(forecast, index=shuffled.index).loc[small[1].index], straight)


def test_seasonal_naive_is_the_year_before_to_the_row(fold):
    forecast = find_baseline("seasonal_naive")(fold.train, fold.holdout, settings_of())
    then = fold.holdout.assign(week=fold.holdout["week"] - pd.Timedelta(weeks=52))
    known = fold.train.set_index([*LEVELS, "week"])["units"]
    assert np.allclose(forecast, known.loc[pd.MultiIndex.from_frame(then[[*LEVELS, "week"]])])


def test_seasonal_naive_of_months_looks_twelve_back_and_further_where_it_must():
    panel = make_panel(weeks=60, first="2019-01-01", freq="MS")
    train, test = splits.last_periods(panel, 18)
    forecast = find_baseline("seasonal_naive")(train, test, settings_of(frequency="month"))
    later = test[test["week"] == test["week"].max()].index
    known = train.set_index([*LEVELS, "week"])["units"]
    back = test.loc[later].assign(week=test["week"].max() - pd.DateOffset(years=2))
    assert np.allclose(pd.Series(forecast, test.index).loc[later], known.loc[pd.MultiIndex.from_frame(back[[*LEVELS, "week"]])])


def test_moving_average_is_the_mean_of_the_last_eight_rows(fold):
    forecast = pd.Series(find_baseline("moving_average")(fold.train, fold.holdout, settings_of()), fold.holdout.index)
    series = fold.train[(fold.train["state"] == "West") & (fold.train["brand"] == "C")].sort_values("week")
    asked = fold.holdout[(fold.holdout["state"] == "West") & (fold.holdout["brand"] == "C")].index
    assert np.allclose(forecast.loc[asked], series["units"].tail(8).mean())


@pytest.mark.parametrize("name", BASELINES)
def test_a_new_series_and_a_gap_are_answered(fold, name):
    gap = fold.train["week"].isin(fold.train["week"].unique()[60:70])
    known = fold.train[
        ~((fold.train["brand"] == "D") & (fold.train["state"] == "South")) & ~(gap & (fold.train["brand"] == "A"))
    ]
    small = known[known["state"] == "South"], fold.holdout[fold.holdout["state"] == "South"]
    assert np.isfinite(find_baseline(name)(*small, settings_of())).all()


@pytest.mark.parametrize("name", LEARNED)
def test_trees_learn_what_price_does(fold, name):
    actual = fold.holdout["units"].to_numpy()
    learned = wape(actual, find_baseline(name)(fold.train, fold.holdout, settings_of()))
    naive = wape(actual, find_baseline("seasonal_naive")(fold.train, fold.holdout, settings_of()))
    assert learned < 0.6 * naive


@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_reads_the_sales_it_is_to_forecast(fold, name):
    small = fold.train[fold.train["state"] == "North"], fold.holdout[fold.holdout["state"] == "North"]
    told = find_baseline(name)(*small, settings_of())
    changed = find_baseline(name)(small[0], small[1].assign(units=1e6), settings_of())
    assert np.array_equal(told, changed)


def test_an_unknown_baseline_is_told():
    with pytest.raises(BaselineError, match="no baseline 'lightgb'; did you mean 'lightgbm'"):
        find_baseline("lightgb")


def test_a_missing_extra_is_told(fold, monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(table, "import_module", absent)
    with pytest.raises(BaselineError, match=r"lightgbm is not installed.*pip install 'hierforecast\[baselines\]'"):
        find_baseline("lightgbm")(fold.train, fold.holdout, settings_of())
    assert importlib.import_module("hierforecast.baselines")  # which itself needs no extra


@pytest.mark.parametrize("name", BASELINES)
def test_a_month_without_any_row_is_still_a_month(name):
    """What came before it does not move nearer."""
    panel = make_panel(weeks=60, first="2019-01-01", freq="MS")
    train, test = splits.last_periods(panel[panel["state"] == "North"], 6)
    hole = train[train["week"] != pd.Timestamp("2022-05-01")]
    assert len(table.dense(hole, settings_of(frequency="month"))) == 54
    assert np.isfinite(find_baseline(name)(hole, test, settings_of(frequency="month"))).all()


def test_weeks_are_the_same_whatever_weekday_they_are_dated_at(fold):
    def sundays(rows):
        late = rows["brand"] == "B"
        return rows.assign(week=rows["week"].where(~late, rows["week"] + pd.Timedelta(days=6)))

    found = find_baseline("seasonal_naive")(sundays(fold.train), sundays(fold.holdout), settings_of())
    assert np.allclose(found, find_baseline("seasonal_naive")(fold.train, fold.holdout, settings_of()))
    assert np.allclose(table.dense(sundays(fold.train), settings_of()), table.dense(fold.train, settings_of()), equal_nan=True)
