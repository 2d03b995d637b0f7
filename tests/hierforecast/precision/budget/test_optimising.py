"""The best plan: as good as a fine grid, never worse than the current one, within its limits, and at the target."""

import itertools

import numpy as np
import pytest

from hierforecast import results
from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.budget import optimise_budget
from hierforecast.precision.budget.aims import Aim
from hierforecast.precision.budget.spend_limits import Bound
from hierforecast.precision.effects import reach_of
from hierforecast.precision.roi import roi_draws, roi_table
from tests.support.made_posterior import HIERARCHY, made_spend, made_weeks, posterior

WINDOW = np.arange(20) >= 12
S_CURVES = {"kind": "hill", "slope": (1.5, 3.0)}


def case(kind="log", **changes):
    coefficients, weeks = posterior(kind, **changes), made_weeks(earlier=4)
    return coefficients, weeks, made_spend(weeks)


def plan(kind="log", *, window=WINDOW, given=None, **options):
    coefficients, weeks, spend = given or case(kind)
    return optimise_budget(coefficients, weeks, spend, HIERARCHY, window=window, **options)


def grid_best(coefficients, weeks, spend, budget, aim, most=2.0, steps=120):
    """The best aim over multiples of the current plan, by brute force on the budget's simplex."""
    spent = spend[WINDOW].sum(axis=0)
    reaches = [reach_of(place, coefficients, weeks, WINDOW) for place in range(3)]
    grid = np.linspace(0, most, steps + 1)
    known = [np.array([reach.effect(m * reach.plan) for m in grid]) for reach in reaches[:2]]
    best = -np.inf
    for first, second in itertools.product(range(steps + 1), repeat=2):
        third = (budget - grid[first] * spent[0] - grid[second] * spent[1]) / spent[2]
        if 0 <= third <= most:
            effect = known[0][first] + known[1][second] + reaches[2].effect(third * reaches[2].plan)
            best = max(best, aim.judge(effect)[0])
    return best


@pytest.mark.parametrize("aim", [Aim(), Aim(aversion=1.0), Aim(quantile=0.1)], ids=["mean", "sd", "quantile"])
@pytest.mark.parametrize("curve", [{"kind": "log"}, {"kind": "hill"}, S_CURVES], ids=["log", "hill", "steep"])
def test_as_good_as_a_fine_grid(curve, aim):
    given = case(**curve, draws=12)
    budget = 0.8 * given[2][WINDOW].sum()
    found = plan(given=given, budget=budget, aim=aim)
    reached = sum(reach_of(place, given[0], given[1], WINDOW).effect(found.media[place, WINDOW]) for place in range(3))
    best = grid_best(*given, budget, aim, steps=60)
    assert aim.judge(reached)[0] >= best * (1 - 1e-5)
    assert aim.judge(reached)[0] <= best * 1.01
    assert found.spend[WINDOW].sum() == pytest.approx(budget, rel=1e-8)


@pytest.mark.parametrize("by", ["total", "week"])
@pytest.mark.parametrize("curve", [{"kind": "none"}, {"kind": "log"}, {"kind": "hill"}, S_CURVES])
def test_never_worse_than_the_current_plan_and_within_bounds(by, curve):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        coefficients, weeks = posterior(**curve, seed=seed, draws=30, memory=[None, 3][seed % 2]), made_weeks(seed=seed)
        spend = made_spend(weeks, rng.uniform(20, 200, 3))
        low, high = rng.uniform(0, 1), rng.uniform(1, 2)
        bounds = [Bound("Web", low, high, "times"), Bound("spot", 0.5, 1.5, "times")]
        found = optimise_budget(coefficients, weeks, spend, HIERARCHY, window=WINDOW, bounds=bounds, by=by)
        now, then = spend[WINDOW].sum(axis=0), found.spend[WINDOW].sum(axis=0)
        assert found.after.mean >= found.before.mean * (1 - 1e-12)
        assert then.sum() == pytest.approx(now.sum(), rel=1e-8)
        assert (1 - 1e-8) * low * now[1:].sum() <= then[1:].sum() <= (1 + 1e-8) * high * now[1:].sum()
        assert (1 - 1e-8) * 0.5 * now[0] <= then[0] <= (1 + 1e-8) * 1.5 * now[0]
        assert (found.spend >= 0).all()
        assert (found.spend[~WINDOW] == spend[~WINDOW]).all()


