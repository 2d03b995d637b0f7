"""Decisions of a sampled model on the national problem: plans hold their promises, and a grid finds nothing better."""

import itertools

import numpy as np
import pytest

from hierforecast.errors import PanelError
from hierforecast.options import Sampling
from hierforecast.precision import Background, MixModel, Precision
from hierforecast.precision.budget import Bound

CHANNELS = ("search", "social", "video", "display")


@pytest.fixture(scope="module")
def decisions(national):
    panel, hierarchy, truth = national
    model = Precision(
        hierarchy,
        target="kpi",
        period="date",
        spend_columns=hierarchy.tacticals,
        control_names=list(truth["controls"]),
        background=Background(0, trend=False),
        model=MixModel(memory=13, saturation="log"),
        sampling=Sampling(warmup=300, draws=250, seed=7),
    )
    return model.fit(panel).decisions()


@pytest.mark.slow
def test_a_national_plan_is_never_below_the_current_one_and_keeps_its_bounds(decisions):
    bounds = [Bound(channel, lower=0.7, upper=1.3, unit="times") for channel in CHANNELS]
    plan = decisions.optimise_budget("2023-07-03", "2023-12-25", bounds=bounds)
    assert plan.after.mean >= plan.before.mean
    assert plan.converged
    channels = plan.table[plan.table["level"] == "channel"]
    times = channels["spend_after"] / channels["spend_before"]
    assert times.between(0.7 - 1e-6, 1.3 + 1e-6).all()
    assert channels["spend_after"].sum() == pytest.approx(channels["spend_before"].sum(), rel=1e-9)


@pytest.mark.slow
def test_a_grid_over_three_channels_finds_no_better_plan(decisions):
    """Whole channels scaled alike, display as it is: 41 x 41 plans of the same budget, each told by the scenario's door."""
    window = ("2023-07-03", "2023-12-25")
    table = decisions.roi(*window).set_index(["level", "node"])
    spent = {channel: table.loc[("channel", channel), "spend"] for channel in CHANNELS}
    curves = decisions.response_curves(*window, multiples=tuple(np.linspace(0, 2, 81)), most_draws=10_000)
    curves = curves[curves["level"] == "channel"].set_index("node")
    effect = {c: (curves.loc[c, "multiple"].to_numpy(), curves.loc[c, "effect"].to_numpy()) for c in CHANNELS[:3]}
    budget, best = sum(spent[c] for c in CHANNELS[:3]), -np.inf
    for first, second in itertools.product(np.linspace(0, 2, 41), repeat=2):
        third = (budget - first * spent["search"] - second * spent["social"]) / spent["video"]
        if 0 <= third <= 2:
            chosen = zip(CHANNELS[:3], (first, second, third), strict=True)
            best = max(best, sum(np.interp(times, *effect[channel]) for channel, times in chosen))
    fixed = [Bound("display", lower=1.0, upper=1.0, unit="times")]
    plan = decisions.optimise_budget(*window, bounds=fixed)  # tacticals are free, so it can only be better
    display = table.loc[("channel", "display"), "contribution"]
    assert plan.after.mean - display >= best * (1 - 1e-3)


def test_without_spend_money_is_refused_with_the_cure(fitted):
    with pytest.raises(PanelError, match=r"declare media\.spend"):
        fitted.decisions().roi()


def test_scenarios_go_on_from_the_last_residual_as_forecasts_do(fit_form, form_named, made):
    model, plan = fit_form(form_named("ar1")), made.panel.iloc[made.fitted :]
    base = model.decisions(plan).compare([]).weeks["forecast"].to_numpy()
    np.testing.assert_allclose(base, model.predict(plan)["forecast"], rtol=1e-12)
    assert np.abs(base - model.contribution_means(plan)["forecast"]).max() > 0.1  # what the residual lets expect
