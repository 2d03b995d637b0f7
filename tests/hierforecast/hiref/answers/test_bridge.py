"""Bridges lead from one side to the other without a gap, and every part means what it says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierforecast.errors import PanelError, SettingsError
from hierforecast.hiref.answers.bridge import bridge

LEVELS = ["state", "brand", "pack"]
PARTS = ["volume", "mix", "price", "new", "lost"]


def sold(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["brand", "pack", "units", "price"])


def split_up(before, after, **options) -> pd.DataFrame:
    return bridge(sold(before), sold(after), ["brand", "pack"], units="units", price="price", **options)


def leads_across(table: pd.DataFrame) -> None:
    np.testing.assert_allclose(table["revenue_before"] + table[PARTS].sum(axis=1), table["revenue_after"], rtol=1e-9, atol=1e-6)


ROWS = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.sampled_from("xyz"), st.sampled_from([0.0, 1.0, 7.5, 4e6]), st.sampled_from([0.0, 0.5, 3.0])
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS, ROWS, st.sampled_from(["total", "brand", "bottom", ["pack"]]), st.sampled_from(["standard", "lmdi"]))
@settings(deadline=None)
def test_before_plus_parts_is_after(before, after, level, method):
    table = split_up(before, after, level=level, method=method)
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    leads_across(table)


@pytest.mark.parametrize("method", ["standard", "lmdi"])
def test_each_part_is_found_alone(method):
    base = [("A", "x", 10.0, 2.0), ("A", "y", 30.0, 4.0)]
    cases = {
        "volume": [("A", "x", 20.0, 2.0), ("A", "y", 60.0, 4.0)],
        "price": [("A", "x", 10.0, 2.2), ("A", "y", 30.0, 4.4)],
        "new": [*base, ("B", "x", 5.0, 3.0)],
        "lost": base[:1],
    }
    for part, after in cases.items():
        found = split_up(base, after, method=method).iloc[0]
        change = found["revenue_after"] - found["revenue_before"]
        assert found[part] == pytest.approx(change)
        assert found[[name for name in PARTS if name != part]].abs().max() == pytest.approx(0, abs=1e-9)


def test_mix_is_what_dearer_packs_bring():
    found = split_up([("A", "x", 10.0, 2.0), ("A", "y", 10.0, 4.0)], [("A", "x", 5.0, 2.0), ("A", "y", 15.0, 4.0)]).iloc[0]
    assert found["mix"] == pytest.approx(10.0)
    assert found[["volume", "price", "new", "lost"]].abs().max() == pytest.approx(0)


def test_what_is_given_away_is_a_matter_of_price():
    found = split_up([("A", "x", 10.0, 2.0)], [("A", "x", 40.0, 0.0)], method="lmdi").iloc[0]
    assert found["price"] == pytest.approx(-20.0)


def test_a_models_rows_are_bridged_with_sales_or_forecasts(model, split):
    train, holdout = split
    last_year = train[train["week"] < train["week"].min() + pd.Timedelta(weeks=8)]
    known = model.bridge(last_year, holdout, price="price", level="brand")
    leads_across(known)
    assert known["revenue_after"].sum() == pytest.approx((holdout["units"] * holdout["price"]).sum())
    plan = model.bridge(last_year, holdout.assign(units=np.nan), price="price")
    assert plan["revenue_after"].item() == pytest.approx((model.predict(holdout)["forecast"] * holdout["price"]).sum())
    pd.testing.assert_frame_equal(plan, model.bridge(last_year, holdout.drop(columns="units"), price="price"))


@pytest.mark.parametrize("level", ["total", "state", ["brand", "pack"]])
def test_drivers_bridge_forecasts(model, split, level):
    train, holdout = split
    before = train[(train["week"] < train["week"].min() + pd.Timedelta(weeks=8)) & (train["brand"] != "B1")]
    table = model.driver_bridge(before, holdout, level=level, detail="driver")
    parts = table.drop(columns=[name for name in (*LEVELS, "forecast_before", "forecast_after") if name in table])
    np.testing.assert_allclose(table["forecast_before"] + parts.sum(axis=1), table["forecast_after"], rtol=1e-9)
    assert table["forecast_after"].sum() == pytest.approx(model.predict(holdout)["forecast"].sum())
    assert table["forecast_before"].sum() == pytest.approx(model.predict(before, level="total")["forecast"].sum())


def test_the_same_rows_change_nothing(model, split):
    table = model.driver_bridge(split[1], split[1])
    assert table.drop(columns=["forecast_before", "forecast_after"]).abs().to_numpy().max() == 0


def test_mistakes_are_named(model, split):
    with pytest.raises(PanelError, match="did you mean 'price'"):
        model.bridge(split[0], split[1], price="prices")
    with pytest.raises(PanelError, match="below 0"):
        split_up([("A", "x", 1.0, -2.0)], [("A", "x", 1.0, 2.0)])
    with pytest.raises(SettingsError, match="did you mean 'lmdi'"):
        split_up([("A", "x", 1.0, 2.0)], [("A", "x", 1.0, 2.0)], method="ldmi")
    with pytest.raises(PanelError, match="did you mean 'brand'"):
        split_up([("A", "x", 1.0, 2.0)], [("A", "x", 1.0, 2.0)], level="brnd")


def test_rows_may_hold_categories_that_are_not_the_same_on_either_side():
    sides = [sold([("A", "x", 1, 2.0), ("B", "y", 2, 1.0)]), sold([("A", "x", 3, 2.0), ("C", "y", 2, 1.0)])]
    plain = bridge(*sides, ["brand", "pack"], units="units", price="price", level=["brand"])
    coded = bridge(
        *(side.astype({"brand": "category", "pack": "category"}) for side in sides),
        *(["brand", "pack"],),
        units="units",
        price="price",
        level=["brand"],
    )
    pd.testing.assert_frame_equal(plain, coded, check_dtype=False)
    assert plain["brand"].tolist() == ["A", "B", "C"]


def test_rows_are_a_frame():
    with pytest.raises(PanelError, match="wanted a pandas DataFrame"):
        bridge({}, sold([]), ["brand"], units="units", price="price")
