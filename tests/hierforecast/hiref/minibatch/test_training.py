"""Rows and moments agree on squared loss; the other losses forecast what they say; the same seed is the same fit."""

import numpy as np
import pytest

from hierforecast.errors import ModelFolderError, SettingsError
from hierforecast.hiref.fitting import fit_material
from hierforecast.hiref.minibatch.training import train_rows
from hierforecast.hiref.regression.effects import effects_of
from hierforecast.hiref.regression.training import train
from hierforecast.options import Training


def fitted(trained, material) -> np.ndarray:
    """(rows,) on the link scale."""
    effects, rows = effects_of(trained.parameters, material.hierarchy.series), material.recent.rows
    own = effects.baseline + trained.intercepts
    return own[rows.series] + (material.recent.X * effects.total[rows.series]).sum(axis=1)


def wape(model, holdout, **how) -> float:
    return np.abs(model.predict(holdout, **how)["forecast"] - holdout["units"]).sum() / holdout["units"].sum()


def test_squared_loss_on_rows_is_squared_loss_on_moments(new_material, rows_training):
    training = rows_training()
    material = new_material(training, link="identity")
    rows = train_rows(material, training)
    moments = train(material.moments, material.hierarchy, material.design.columns, training)
    assert rows.converged
    assert rows.loss == pytest.approx(moments.loss, rel=1e-3)
    one, other = fitted(rows, material), fitted(moments, material)
    assert np.abs(one - other).sum() < 0.01 * np.abs(other).sum()
    assert np.abs(one - other).max() < 0.05 * np.abs(other).mean()


def test_both_engines_give_the_same_forecasts_through_the_front_door(split, new_model, rows_training, model):
    train_panel, holdout = split
    on_rows = new_model(training=rows_training()).fit(train_panel)
    for panel in (train_panel, holdout):
        np.testing.assert_allclose(on_rows.predict(panel)["forecast"], model.predict(panel)["forecast"], rtol=0.01)
    assert on_rows.diagnostics()["wrong_sign_share"] == 0.0


@pytest.mark.parametrize("loss", ["poisson", "tweedie"])
def test_a_loss_on_units_forecasts_the_mean(split, new_model, rows_training, loss):
    train_panel, holdout = split
    model = new_model(training=rows_training(loss)).fit(train_panel)
    assert model.predict(train_panel)["forecast"].sum() == pytest.approx(train_panel["units"].sum(), rel=0.005)
    mean, median = (model.predict(holdout, statistic=name)["forecast"] for name in ("mean", "median"))
    assert median.sum() <= mean.sum()
    assert model.diagnostics()["forecast_is"] == "mean"
    assert wape(model, holdout) < 0.15  # the noise floor is 0.12


def test_huber_forgives_what_squared_does_not(split, new_model, rows_training):
    train_panel, holdout = split
    rng = np.random.default_rng(0)
    spoilt = train_panel.assign(units=train_panel["units"] * np.where(rng.random(len(train_panel)) < 0.05, 30.0, 1.0))
    squared, huber = (new_model(training=rows_training(loss)).fit(spoilt) for loss in ("squared", "huber"))
    assert wape(huber, holdout, statistic="median") < 0.9 * wape(squared, holdout, statistic="median")


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_quantile_is_above_its_share_of_sales(split, new_model, rows_training, share):
    train_panel, holdout = split
    model = new_model(training=rows_training("quantile", quantile=share)).fit(train_panel)
    below = (holdout["units"] <= model.predict(holdout)["forecast"]).mean()
    assert below == pytest.approx(share, abs=0.06)


def test_poisson_keeps_its_mean_while_the_level_follows_the_sales(new_market, new_model):
    """Log residuals of a mean lie below 0; a level that took them for news would pull the mean to the median."""
    panel = new_market(seed=5, noise=0.8).panel
    drifting = 1.0 + 0.5 * np.sin(np.arange(len(panel)) / 60.0)
    panel = panel.assign(units=panel["units"] * drifting)
    training = Training(engine="rows", loss="poisson", seasonality=0, embedding_size=2)
    model = new_model(training=training).fit(panel)
    assert model.diagnostics()["level_discount"] > 0
    assert model.predict(panel)["forecast"].sum() == pytest.approx(panel["units"].sum(), rel=0.05)


