import numpy as np
import pandas as pd
import pytest

from hierforecast import results
from hierforecast.errors import NotFittedError, PanelError, SettingsError
from hierforecast.options import Sampling
from hierforecast.precision import Background, EffectPrior, MixModel, Precision
from hierforecast.precision.adstock import geometric
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.posterior.density import density_of
from hierforecast.precision.posterior.parameters import constrain
from hierforecast.precision.response import control_draws, media_draws
from hierforecast.precision.sampling.program import compiled_program
from hierforecast.precision.training import model_data
from hierforecast.schema import MediaPanel


def test_fitted_weeks_are_explained_and_later_ones_forecast(fitted, made):
    inside, plan = fitted.predict(), fitted.predict(made.panel.iloc[made.fitted :])
    assert list(inside.columns) == [results.PERIOD, results.FORECAST, results.LOWER, results.UPPER]
    for table, truth in ((inside, made.truth[: made.fitted]), (plan, made.truth[made.fitted :])):
        assert np.abs(table["forecast"] - truth).mean() < 12  # noise is 10; the target's sd is about 60
        assert ((table["lower"] < truth) & (truth < table["upper"])).mean() > 0.8
    assert plan["period"].tolist() == made.panel["week"].iloc[made.fitted :].tolist()


def test_contributions_of_every_draw_add_up_to_its_fitted_mean(fitted):
    coefficients, weeks = fitted.coefficients, fitted._weeks(None)
    parts = coefficients.baseline[:, None] + sum(media_draws(place, coefficients, weeks) for place in range(4))
    parts = parts + sum(control_draws(name, coefficients, weeks) for name in ("season", "price"))
    np.testing.assert_allclose(parts, fitted.fitted_draws, rtol=1e-12)
    # The fitted mean that summaries report is the one that the sampler's own parameters give.
    posterior, training = fitted._posterior, fitted._trained
    table, scaling, design = training.table, training.scaling, training.design
    beta, decay = (posterior[name].to_numpy()[0, 0] for name in ("beta", "decay"))
    carried = geometric(table.media / scaling.media[:, None], decay)
    mean = float(posterior["intercept"][0, 0]) + beta @ (carried - carried[:, training.observed].mean(axis=1, keepdims=True))
    mean = mean + design.matrix(table.periods, table.controls) @ posterior["control"].to_numpy()[0, 0]
    np.testing.assert_allclose(fitted.fitted_draws[0], scaling.target_mean + scaling.target_sd * mean, rtol=1e-9)


def test_mean_contributions_of_every_form_sum_to_its_forecast(form, fit_form, made):
    """Over the fitted weeks; in later ones correlated residuals go on, in the forecast and not in the contributions."""
    one = fit_form(form)
    means = one.contribution_means()
    parts = means.drop(columns=[results.PERIOD, results.FORECAST]).sum(axis=1)
    np.testing.assert_allclose(parts, means["forecast"], rtol=1e-9)
    seen = one._trained.observed
    np.testing.assert_allclose(means["forecast"][seen], one.predict()["forecast"][seen], rtol=1e-9)
    totals = one.contribution_totals()
    whole = totals[totals["level"].isin([one.hierarchy.levels[0], "control", "baseline"])]
    np.testing.assert_allclose(whole["share"].sum(), 1.0, rtol=1e-9)


def test_returns_of_every_draw_are_its_strength_where_nothing_is_carried_past_the_last_week(form_of_returns, fit_form, made):
    """ROI as a parameter: what decisions report, for a panel whose last weeks are silent, is what was drawn."""
    form = form_of_returns
    panel = made.panel.iloc[: made.fitted].copy()
    panel.loc[made.fitted - 13 :, list(form.hierarchy.tacticals)] = 0.0
    panel.loc[made.fitted - 13 :, [f"{name}_spend" for name in form.hierarchy.tacticals]] = 0.0
    one = fit_form(form, panel)
    flat = one._draws["unconstrained"]["flat"].to_numpy()
    data, _ = model_data(one._trained, one.hierarchy, one._numbers, form.model)
    strength = constrain(flat, data, form.model).strength[..., data.unit].reshape(-1, 4)
    found = one.decisions().roi_draws()
    np.testing.assert_allclose(found.roi[:, [node[0] == "t" for node in found.nodes]], strength, rtol=1e-6)