@pytest.mark.parametrize("by", ["total", "week"])
def test_no_plan_beats_the_gap(by):
    given = case("log")
    found = plan(given=given, by=by)
    assert found.converged
    assert found.gap < 1e-4 * found.after.mean
    spent, rng = given[2][WINDOW].sum(axis=0), np.random.default_rng(0)
    reaches = [reach_of(place, given[0], given[1], WINDOW) for place in range(3)]
    for _ in range(300):
        now = found.spend[WINDOW].sum(axis=0) if rng.random() < 0.7 else spent
        other = np.clip(now * rng.uniform(0.7, 1.3, 3), 0, 2 * spent)
        other *= spent.sum() / other.sum()
        if (other <= 2 * spent).all():
            brought = sum(reach.effect(reach.plan * m).mean() for reach, m in zip(reaches, other / spent, strict=True))
            assert brought <= found.after.mean + found.gap + 1e-9


def test_by_week_is_at_least_as_good_as_by_total():
    given = case("hill")
    assert plan(given=given, by="week").after.mean >= plan(given=given, by="total").after.mean * (1 - 1e-6)


def test_the_reported_numbers_are_those_of_the_returns():
    coefficients, weeks, spend = given = case("hill")
    found = plan(given=given)
    assert list(found.table.columns) == list(results.BUDGET.columns)
    for media, money, side in ((weeks.media, spend, "before"), (found.media, found.spend, "after")):
        table = roi_table(coefficients, weeks._replace(media=media), money, HIERARCHY, window=WINDOW)
        for here, there in (("spend", "spend"), ("contribution", "contribution"), ("roi", "roi"), ("marginal", "marginal_roi")):
            assert found.table[f"{here}_{side}"].to_numpy() == pytest.approx(table[there].to_numpy(), nan_ok=True)
    draws = [
        roi_draws(coefficients, weeks._replace(media=media), spend, HIERARCHY, window=WINDOW).contribution[:, -1]
        for media in (weeks.media, found.media)
    ]
    assert found.difference.mean == pytest.approx((draws[1] - draws[0]).mean())
    assert found.probability_better == np.mean(draws[1] > draws[0])


@pytest.mark.parametrize("by", ["total", "week"])
def test_flexible_spend_stops_where_the_last_unit_brings_the_target(by):
    found = plan("log", by=by, target_marginal_roi=0.4, each=(0.05, 3.0), value=0.5)
    leaves = found.table.iloc[:3]
    binds = found.bounds.set_index("node")["binds"]
    for row in leaves.itertuples():
        if binds[row.node] == "":
            assert row.marginal_after == pytest.approx(0.4, rel=1e-3)
        elif binds[row.node] == "lower":
            assert row.marginal_after <= 0.4 + 1e-6
        else:
            assert row.marginal_after >= 0.4 - 1e-6
    assert (binds == "").any()


@pytest.mark.parametrize("curve", [{"kind": "log"}, {"kind": "hill"}])
def test_target_roi_is_met_by_the_largest_plan_that_meets_it(curve):
    given = case(**curve)
    now = plan(given=given, each=(0.0, 3.0))
    target = 0.8 * now.after.mean / now.spend[WINDOW].sum()
    found = plan(given=given, target_roi=target, each=(0.0, 3.0))
    spent = found.spend[WINDOW].sum()
    assert found.after.mean / spent == pytest.approx(target, rel=1e-4)
    assert spent > now.spend[WINDOW].sum()
    further = plan(given=given, budget=1.01 * spent, each=(0.0, 3.0))
    assert further.after.mean / (1.01 * spent) < target
    with pytest.raises(SettingsError, match="no plan within the bounds brings target_roi"):
        plan(given=given, target_roi=1e4, each=(0.5, 1.0))


