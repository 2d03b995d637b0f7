"""Returns: by hand, against known truth, adding up over windows and nodes, and against finite differences."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hierforecast import results
from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.effects import curve, reach_of, weeks_between
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.response import Coefficients, Saturation, Weeks, media_draws, saturate, saturation_slope
from hierforecast.precision.roi import response_curves, roi_draws, roi_table
from tests.support.made_posterior import HIERARCHY, made_spend, made_weeks, posterior

NATIONAL = Path(__file__).parents[4] / "shared" / "data" / "mmm_national"
KINDS = ["none", "log", "hill"]


def extended(weeks, later=400):
    """The same weeks and many without exposure."""
    media = np.hstack([weeks.media, np.zeros((len(weeks.media), later))])
    return weeks._replace(media=media, periods=pd.Series(range(media.shape[1])), design=np.zeros((media.shape[1], 0)))


def brute_force(coefficients, weeks, window, tactical):
    """The definition itself, on `media_draws`."""
    with_all = extended(weeks)
    without = with_all.media.copy()
    without[tactical, np.flatnonzero(window)] = 0.0
    left = media_draws(tactical, coefficients, with_all._replace(media=without))
    return (media_draws(tactical, coefficients, with_all) - left).sum(axis=1)


def test_one_tactical_by_hand():
    one = np.ones((1, 1))
    tree = build_hierarchy({"TV": ["spot"]}, ["t", "c"])
    coefficients = posterior(draws=1, tacticals=1)._replace(
        beta=100 * one, decay=0.5 * one, saturation=Saturation("log", 1.0 * one, one)
    )
    weeks = Weeks(pd.Series([0, 1]), np.array([[2.0, 0.0]]), np.zeros((1, 0)), np.zeros((2, 0)), ())
    table = roi_table(coefficients, weeks, np.array([[50.0], [0.0]]), tree).set_index("level")
    carried = 0.5 ** np.arange(25)  # 2 (1 - 0.5) 0.5^k, also after the second and last week
    wanted = 100 * np.log1p(carried).sum() / np.log(2)
    assert table.loc["t", "contribution"] == pytest.approx(wanted, rel=1e-5)
    assert table.loc["t", "roi"] == pytest.approx(wanted / 50, rel=1e-5)
    assert table.loc["t", "cost_per_unit"] == pytest.approx(50 / wanted, rel=1e-5)
    slope = 100 * (carried / (1 + carried)).sum() / np.log(2)
    assert table.loc["t", "marginal_roi"] == pytest.approx(slope / 50, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_curve_is_the_models_saturation_and_its_derivatives(kind):
    u, half, slope = np.linspace(0.05, 6, 50), 0.7, 1.4
    value, steep, bend = curve(kind, u / half, np.array(slope))
    worth = 1 / curve(kind, np.array(1 / half), np.array(slope))[0]
    assert worth * value == pytest.approx(saturate(kind, u, half, slope))
    assert worth * steep / half == pytest.approx(saturation_slope(kind, u, np.array(half), np.array(slope)))
    further = curve(kind, u / half + 1e-6, np.array(slope))[1]
    assert (further - steep) / 1e-6 == pytest.approx(bend, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("memory", [None, 4])
def test_effect_is_its_definition(kind, memory):
    coefficients, weeks = posterior(kind, memory=memory, slope=(1.0, 2.0)), made_weeks(earlier=6)
    window = np.zeros(20, dtype=bool)
    window[[5, 6, 7, 12]] = True
    for tactical in range(3):
        reach = reach_of(tactical, coefficients, weeks, window)
        assert reach.effect(reach.plan) == pytest.approx(brute_force(coefficients, weeks, window, tactical), rel=1e-4)


@pytest.mark.parametrize("memory", [None, 5])
def test_without_saturation_windows_add_up_to_all_that_media_bring(memory):
    coefficients, weeks = posterior(memory=memory), made_weeks()
    spend, parts = made_spend(weeks), np.arange(20) // 6
    pieces = [roi_draws(coefficients, weeks, spend, HIERARCHY, window=parts == part).contribution for part in range(4)]
    whole = roi_draws(coefficients, weeks, spend, HIERARCHY).contribution
    assert np.sum(pieces, axis=0) == pytest.approx(whole)
    brought = sum(media_draws(place, coefficients, extended(weeks)).sum(axis=1) for place in range(3))
    assert whole[:, -1] == pytest.approx(brought)


@pytest.mark.parametrize("kind", KINDS)
def test_nodes_add_up_and_the_total_is_their_weighted_return(kind):
    coefficients, weeks = posterior(kind), made_weeks()
    table = roi_table(coefficients, weeks, made_spend(weeks), HIERARCHY)
    assert list(table.columns) == list(results.ROI.columns)
    total = table.iloc[-1]
    assert (total["level"], total["node"]) == ("total", "total")
    for level in HIERARCHY.levels:
        rows = table[table["level"] == level]
        assert rows["contribution"].sum() == pytest.approx(total["contribution"])
        assert rows["spend"].sum() == pytest.approx(total["spend"])
        assert (rows["roi"] * rows["spend"]).sum() / total["spend"] == pytest.approx(total["roi"])
    assert table["roi"].between(table["lower"], table["upper"]).all()
    if kind == "none":
        assert table["marginal_roi"].to_numpy() == pytest.approx(table["roi"].to_numpy())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("memory", [None, 4])
def test_marginal_roi_is_the_finite_difference(kind, memory):
    coefficients, weeks = posterior(kind, memory=memory, slope=(0.7, 2.0)), made_weeks(earlier=5)
    spend, window, step = made_spend(weeks), np.arange(20) >= 14, 1e-5
    table = roi_draws(coefficients, weeks, spend, HIERARCHY, window=window)
    sides = []
    for sign in (1, -1):
        media = np.where(window, weeks.media * (1 + sign * step), weeks.media)
        sides.append(roi_draws(coefficients, weeks._replace(media=media), spend, HIERARCHY, window=window).contribution)
    assert table.marginal_roi == pytest.approx((sides[0] - sides[1]) / (2 * step) / table.spend, rel=1e-5)


def test_return_does_not_depend_on_currency_but_on_what_a_unit_is_worth():
    coefficients, weeks = posterior("log"), made_weeks()
    spend = made_spend(weeks)
    once = roi_table(coefficients, weeks, spend, HIERARCHY)
    assert roi_table(coefficients, weeks, 100 * spend, HIERARCHY)["roi"].to_numpy() * 100 == pytest.approx(
        once["roi"].to_numpy()
    )
    assert roi_table(coefficients, weeks, spend, HIERARCHY, value=3.0)["roi"].to_numpy() == pytest.approx(
        3 * once["roi"].to_numpy()
    )


def test_without_spend_there_is_a_reason_and_the_nodes_above_do_not_count_it():
    coefficients, weeks = posterior("hill"), made_weeks()
    spend = made_spend(weeks)
    spend[:, 1] = 0.0
    table = roi_table(coefficients, weeks, spend, HIERARCHY).set_index("node")
    assert table.loc["brand", "reason"] == "no spend in the window"
    assert np.isnan(table.loc["brand", ["roi", "lower", "marginal_roi", "cost_per_unit"]].astype(float)).all()
    assert table.loc["brand", "contribution"] > 0
    assert table.loc["Web", "contribution"] == pytest.approx(table.loc["generic", "contribution"])
    assert (table.drop("brand")["reason"] == "").all()
    assert set(response_curves(coefficients, weeks, spend, HIERARCHY)["node"]) == set(table.index) - {"brand"}


def test_response_curves_pass_through_the_current_plan():
    coefficients, weeks = posterior("hill"), made_weeks()
    spend, window = made_spend(weeks), weeks_between(made_weeks().periods, "2024-03-01")
    table = roi_table(coefficients, weeks, spend, HIERARCHY, window=window)
    curves = response_curves(coefficients, weeks, spend, HIERARCHY, window=window)
    assert list(curves.columns) == list(results.RESPONSE.columns)
    now = curves[curves["multiple"] == 1.0].reset_index(drop=True)
    for there, here in (("contribution", "effect"), ("spend", "spend"), ("marginal_roi", "marginal_roi")):
        assert now[here].to_numpy() == pytest.approx(table[there].to_numpy())
    assert (curves.loc[curves["multiple"] == 0.0, "effect"] == 0).all()
    assert (curves.groupby("node")["effect"].diff().dropna() > 0).all()


def test_what_does_not_fit_is_told():
    coefficients, weeks = posterior(), made_weeks()
    spend = made_spend(weeks)
    with pytest.raises(PanelError, match=r"wanted shape \(20, 3\)"):
        roi_table(coefficients, weeks, spend.T, HIERARCHY)
    with pytest.raises(PanelError, match="is -1 in week 1"):
        roi_table(coefficients, weeks, np.full_like(spend, -1), HIERARCHY)
    with pytest.raises(PanelError, match="window must be bool"):
        roi_table(coefficients, weeks, spend, HIERARCHY, window=np.zeros(20, dtype=bool))
    with pytest.raises(PanelError, match="no period lies between"):
        weeks_between(weeks.periods, "2030-01-01")
    with pytest.raises(SettingsError, match="multiples"):
        response_curves(coefficients, weeks, spend, HIERARCHY, multiples=(-1.0,))


def test_the_national_truth_is_found_when_the_draws_are_the_truth():
    if not NATIONAL.is_dir():
        pytest.skip(f"the national test data are not at {NATIONAL}")
    truth = json.loads((NATIONAL / "national_truth.json").read_text())
    names, media = list(truth["media"]), list(truth["media"].values())
    spend = pd.read_csv(NATIONAL / "national.csv")[names].to_numpy()
    typical = np.array([column[column > 0].mean() for column in spend.T])
    one = np.ones((1, len(names)))
    coefficients = Coefficients(
        baseline=np.zeros(1),
        beta=typical * np.array([[medium["beta"] for medium in media]]),
        decay=np.array([[medium["alpha"] for medium in media]]),
        saturation=Saturation("none", one, one),
        memory=truth["adstock"]["l_max"],
        control=np.zeros((1, 0)),
        noise=np.ones(1),
        correlation=np.zeros(1),
        tails=np.ones(1),
    )
    weeks = Weeks(pd.Series(range(len(spend))), (spend / typical).T, np.zeros((len(names), 0)), np.zeros((len(spend), 0)), ())
    table = roi_table(coefficients, weeks, spend, build_hierarchy({"all": names}, ["tactical", "all"]))
    roi = table["roi"].to_numpy()[: len(names)]
    # The file's beta is what a currency unit brings in the end; its roi leaves out what is carried past the last week.
    assert roi == pytest.approx([medium["beta"] for medium in media], rel=1e-9)
    carried_past = [table["contribution"][place] - media_draws(place, coefficients, weeks).sum() for place in range(len(names))]
    within = roi - np.array(carried_past) / spend.sum(axis=0)
    assert within == pytest.approx([medium["roi"] for medium in media], rel=1e-6)
    assert roi == pytest.approx([medium["roi"] for medium in media], rel=0.02)