@pytest.fixture(params=["tree", "platform", "hill"])
def form_of_returns(request, form_named):
    changes = {"tree": {}, "platform": {"effects_at": "p"}, "hill": {"saturation": "hill"}}[request.param]
    return form_named("roi_window")._replace(model=MixModel(prior_scale="roi", memory=13, **changes))


def test_mean_contributions_sum_to_the_forecast(fitted, made):
    for panel in (None, made.panel.iloc[made.fitted :]):
        means = fitted.contribution_means(panel)
        parts = means.drop(columns=[results.PERIOD, results.FORECAST]).sum(axis=1)
        np.testing.assert_allclose(parts, means["forecast"], rtol=1e-9)
        np.testing.assert_allclose(means["forecast"], fitted.predict(panel)["forecast"], rtol=1e-9)


def test_every_level_adds_up_to_the_same_media(fitted):
    table = fitted.contributions()
    assert tuple(table.columns) == results.MEDIA_CONTRIBUTIONS.columns
    sums = table.pivot_table(index="period", columns="level", values="mean", aggfunc="sum")
    np.testing.assert_allclose(sums["t"], sums["p"], rtol=1e-9)
    np.testing.assert_allclose(sums["t"], sums["c"], rtol=1e-9)
    whole = sums["t"] + sums["control"] + sums["baseline"]
    np.testing.assert_allclose(whole, fitted.predict()["forecast"], rtol=1e-9)
    assert (table["lower"] <= table["upper"]).all()
    assert set(table.loc[table["level"] == "control", "node"]) == {"season", "price"}
    one = fitted.contributions("p")
    assert set(one["level"]) == {"p", "control", "baseline"}


def test_carry_over_is_kept_when_later_weeks_follow(fitted, made):
    whole = fitted.contribution_means(made.panel)
    parts = pd.concat([fitted.contribution_means(), fitted.contribution_means(made.panel.iloc[made.fitted :])])
    pd.testing.assert_frame_equal(whole, parts.reset_index(drop=True), rtol=1e-9)
    silent = made.panel.iloc[made.fitted :].assign(spot=0.0)
    after = fitted.contribution_means(silent)["spot"].to_numpy()
    assert after[0] > 0
    assert (np.diff(after) < 0).all()  # the effect of past weeks fades


