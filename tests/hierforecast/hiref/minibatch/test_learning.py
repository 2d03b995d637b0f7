"""Known carry-over and saturation are found again, and come back as settings that every later answer uses."""

import numpy as np
import pandas as pd
import pytest
import torch

from hierforecast.driver import Adstock, Saturation
from hierforecast.hiref import Driver, HiReF
from hierforecast.hiref.answers.signs import ablate
from hierforecast.hiref.material import from_panel
from hierforecast.hiref.minibatch.curves import CURVE, shape_columns
from hierforecast.hiref.minibatch.learning import read_exposures
from hierforecast.hiref.minibatch.start import begin
from hierforecast.options import Training
from hierforecast.transforms import adstock

STORES, WEEKS = 24, 120
TRAINING = Training(engine="rows", seasonality=0, embedding_size=2, recent_level=False)


def make_panel(law, *, seed: int, noise: float = 0.1) -> pd.DataFrame:
    """log units = store + law(tv, (weeks, stores)) + noise."""
    rng = np.random.default_rng(seed)
    tv = rng.gamma(2.0, 5.0, (WEEKS, STORES)) * (rng.random((WEEKS, STORES)) < 0.4)
    logs = rng.normal(4, 0.5, STORES) + law(tv) + rng.normal(0, noise, tv.shape)
    keys = {"store": np.repeat([f"S{store:02}" for store in range(STORES)], WEEKS)}
    dates = np.tile(pd.date_range("2022-01-03", periods=WEEKS, freq="W-MON"), STORES)
    return pd.DataFrame(keys).assign(week=dates, tv=tv.T.ravel(), units=np.exp(logs).T.ravel())


def fit(panel: pd.DataFrame, driver: Driver, *, training: Training = TRAINING, **how) -> HiReF:
    return HiReF(["store"], [driver], target="units", horizon=8, training=training).fit(panel, **how)


def found(model: HiReF, folder) -> Driver:
    return HiReF.load(model.save(folder)).panel.drivers[0]


@pytest.mark.parametrize("loss", ["squared", "poisson", "quantile"])
def test_a_decay_is_found_from_half_of_it(loss, tmp_path):
    panel = make_panel(lambda tv: 0.05 * adstock.geometric(tv, 0.6), seed=1)
    training = TRAINING.model_copy(update={"loss": loss})
    model = fit(panel, Driver("tv", sign="+", adstock=Adstock(decay=0.3, learned=True)), training=training)
    assert found(model, tmp_path / "m").adstock.decay == pytest.approx(0.6, abs=0.1)
    np.testing.assert_allclose(model.series_effects()["tv"], 0.05, rtol=0.3)


def test_a_half_saturation_is_found(tmp_path):
    panel = make_panel(lambda tv: 1.5 * tv / (tv + 6.0), seed=2)
    model = fit(panel, Driver("tv", sign="+", saturation=Saturation("hill", half=20.0, learned=True)))
    curve = found(model, tmp_path / "m").saturation
    assert curve.half == pytest.approx(6.0, rel=0.3)
    assert curve.slope == pytest.approx(1.0, rel=0.2)


def test_decay_and_half_saturation_are_found_together(tmp_path):
    def law(tv):
        carried = adstock.geometric(tv, 0.6)
        return 1.5 * carried / (carried + 6.0)

    driver = Driver("tv", sign="+", adstock=Adstock(decay=0.3, learned=True), saturation=Saturation("hill", learned=True))
    curve = found(fit(make_panel(law, seed=3), driver), tmp_path / "m")
    assert curve.adstock.decay == pytest.approx(0.6, abs=0.1)
    assert curve.saturation.half == pytest.approx(6.0, rel=0.3)


def test_a_delayed_carry_over_is_found(tmp_path):
    weights = adstock.weibull_weights(2.0, 3.0, 9)
    panel = make_panel(lambda tv: 0.05 * adstock.weighted(tv, weights), seed=4)
    start = Adstock(kind="weibull", shape=1.5, scale=5.0, periods=9, learned=True)
    curve = found(fit(panel, Driver("tv", sign="+", adstock=start)), tmp_path / "m").adstock
    np.testing.assert_allclose(adstock.weibull_weights(curve.shape, curve.scale, 9), weights, atol=0.03)


