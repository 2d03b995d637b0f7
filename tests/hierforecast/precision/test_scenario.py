"""Scenarios: paired with the base plan, linear where the model is, and told when they do not fit."""

import numpy as np
import pytest

from hierforecast import results
from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.response import fitted_draws, media_draws
from hierforecast.precision.scenario import Scenario, apply_scenario, compare_scenarios
from tests.support.made_posterior import HIERARCHY, made_weeks, posterior


@pytest.fixture
def plan():
    return posterior("none", draws=400, controls=2), made_weeks(8, earlier=5, controls=2)


def test_base_comes_first_and_differs_by_nothing(plan):
    compared = compare_scenarios(*plan, HIERARCHY, [Scenario("more TV", {"TV": 1.5})], seed=1)
    assert tuple(compared.weeks.columns) == results.SCENARIO.columns
    assert tuple(compared.total.columns) == results.SCENARIO_TOTAL.columns
    base = compared.weeks[compared.weeks["scenario"] == "base"]
    assert (base[["difference", "difference_lower", "difference_upper"]] == 0).all(axis=None)
    assert base["forecast"].to_numpy() == pytest.approx(fitted_draws(*plan).mean(axis=0))
    assert compared.weeks.groupby("scenario")["forecast"].sum()["more TV"] == pytest.approx(compared.total["forecast"][1])
    assert (compared.weeks["lower"] < compared.weeks["forecast"]).all()


def test_a_medium_switched_off_loses_what_it_brings_in_the_weeks_and_later(plan):
    coefficients, weeks = plan
    total = compare_scenarios(coefficients, weeks, HIERARCHY, [Scenario("off", {"spot": 0})], seed=1).total.iloc[1]
    alone = weeks._replace(before=np.zeros_like(weeks.before))
    brought = media_draws(0, coefficients, alone).sum(axis=1)
    assert total["difference"] == pytest.approx(-brought.mean())
    assert (total["difference_lower"], total["difference_upper"]) == pytest.approx(tuple(np.quantile(-brought, [0.05, 0.95])))
    everything = coefficients.beta[:, 0] * weeks.media[0].sum()  # the weights of an exposure sum to one
    assert total["later"] == pytest.approx(-(everything - brought).mean())
    assert total["probability_better"] == 0


@pytest.mark.parametrize("kind", ["log", "hill"])
@pytest.mark.parametrize("memory", [None, 5])
def test_later_is_what_comes_in_further_weeks_without_media(kind, memory):
    coefficients, weeks = posterior(kind, memory=memory), made_weeks(8, earlier=5)
    off = Scenario("off", {"total": np.array([1, 1, 1, 1, 1, 1, 0, 0])})
    total = compare_scenarios(coefficients, weeks, HIERARCHY, [off], seed=1).total.iloc[1]
    brought = []
    for plan in (weeks, apply_scenario(off, weeks, HIERARCHY)):
        longer = plan._replace(media=np.hstack([plan.media, np.zeros((3, 400))]))
        brought.append(sum(media_draws(place, coefficients, longer)[:, 8:].sum(axis=1) for place in range(3)).mean())
    assert total["later"] == pytest.approx(brought[1] - brought[0], rel=1e-4)


def test_differences_are_surer_than_forecasts(plan):
    total = compare_scenarios(*plan, HIERARCHY, [Scenario("more", {"total": 1.1})], seed=1).total.iloc[1]
    assert total["difference_upper"] - total["difference_lower"] < 0.5 * (total["upper"] - total["lower"])
    assert total["probability_better"] == 1


def test_media_factors_and_controls_are_put_together(plan):
    _, weeks = plan
    ramp = np.linspace(0, 1, 8)
    price = np.arange(8.0)
    changed = Scenario("mix", {"Web": 2.0, "brand": ramp}, media=np.ones((3, 8)), controls={"control_1": price})
    found = apply_scenario(changed, weeks, HIERARCHY)
    assert found.media == pytest.approx(np.array([np.ones(8), 2 * ramp, np.full(8, 2.0)]))
    assert (found.design[:, 1] == price).all()
    assert (found.design[:, 0] == weeks.design[:, 0]).all()


@pytest.mark.parametrize(
    ("scenario", "error", "match"),
    [
        (Scenario("x", {"brnad": 2}), SettingsError, "did you mean 'brand'"),
        (Scenario("x", {"brand": -1}), SettingsError, "factor on 'brand'"),
        (Scenario("x", {"brand": np.ones(3)}), SettingsError, "one per week"),
        (Scenario("x", media=np.ones((3, 7))), PanelError, r"wanted shape \(3, 8\)"),
        (Scenario("x", media=-np.ones((3, 8))), PanelError, "exposures are >= 0"),
        (Scenario("x", controls={"control_9": np.ones(8)}), SettingsError, "no control of this model"),
        (Scenario("x", controls={"control_1": np.full(8, np.nan)}), PanelError, "8 not finite"),
        (Scenario("base"), SettingsError, "name of its own"),
    ],
)
def test_what_does_not_fit_is_told(plan, scenario, error, match):
    with pytest.raises(error, match=match):
        compare_scenarios(*plan, HIERARCHY, [scenario], seed=1)