@pytest.mark.parametrize("times", [{"revenue": 1024.0}, {"spot": 1024.0, "feed": 1 / 64}])
def test_a_power_of_two_in_the_target_or_a_medium_changes_no_share(make_model, made, times):
    short = Sampling(chains=2, warmup=50, draws=50, seed=2)
    panel = made.panel.iloc[: made.fitted]
    scaled = panel.assign(**{column: panel[column] * factor for column, factor in times.items()})
    one = make_model(sampling=short).fit(panel).contribution_means().set_index("period")
    other = make_model(sampling=short).fit(scaled).contribution_means().set_index("period")
    np.testing.assert_allclose(other.div(other["forecast"], axis=0), one.div(one["forecast"], axis=0), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("column", ["revenue", "spot", "brand", "generic", "feed"])
def test_any_unit_changes_no_share_beyond_monte_carlo_error(make_model, made, fitted, column):
    """Rounding makes another walk, of the same posterior."""
    panel = made.panel.iloc[: made.fitted]
    other = make_model().fit(panel.assign(**{column: panel[column] * 1000}))
    ours, theirs = (one.contribution_totals().set_index(["level", "node"]) for one in (fitted, other))
    width = ours["share_upper"] - ours["share_lower"]
    assert (np.abs(theirs["share"] - ours["share"]) < 0.1 * width + 1e-9).all()


def test_any_unit_changes_no_share_of_equal_draws(form, fit_form, made):
    """To 1e-8, whatever the form: what was drawn in scaled units means the same."""
    if form.lifts:
        form = form._replace(lifts=())  # their lifts are told in the target's unit
    panel = made.panel.iloc[: made.fitted]
    spends = [column for column in panel if column.endswith("_spend")]
    scaled = panel.assign(**{column: panel[column] * 1000 for column in ("revenue", *form.hierarchy.tacticals, *spends)})
    one, other = (fit_form(form, table).contribution_totals() for table in (panel, scaled))
    np.testing.assert_allclose(other["share"], one["share"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(other["total"], 1000 * one["total"], rtol=1e-7, atol=1e-4)


def test_a_masked_holdout_leaves_no_trace_and_compiles_nothing_anew(make_model, made):
    short = Sampling(chains=2, warmup=50, draws=50, seed=2)
    panel, observed = made.panel.iloc[: made.fitted], np.arange(made.fitted) < 50
    program = compiled_program(density_of(MixModel()), short.max_tree_depth)
    masked = make_model(sampling=short).fit(panel, observed=observed)
    traced = program.experimental_get_tracing_count()
    changed = panel.assign(revenue=panel["revenue"].where(observed, 1e6))
    again = make_model(sampling=short).fit(changed, observed=observed)
    pd.testing.assert_frame_equal(masked.predict(), again.predict())
    whole = make_model(sampling=short).fit(panel)
    assert program.experimental_get_tracing_count() == traced
    assert not whole.predict().equals(masked.predict())


def test_the_mask_follows_the_rows_of_a_shuffled_panel(make_model, made):
    panel = made.panel.sample(frac=1, random_state=1)
    observed = (panel["week"] < made.panel["week"][50]).to_numpy()
    model = make_model()
    model._train(panel, observed)
    np.testing.assert_array_equal(model._trained.observed, np.arange(len(panel)) < 50)


def test_equal_seeds_give_equal_draws_and_others_do_not(make_model, made):
    short = Sampling(chains=2, warmup=50, draws=50, seed=2)
    panel = made.panel.iloc[: made.fitted]
    seen = []
    one = make_model(sampling=short).fit(panel, progress=lambda *told: seen.append(told))
    assert make_model(sampling=short).fit(panel).decay().equals(one.decay())
    assert not make_model(sampling=short.model_copy(update={"seed": 3})).fit(panel).decay().equals(one.decay())
    assert seen[-1] == ("draws", 50, 50)
    assert ("warm-up", 50, 50) in seen


def test_the_decay_table_has_the_declared_columns(fitted):
    table = fitted.decay()
    assert tuple(table.columns) == results.DECAY.columns
    assert table["channel"].tolist() == ["TV", "Web", "Web", "Web"]
    assert ((table["lower"] < table["decay"]) & (table["decay"] < table["upper"])).all()
    assert table["rhat"].max() < 1.1


def test_a_company_declares_its_model(made):
    settings = MediaPanel(
        target="revenue",
        levels=["tactical", "platform", "channel"],
        tree={"TV": {"Broadcast": ["spot"]}, "Web": {"Google": ["brand"]}},
        metrics={"clicks": {}, "impressions": {"exposure": True}},
        controls=["price"],
        seasonality=1,
        model={"saturation": "log"},
        priors={"effect": {"TV": {"median": 0.5}}},
    )
    model = Precision.from_panel_settings(settings)
    assert model.columns.media == ("spot_impressions", "brand_impressions")
    assert (model.columns.controls, model.columns.period) == (("price",), "week")
    assert model.background == Background(seasonality=1)
    assert (model.model, model.priors) == (settings.model, settings.priors)
    assert model.model.saturation == "log"
    assert model.priors.effect == {"TV": EffectPrior(0.5)}


def test_unfitted_models_say_so():
    model = Precision(build_hierarchy(["a"], ["tactical"]), target="y")
    for ask in (model.predict, model.decay, model.contributions, model.convergence, lambda: model.save("x")):
        with pytest.raises(NotFittedError, match=r"call fit\(panel\)"):
            ask()


def test_names_must_fit_the_tree():
    with pytest.raises(SettingsError, match="wanted 1, got 2"):
        Precision(build_hierarchy(["a"], ["tactical"]), target="y", media_columns=["a", "b"])
    with pytest.raises(SettingsError, match=r"\['a'\] have several"):
        Precision(build_hierarchy(["a"], ["tactical"]), target="a")


def test_a_gap_before_the_plan_is_refused(fitted, made):
    with pytest.raises(PanelError, match="add the weeks between"):
        fitted.predict(made.panel.iloc[made.fitted + 2 :])
    earlier = made.panel.assign(week=made.panel["week"] - pd.Timedelta(weeks=4))
    with pytest.raises(PanelError, match="before the first fitted period"):
        fitted.predict(earlier)