def test_where_the_data_say_nothing_a_curve_stays_near_its_start(tmp_path):
    panel = make_panel(lambda tv: 0.0 * tv, seed=5)
    model = fit(panel, Driver("tv", sign="+", adstock=Adstock(decay=0.5, learned=True)))
    assert 0.02 < found(model, tmp_path / "m").adstock.decay < 0.98
    effects = model.series_effects()["tv"]
    assert effects.mean() < 0.005
    np.testing.assert_allclose(effects, 0.0, atol=0.02)


def test_what_was_spent_in_weeks_that_do_not_count_goes_on_working():
    panel = make_panel(lambda tv: 0.05 * adstock.geometric(tv, 0.6), seed=7)
    week = panel["week"].rank(method="dense")
    panel["weight"] = ((week > 5) & (week % 3 > 0)).astype(float)
    driver = Driver("tv", sign="+", adstock=Adstock(decay=0.5, learned=True))
    settings = HiReF(["store"], [driver], target="units", horizon=8, weight="weight", training=TRAINING).panel
    data = from_panel(panel, settings, TRAINING)
    problem, _, start, _ = begin(data, TRAINING, None, None)
    exposures = read_exposures(panel, data, start.column_scales)
    spent, *_ = exposures.values  # noqa: PD011  no frame
    assert float(spent.sum()) == pytest.approx(panel["tv"].sum())
    table = problem.table
    made = shape_columns(
        {CURVE: exposures.start}, exposures, torch.arange(len(data.hierarchy.series)), table.X, table.series, table.period
    )
    np.testing.assert_allclose(made, table.X, atol=1e-9)  # the columns that a fit is made on


def test_reports_of_drivers_rest_on_the_curves_that_are_found():
    panel = make_panel(lambda tv: 0.05 * adstock.geometric(tv, 0.6), seed=6)
    worth = []
    for carry in (Adstock(decay=0.05, learned=True), Adstock(decay=0.6), Adstock(decay=0.05)):
        driver = Driver("tv", sign="+", adstock=carry)
        report = ablate(panel, HiReF(["store"], [driver], target="units", horizon=8, training=TRAINING).panel, TRAINING)
        worth.append(report["adds"].iloc[0])
    assert worth[0] == pytest.approx(worth[1], rel=0.1)
    assert worth[2] < 0.8 * worth[1]


def test_learning_pays_on_weeks_not_seen_and_the_model_declares_what_it_was_given(tmp_path):
    panel = make_panel(lambda tv: 0.05 * adstock.geometric(tv, 0.6), seed=6)
    cut = panel["week"].max() - pd.Timedelta(weeks=7)
    train, holdout = panel[panel["week"] < cut], panel[panel["week"] >= cut]
    start = Adstock(decay=0.1, learned=True)
    models = [fit(train, Driver("tv", sign="+", adstock=carry)) for carry in (start, Adstock(decay=0.1))]
    learned, fixed = (np.abs(model.predict(holdout)["forecast"] - holdout["units"]).mean() for model in models)
    assert learned < 0.9 * fixed
    assert models[0].panel.drivers[0].adstock.decay == 0.1  # a refit starts where the user said
    assert models[0].diagnostics()["learned_curves"]["tv"]["adstock"]["decay"] == pytest.approx(0.6, abs=0.1)
    assert "learned_curves" not in models[1].diagnostics()


def test_a_checkpoint_of_curves_is_gone_on_from(tmp_path):
    panel = make_panel(lambda tv: 0.05 * adstock.geometric(tv, 0.6), seed=1)
    driver = Driver("tv", sign="+", adstock=Adstock(decay=0.3, learned=True))
    first, second = (found(fit(panel, driver, checkpoint=tmp_path / "kept"), tmp_path / "m") for _ in range(2))
    assert first == second
    assert (tmp_path / "kept" / "curves" / "state.json").is_file()
