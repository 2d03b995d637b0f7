"""Reconciled forecasts add up exactly and are not worse for it."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError, SettingsError
from hierforecast.hiref.answers.coherence import reconcile

LEVELS = ["state", "brand", "pack"]
AT = ["total", "state", ["brand", "pack"]]


def nodes_of(table: pd.DataFrame, level: str) -> pd.DataFrame:
    return table[table["level"] == level].pivot_table(index="node", columns="week", values="forecast")


def adds_up(table: pd.DataFrame) -> None:
    total = nodes_of(table, "total").sum().to_numpy()
    bottom = nodes_of(table, "bottom")
    for level in ("state", "brand x pack", "bottom"):
        np.testing.assert_allclose(nodes_of(table, level).sum(), total, rtol=1e-9)
    state = bottom.groupby(bottom.index.str.split(" / ").str[0]).sum()
    np.testing.assert_allclose(state, nodes_of(table, "state"), rtol=1e-9)
    assert (table["forecast"] >= 0).all()


@pytest.fixture(scope="module")
def past(split):
    """The last year of training."""
    return split[0][split[0]["week"] >= split[0]["week"].max() - pd.Timedelta(weeks=51)]


@pytest.mark.parametrize("method", ["mint_shrink", "wls_var", "wls_struct", "ols"])
def test_what_adds_up_already_stays(model, split, past, method):
    table = reconcile(model, past, split[1], AT, method=method)
    np.testing.assert_allclose(table["forecast"], table["base"], rtol=1e-6)
    adds_up(table)


def test_a_good_forecast_of_the_total_mends_biased_series(model, split, past):
    """Series forecast 10 % too high; the total's own forecast is right."""

    class Biased:
        panel = model.panel

        def predict(self, rows, *, statistic=None):
            return model.predict(rows, statistic=statistic).assign(forecast=lambda t: 1.1 * t["forecast"])

    both = pd.concat([past, split[1]])
    own = {"total": both.groupby("week", as_index=False)["units"].sum().rename(columns={"units": "forecast"})}
    own["total"]["forecast"] *= 1.0 + np.random.default_rng(0).normal(0, 0.005, len(own["total"]))
    table = reconcile(Biased(), past, split[1], AT, own=own)
    adds_up(table)
    truth = (
        split[1].assign(node=split[1][LEVELS].agg(" / ".join, axis=1)).pivot_table(index="node", columns="week", values="units")
    )
    bottom = table[table["level"] == "bottom"]
    error = {
        column: np.abs(bottom.pivot_table(index="node", columns="week", values=column) - truth).to_numpy().sum()
        for column in ("base", "forecast")
    }
    assert error["forecast"] < 0.9 * error["base"]
    assert abs(nodes_of(table, "total").to_numpy().sum() / truth.to_numpy().sum() - 1) < 0.02


def test_mistakes_are_named(model, split, past):
    with pytest.raises(SettingsError, match="did you mean 'mint_shrink'"):
        reconcile(model, past, split[1], AT, method="mint_shrunk")
    with pytest.raises(PanelError, match="no level 'city'"):
        reconcile(model, past, split[1], ["city"])
    short = pd.DataFrame({"week": split[1]["week"].unique()[:3], "forecast": 1.0})
    with pytest.raises(PanelError, match="lack 5 of 8 nodes and periods"):
        reconcile(model, past, split[1], AT, own={"total": short})
    with pytest.raises(PanelError, match="own forecasts are given for 'brand'"):
        reconcile(model, past, split[1], AT, own={"brand": short})


def test_series_may_be_named_among_the_levels(model, split, past):
    plain, named = (reconcile(model, past, split[1], levels) for levels in (["total", "state"], ["bottom", "total", "state"]))
    pd.testing.assert_frame_equal(plain, named)


def test_a_plan_in_the_history_is_no_history(model, split, past):
    plan = split[1].assign(units=np.nan)
    both = pd.concat([past, split[1]])
    own = {"total": both.groupby("week", as_index=False)["units"].sum().rename(columns={"units": "forecast"})}
    found = [reconcile(model, rows, split[1], AT, own=own) for rows in (past, pd.concat([past, plan]))]
    assert not np.allclose(found[0]["forecast"], found[0]["base"], rtol=0.001)
    pd.testing.assert_frame_equal(*found)


def test_errors_that_cannot_be_measured_are_told(model, split, past):
    with pytest.raises(PanelError, match="in 1 periods, and errors are measured on at least 3"):
        reconcile(model, past[past["week"] == past["week"].max()], split[1], AT)
    with pytest.raises(PanelError, match="in 0 periods"):
        reconcile(model, past.assign(state="elsewhere"), split[1], AT)


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_level_is_named(model, split, past, place):
    frames = [past, split[1]]
    frames[place] = frames[place].drop(columns="state")
    with pytest.raises(PanelError, match="no column for level 'state'"):
        reconcile(model, *frames, AT)
