"""Columns mean x - ref, go on where training ended, and never hold a NaN."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.driver import Adstock, Saturation
from hierforecast.errors import PanelError
from hierforecast.hiref import Driver
from hierforecast.hiref.columns.design import fit_design
from hierforecast.hiref.columns.rows import read_rows
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

WEEKS = 60


def panel(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    weeks = pd.date_range("2023-01-02", periods=WEEKS, freq="W-MON")
    frame = pd.DataFrame([(s, w) for s in "ABC" for w in weeks], columns=["store", "week"])
    year = 2 * np.pi * frame["week"].dt.day_of_year / 365.25
    return frame.assign(
        units=1.0,
        price=rng.uniform(1, 3, len(frame)),
        regular=rng.uniform(2, 3, len(frame)),
        tv=rng.gamma(1.0, 10.0, len(frame)),
        warmth=15 + 10 * np.sin(year),
    )


def columns(frame: pd.DataFrame, driver: Driver, *, cut: int | None = None, training: Training | None = None):
    """The driver's column for all rows in the panel's order, from a design fitted on the first `cut` weeks."""
    settings = SalesPanel(levels=["store"], target=Target(name="units"), drivers=[driver])
    training = training or Training(seasonality=0)
    first = frame if cut is None else frame[frame["week"] < frame["week"].min() + pd.Timedelta(weeks=cut)]
    rows = read_rows(first, ["store"], "week", "week")
    design, X = fit_design(first, rows, settings, training)
    if cut is None:
        return rows.unsort(X[:, -1]), design
    rest = frame.drop(index=first.index)
    rest_rows = read_rows(rest, ["store"], "week", "week", origin=design.origin)
    series = rows.keys["store"].reset_index().set_index("store")["index"].reindex(rest_rows.keys["store"])
    after = design.matrix(rest, rest_rows, series.fillna(-1).astype(int).to_numpy())
    return np.concatenate([rows.unsort(X[:, -1]), rest_rows.unsort(after[:, -1])]), design


@pytest.mark.parametrize("saturation", [None, Saturation("hill", half=8.0, slope=1.5), Saturation("log", half=5.0)])
@pytest.mark.parametrize("cut", [20, 45])
def test_forecast_columns_equal_those_of_the_joined_panel(saturation, cut):
    frame = panel().sort_values("week", kind="stable").reset_index(drop=True)
    driver = Driver("tv", adstock=Adstock(0.7), saturation=saturation)
    whole, _ = columns(frame, driver)
    in_two, _ = columns(frame, driver, cut=cut)
    inside = np.arange(len(frame)) < 3 * cut
    np.testing.assert_allclose(in_two[inside], whole[inside])
    # After the cut columns are bounded by the range seen; inside of it both must agree.
    low, high = in_two[inside].min(), in_two[inside].max()
    margin = 0.5 * (high - low)
    np.testing.assert_allclose(in_two, np.where(inside, whole, np.clip(whole, low - margin, high + margin)))


def test_missing_weeks_count_as_no_exposure():
    frame = panel()
    gone = (frame["week"] == frame["week"].iloc[7]) & (frame["store"] == "B")
    driver = Driver("tv", adstock=Adstock(0.7))
    with_gap, _ = columns(frame[~gone].reset_index(drop=True), driver)
    with_zero, _ = columns(frame.assign(tv=frame["tv"].where(~gone, 0.0)), driver)
    np.testing.assert_allclose(with_gap, with_zero[~gone])


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (2.0, lambda f: np.log(f["price"] / 2.0)),
        ("mean", lambda f: np.log(f["price"] / f["price"].mean())),
        (0.0, lambda f: np.log(f["price"] / f["price"].mean())),
        ("regular", lambda f: np.log(f["price"] / f["regular"])),
    ],
)
def test_log_drivers_are_measured_from_their_reference(reference, expected):
    found, _ = columns(panel(), Driver("price", transform="log", reference=reference))
    np.testing.assert_allclose(found, expected(panel()))


def test_identity_drivers_too():
    found, _ = columns(panel(), Driver("price", reference="regular"))
    np.testing.assert_allclose(found, panel()["price"] - panel()["regular"])


def test_a_price_of_zero_adds_nothing():
    frame = panel()
    frame.loc[5, "price"] = 0.0
    found, _ = columns(frame, Driver("price", transform="log", reference="regular"))
    assert found[5] == 0.0
    assert np.isfinite(found).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_empty_drivers_are_named_counted_and_shown(bad):
    frame = panel()
    frame.loc[[3, 4], "price"] = bad
    with pytest.raises(PanelError, match=r"driver 'price' is empty or infinite in 2 rows.*store A.*2023-01-23"):
        columns(frame, Driver("price"))


def test_a_driver_nobody_knows_ahead_takes_its_seasonal_normal_and_not_the_truth():
    frame = panel().sort_values("week", kind="stable").reset_index(drop=True)
    driver = Driver("warmth", known_ahead=False)
    training = Training(seasonality=1)
    unknown = frame.assign(warmth=frame["warmth"].where(frame.index < 3 * 53))
    blind, _ = columns(unknown, driver, cut=53, training=training)
    cheated = frame.assign(warmth=frame["warmth"].where(frame.index < 3 * 53, 99.0))
    peeked, _ = columns(cheated, driver, cut=53, training=training)
    np.testing.assert_array_equal(blind, peeked)
    np.testing.assert_allclose(blind, frame["warmth"], atol=0.7)


def test_impossible_values_are_bounded_and_flagged():
    frame = panel().sort_values("week", kind="stable").reset_index(drop=True)
    frame.loc[frame.index >= 3 * 50, "price"] = 1e-6
    found, design = columns(frame, Driver("price", transform="log", reference=2.0), cut=50)
    facts = design.facts["price"]
    assert found.min() == pytest.approx(facts.low - 0.5 * (facts.high - facts.low))
    assert design.outside(found[:, None]).any(axis=1).tolist() == [False] * 150 + [True] * 30
