"""Nothing in a column comes from later than it may: the future is perturbed, and no feature moves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hierforecast.errors import PanelError
from hierforecast.hiref import Driver
from hierforecast.hiref.columns.rows import read_rows

DRIVERS = ["price", "regular", "tv", "radio", "trade", "web", "warmth"]


def perturbed(frame, after, seed):
    """Every number of a date later than `after` is another one."""
    rng = np.random.default_rng(seed)
    later = frame["week"] > after
    changes = {name: frame[name].where(~later, rng.gamma(1.0, 50.0, len(frame))) for name in [*DRIVERS, "units"]}
    return frame.assign(**changes)


def columns_after(frame, fitted, **options):
    rows = read_rows(frame, ["store"], "week", "week", origin=fitted.design.origin)
    places = np.array(["ABCD".find(name) for name in rows.keys["store"]])
    return rows.unsort(fitted.design.matrix(frame, rows, places, **options))


@hypothesis_settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, 68), seed=st.integers(0, 1000))
def test_no_training_column_sees_a_later_value(new_frame, new_settings, fit, training, cut, seed):
    frame = new_frame()
    declared = new_settings()
    after = frame["week"].min() + np.timedelta64(7 * cut, "D")
    truth = fit(frame, declared, training)
    # What is learned from all rows (means, ranges) stays: the law is about the features made with it.
    changed = perturbed(frame, after, seed)
    carry = truth.design.new_carry(4)
    value = np.log(changed["units"].to_numpy()[truth.rows.order])
    X, _ = truth.design.training_columns(changed, truth.rows, np.arange(4), carry, value=value)
    early = truth.rows.dates <= after
    np.testing.assert_array_equal(X[early], truth.X[early])
    assert not np.allclose(X[~early], truth.X[~early])


@hypothesis_settings(max_examples=15, deadline=None)
@given(cut=st.integers(56, 68), seed=st.integers(0, 1000))
def test_no_forecast_column_sees_a_later_value(new_frame, new_settings, fit, training, cut, seed):
    frame = new_frame()
    dates = np.sort(frame["week"].unique())
    fitted = fit(frame[frame["week"] < dates[55]].reset_index(drop=True), new_settings(), training)
    after = dates[cut]
    found, moved = columns_after(frame, fitted), columns_after(perturbed(frame, after, seed), fitted)
    early = (frame["week"] <= after).to_numpy()
    np.testing.assert_array_equal(found[early], moved[early])


def test_what_nobody_knows_ahead_is_never_read_after_training(frame, settings, fit, training):
    cut = np.sort(frame["week"].unique())[55]
    later = frame["week"] >= cut
    fitted = fit(frame[~later].reset_index(drop=True), settings, training)
    blind = columns_after(frame.assign(warmth=frame["warmth"].where(~later)), fitted)
    np.testing.assert_array_equal(blind, columns_after(frame, fitted))
    np.testing.assert_array_equal(blind[later], columns_after(frame[later].drop(columns="warmth"), fitted))
    told = columns_after(frame, fitted, assumed=["warmth"])
    places = fitted.design.drivers["warmth"]
    assert not np.allclose(told[later, places], blind[later, places])


def test_availability_decides_between_the_true_value_and_the_season(frame, new_settings, fit, training):
    """With a lag of 3 and availability 2: one period ahead the value of `end - 2` is known, two ahead it is not."""
    driver = Driver("warmth", reference="mean", known_ahead=False, availability_lag=2, lags=(3,))
    dates = np.sort(frame["week"].unique())
    early = frame["week"] < dates[55]
    fitted = fit(frame[early].reset_index(drop=True), new_settings([driver], target_lags=[], holidays=None), training)
    place = fitted.design.drivers["warmth"].start
    ahead = columns_after(frame[~early], fitted)[:, place]
    rest = frame[~early]
    known = frame[frame["week"] == dates[52]].set_index("store")["warmth"] - fitted.design.facts["warmth"].reference
    first = (rest["week"] == dates[55]).to_numpy() & rest["store"].isin(known.index).to_numpy()
    np.testing.assert_allclose(ahead[first], known[rest["store"][first]])
    unmoved = replace(fitted.design, expected={"warmth": np.zeros((4, 3))})
    no_season = columns_after(rest, fitted._replace(design=unmoved))[:, place]
    np.testing.assert_allclose(no_season[first], ahead[first])
    assert (no_season[(rest["week"] > dates[55]).to_numpy()] == 0).all()


@pytest.mark.parametrize("cut", [54, 60])
def test_forecast_columns_go_on_as_the_whole_panel_would(frame, new_settings, fit, training, cut):
    """Where values are planned, a cut between training and forecast changes nothing but the bounds."""
    drivers = [driver for driver in new_settings().drivers if driver.known_ahead]
    declared = new_settings(drivers, target_lags=[])
    dates = np.sort(frame["week"].unique())
    early = (frame["week"] < dates[cut]).to_numpy()
    fitted = fit(frame[early].reset_index(drop=True), declared, training)
    rows = read_rows(frame, ["store"], "week", "week", origin=fitted.design.origin)
    places = np.array(["ABCD".find(name) for name in rows.keys["store"]])
    X, _ = fitted.design.training_columns(frame, rows, places, fitted.design.new_carry(4))
    whole, found = rows.unsort(X), columns_after(frame, fitted)
    np.testing.assert_array_equal(found, columns_after(frame, fitted, assumed=["price"]))
    np.testing.assert_allclose(found[~early], columns_after(frame[~early], fitted), rtol=1e-12)
    for driver in declared.drivers:
        facts, where = fitted.design.facts[driver.name], fitted.design.drivers[driver.name]
        margin = 0.5 * (facts.high - facts.low)
        bounded = np.clip(whole[:, where], facts.low - margin, facts.high + margin)
        np.testing.assert_allclose(found[:, where], bounded, rtol=1e-11, atol=1e-12)


def test_a_new_series_starts_from_nothing(frame, settings, fit, training):
    cut = np.sort(frame["week"].unique())[55]
    fitted = fit(frame[frame["week"] < cut].reset_index(drop=True), settings, training)
    new = frame[(frame["week"] >= cut) & (frame["store"] == "A")].assign(store="Z").sort_values("week").reset_index(drop=True)
    found = columns_after(new, fitted)
    places = fitted.design.drivers["tv"]
    assert np.isfinite(found).all()
    assert found[0, places].tolist()[1] == 0.0
    first = new.loc[0, "tv"] * 0.3
    np.testing.assert_allclose(found[0, places.start], first / (first + fitted.design.facts["tv"].half))


@pytest.mark.parametrize("driver", [Driver("warmth", reference="mean"), Driver("warmth", transform="log", lags=(0, 1))])
def test_values_that_cannot_be_known_yet_may_be_missing_at_the_end_of_training(frame, new_settings, fit, training, driver):
    driver = replace(driver, known_ahead=False, availability_lag=2)
    declared = new_settings([driver], target_lags=[], holidays=None)
    dates = np.sort(frame["week"].unique())
    late = (frame["week"] > dates[-3]).to_numpy()
    fitted = fit(frame.assign(warmth=frame["warmth"].where(~late)), declared, training)
    places = fitted.design.drivers["warmth"]
    assert (fitted.rows.unsort(fitted.X)[late, places.start] == 0).all()
    told = fitted.design.facts["warmth"].reference
    known = frame["warmth"][~late]
    assert told == pytest.approx(known.mean() if driver.transform == "identity" else known[known > 0].mean())
    with pytest.raises(PanelError, match="driver 'warmth' is empty or infinite"):
        fit(frame.assign(warmth=frame["warmth"].where(frame["week"] != dates[-3])), declared, training)