def test_bounds_of_weeks_and_the_total_hold_and_are_told():
    bounds = [Bound("Web", upper=150.0, per="week"), Bound("total", upper=2_000.0), Bound("brand", lower=300.0)]
    found = plan("log", by="week", target_marginal_roi=0.01, bounds=bounds)
    assert (found.spend[WINDOW][:, 1:].sum(axis=1) <= 150 * (1 + 1e-7)).all()
    assert found.spend[WINDOW].sum() <= 2_000 * (1 + 1e-7)
    assert found.spend[WINDOW][:, 1].sum() >= 300 * (1 - 1e-7)
    assert (found.bounds["binds"] == "upper").any()
    assert found.bounds["node"].str.contains("Web, week 8").any()


def test_tacticals_without_spend_are_kept_as_they_are():
    coefficients, weeks, spend = case("log")
    spend[:, 0] = 0.0
    found = plan(given=(coefficients, weeks, spend))
    assert found.kept == ("spot",)
    assert (found.media[0] == weeks.media[0]).all()
    assert found.table.set_index("node").loc["TV", "spend_after"] == 0


def test_one_plan_only_is_found():
    found = plan("log", each=(1.0, 1.0))
    assert found.spend == pytest.approx(case()[2])
    assert found.difference.mean == pytest.approx(0, abs=1e-9)
    exactly = plan("log", budget=0.5 * case()[2][WINDOW].sum(), each=(0.5, 2.0))  # the least spends add up to the budget
    assert exactly.spend[WINDOW] == pytest.approx(0.5 * case()[2][WINDOW], rel=1e-6)


def test_an_averse_aim_has_a_smaller_spread():
    given = case("log")
    bold, averse = plan(given=given), plan(given=given, aim=Aim(aversion=3.0))
    assert averse.after.upper - averse.after.lower < 0.95 * (bold.after.upper - bold.after.lower)
    assert averse.after.mean <= bold.after.mean + 1e-9


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"bounds": [Bound("brnad", 1)]}, "did you mean 'brand'"),
        ({"bounds": [Bound("brand", 2, 1)]}, "contradicts itself"),
        ({"bounds": [Bound("brand", -1)]}, "numbers >= 0"),
        ({"bounds": [Bound("brand", 1, unit="euros")]}, "needs unit"),
        ({"bounds": [Bound("brand", 1e9)]}, "contradict each other"),
        ({"bounds": [Bound("brand", 1, level="x")]}, "no level 'x'"),
        ({"budget": 1e9}, "contradict each other: 'budget'"),
        ({"budget": 0}, "> 0"),
        ({"budget": -5}, "> 0"),
        ({"budget": 5, "target_roi": 1}, "name one of"),
        ({"target_roi": 0}, "must be a return > 0"),
        ({"by": "day"}, "by must be"),
        ({"target_roi": 1, "each": (0, np.inf)}, "spend needs an end"),
        ({"by": "week", "cost": np.ones(2)}, "one price > 0"),
    ],
)
def test_contradictions_are_told(options, match):
    with pytest.raises(SettingsError, match=match):
        plan("log", **options)


def test_bad_spend_and_aims_are_told():
    coefficients, weeks, spend = case()
    with pytest.raises(PanelError, match="wanted shape"):
        optimise_budget(coefficients, weeks, spend[:5], HIERARCHY)
    with pytest.raises(SettingsError, match="no tactical has spend"):
        optimise_budget(coefficients, weeks, 0 * spend, HIERARCHY)
    with pytest.raises(SettingsError, match="leave aversion or quantile out"):
        Aim(aversion=1, quantile=0.1)
    with pytest.raises(SettingsError, match="between 0 and 1"):
        Aim(quantile=1.5)