@pytest.mark.parametrize("loss", ["squared", "tweedie", "quantile"])
def test_the_same_seed_gives_the_same_bits(new_material, rows_training, loss):
    training = rows_training(loss, epochs=6)
    material = new_material(training)
    first, second = (fit_material(material, training) for _ in range(2))
    np.testing.assert_array_equal(first.intercepts, second.intercepts)
    np.testing.assert_array_equal(first.parameters.loadings, second.parameters.loadings)
    assert first.diagnostics == second.diagnostics


def test_the_learning_curve_is_told(split, new_model, rows_training):
    told = new_model(training=rows_training("poisson", epochs=3)).fit(split[0]).diagnostics()
    assert [entry["epoch"] for entry in told["learning_curve"]] == [1, 2, 3][: len(told["learning_curve"])]
    assert all(entry["held_out_loss"] > 0 and entry["train_loss"] > 0 for entry in told["learning_curve"])
    assert told["device"] in ("cpu", "cuda", "mps")


def test_rows_of_weight_zero_teach_nothing(gapped, new_material, rows_training):
    training = rows_training()
    spoilt = np.random.default_rng(1).random(len(gapped)) < 0.3
    material = new_material(training, link="identity")
    order, recent = material.recent.rows.order, material.recent
    wild = np.where(spoilt[order], recent.value * 5, recent.value)
    weight = np.where(spoilt[order], 0.0, 1.0)
    blind = material._replace(recent=recent._replace(value=wild, weight=weight), blocks=clean_sums(material, weight))
    plain = material._replace(recent=recent._replace(weight=weight), blocks=clean_sums(material, weight))
    np.testing.assert_allclose(train_rows(blind, training).intercepts, train_rows(plain, training).intercepts, rtol=1e-9)


def clean_sums(material, weight):
    from hierforecast.hiref.moments.sums import sum_moments

    recent, count = material.recent, len(material.hierarchy.series)
    kept = weight > 0
    sums = sum_moments(recent.X[kept], recent.value[kept], recent.rows.series[kept], count)
    return (sums, *(type(sums)(np.zeros_like(sums.products)) for _ in material.blocks[1:]))


def test_a_fit_with_a_checkpoint_is_the_same_fit_and_another_one_is_refused(split, new_model, rows_training, tmp_path):
    train_panel, holdout = split
    training = rows_training("tweedie", epochs=4)
    plain = new_model(training=training).fit(train_panel).predict(holdout)
    kept = new_model(training=training).fit(train_panel, checkpoint=tmp_path / "kept").predict(holdout)
    again = new_model(training=training).fit(train_panel, checkpoint=tmp_path / "kept").predict(holdout)
    np.testing.assert_array_equal(plain["forecast"], kept["forecast"])
    np.testing.assert_array_equal(plain["forecast"], again["forecast"])
    with pytest.raises(ModelFolderError, match="another folder"):
        new_model(training=training).fit(train_panel.iloc[200:], checkpoint=tmp_path / "kept")


def test_rows_left_on_disk_are_not_trained_without(new_material, rows_training):
    training = rows_training()
    material = new_material(training)
    few = material._replace(rows=10 * material.rows)
    with pytest.raises(SettingsError, match="every row in memory"):
        train_rows(few, training)


@pytest.mark.parametrize("loss", ["poisson", "quantile"])
def test_a_saved_model_forecasts_the_same(split, new_model, rows_training, loss, tmp_path):
    train_panel, holdout = split
    model = new_model(training=rows_training(loss, epochs=3)).fit(train_panel)
    loaded = type(model).load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict(holdout)["forecast"], model.predict(holdout)["forecast"])
    assert loaded.diagnostics() == model.diagnostics()
