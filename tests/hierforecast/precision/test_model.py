import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hierforecast import results
from hierforecast.errors import ModelFolderError, NotFittedError, PanelError, SettingsError
from hierforecast.options import Sampling
from hierforecast.precision import Precision, sampling
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.posterior import log_density
from hierforecast.schema import MediaPanel


def test_fitted_weeks_are_explained_and_later_ones_forecast(fitted, made):
    inside, plan = fitted.predict(), fitted.predict(made.panel.iloc[made.fitted :])
    assert list(inside.columns) == [results.PERIOD, results.FORECAST, results.LOWER, results.UPPER]
    for table, truth in ((inside, made.truth[: made.fitted]), (plan, made.truth[made.fitted :])):
        assert np.abs(table["forecast"] - truth).mean() < 12  # noise is 10; the target's sd is about 60
        assert ((table["lower"] < truth) & (truth < table["upper"])).mean() > 0.8
    assert plan["period"].tolist() == made.panel["week"].iloc[made.fitted :].tolist()


def test_contributions_of_every_draw_add_up_to_its_fitted_mean(fitted, made):
    from hierforecast.precision.summaries import control_draws, media_draws

    coefficients, weeks = fitted._coefficients, fitted._weeks(None)
    parts = coefficients.baseline[:, None] + sum(media_draws(i, coefficients, weeks) for i in range(4))
    parts = parts + sum(control_draws(name, coefficients, weeks) for name in ("season", "price"))
    np.testing.assert_allclose(parts, fitted.fitted_draws, rtol=1e-12)
    # The fitted mean that summaries report is the one that the sampler's own parameters give.
    posterior, (table, observed, scaling, design) = fitted._posterior, fitted._trained
    from hierforecast.precision.adstock import geometric

    beta, decay = (posterior[name].to_numpy()[0, 0] for name in ("beta", "decay"))
    carried = geometric(table.media / scaling.media[:, None], decay)
    mean = float(posterior["intercept"][0, 0]) + beta @ (carried - carried[:, observed].mean(axis=1, keepdims=True))
    mean = mean + design.matrix(table.periods, table.controls) @ posterior["control"].to_numpy()[0, 0]
    np.testing.assert_allclose(fitted.fitted_draws[0], scaling.target_mean + scaling.target_sd * mean, rtol=1e-9)


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


def test_a_power_of_two_in_the_target_or_a_medium_changes_no_share(make_model, made):
    short = Sampling(chains=2, warmup=50, draws=50, seed=2)
    panel = made.panel.iloc[: made.fitted]
    scaled = panel.assign(revenue=panel["revenue"] * 1024, feed=panel["feed"] / 64)
    one = make_model(sampling=short).fit(panel).contribution_means().set_index("period")
    other = make_model(sampling=short).fit(scaled).contribution_means().set_index("period")
    np.testing.assert_allclose(other.div(other["forecast"], axis=0), one.div(one["forecast"], axis=0), rtol=1e-8, atol=1e-10)


def test_a_masked_holdout_leaves_no_trace_and_compiles_nothing_anew(make_model, made):
    short = Sampling(chains=2, warmup=50, draws=50, seed=2)
    panel, observed = made.panel.iloc[: made.fitted], np.arange(made.fitted) < 50
    program = sampling.compiled_program(log_density, short.max_tree_depth)
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


def test_saved_models_answer_alike_without_tensorflow(fitted, made, tmp_path):
    fitted.save(tmp_path / "model")
    again = Precision.load(tmp_path / "model")
    plan = made.panel.iloc[made.fitted :]
    pd.testing.assert_frame_equal(again.predict(plan), fitted.predict(plan))
    pd.testing.assert_frame_equal(again.contributions(), fitted.contributions())
    pd.testing.assert_frame_equal(again.decay(), fitted.decay())
    assert again.convergence() == pytest.approx(fitted.convergence(), rel=1e-12)
    plan.to_parquet(tmp_path / "plan.parquet")
    code = (
        "import sys, pandas as pd\n"
        "from hierforecast.precision import Precision\n"
        f"model = Precision.load({str(tmp_path / 'model')!r})\n"
        f"model.predict(pd.read_parquet({str(tmp_path / 'plan.parquet')!r}))\n"
        "model.contribution_means()\n"
        "assert 'tensorflow' not in sys.modules and 'arviz' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_draws_open_in_arviz(fitted, tmp_path):
    import arviz

    folder = fitted.save(tmp_path / "model")
    data = arviz.from_netcdf(folder / "posterior.nc")
    assert dict(data["posterior"]["beta"].sizes) == {"chain": 2, "draw": 200, "t": 4}
    assert data["posterior"]["effect_c"].dims == ("chain", "draw", "c")
    assert data["posterior"]["c"].to_numpy().tolist() == ["TV", "Web"]
    assert data["sample_stats"]["diverging"].shape == (2, 200)
    assert data["observed_data"]["target"].shape == (60,)


def test_a_damaged_file_is_noticed(fitted, tmp_path):
    folder = fitted.save(tmp_path / "model")
    with (folder / "posterior.nc").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelFolderError, match=r"posterior\.nc"):
        Precision.load(folder)


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
    )
    model = Precision.from_panel_settings(settings)
    assert model.columns.media == ("spot_impressions", "brand_impressions")
    assert (model.columns.controls, model.columns.period, model.seasonality) == (("price",), "week", 1)


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
