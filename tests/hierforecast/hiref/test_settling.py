"""Ridge "auto" becomes numbers that forecast no worse than the usual strength, under every kind of sums."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.driver import Driver
from hierforecast.errors import SettingsError
from hierforecast.hiref.material import from_panel
from hierforecast.hiref.model import HiReF
from hierforecast.hiref.regression.ridge import USUAL
from hierforecast.hiref.settling import settle_ridge
from hierforecast.options import Training

WEEKS, STORES = 80, 12


def panel(weeks: int = WEEKS) -> pd.DataFrame:
    """Noisy sales of two brands in every store; all share the season and the effect of promotions."""
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product(
        [[f"s{n:02d}" for n in range(STORES)], ["x", "y"], pd.date_range("2024-01-01", periods=weeks, freq="7D")],
        names=["store", "brand", "week"],
    ).to_frame(index=False)
    promo = rng.integers(0, 2, len(keys))
    season = np.cos(2 * np.pi * keys.week.dt.day_of_year / 365.25)
    mean = np.exp(2.5 + 0.4 * season + 0.5 * promo + 0.3 * keys.store.str[1:].astype(int) / STORES)
    return keys.assign(promo=promo.astype(float), units=rng.poisson(mean * rng.gamma(4.0, 0.25, len(keys))))


def model(training: Training) -> HiReF:
    drivers = [Driver("promo", sign="+", reference=0, by=["store", "brand", "bottom"])]
    return HiReF(["store", "brand"], drivers, target="units", period="week", link="log", horizon=8, training=training)


def settled(training: Training, weeks: int = WEEKS):
    settings = model(training).panel
    data = from_panel(panel(weeks), settings, training)
    return settle_ridge(data, training), data


@pytest.mark.parametrize("options", [{}, {"loss": "poisson"}, {"discount": 0.99}], ids=str)
def test_open_strengths_become_numbers_that_forecast_no_worse(options):
    training = Training(ridge="auto", embedding_size="full", seasonality=1, **options)
    found, _ = settled(training)
    told = found.told
    assert found.training.model_copy(update={"ridge": "auto"}) == training
    assert found.training.ridge == told["ridge"]
    assert min(told["ridge_chosen_wape"], told["ridge_usual_wape"]) > 0
    if told["ridge_chosen_wape"] < told["ridge_usual_wape"]:
        assert told["ridge"]["bottom"]["default"] > USUAL  # series have no effects of their own here
    else:
        assert told["ridge"] == USUAL


def test_given_strengths_stay():
    training = Training(ridge=3.0, seasonality=1)
    found, _ = settled(training)
    assert found.training is training
    assert not found.told


def test_a_history_too_short_to_choose_on_is_told():
    with pytest.raises(SettingsError, match="too short"):
        settled(Training(ridge="auto", seasonality=0, recent_level=False), weeks=3)


def test_a_model_fits_forecasts_and_is_saved_with_open_strengths(tmp_path):
    rows = panel()
    last = rows.week.max() - pd.Timedelta(weeks=8)
    fitted = model(Training(ridge="auto", embedding_size="full", seasonality=1)).fit(rows[rows.week <= last])
    future = rows[rows.week > last].drop(columns="units")
    fitted.save(tmp_path / "model")
    forecast, again = fitted.predict(future), HiReF.load(tmp_path / "model").predict(future)
    pd.testing.assert_frame_equal(forecast, again)
    assert np.isfinite(forecast["forecast"]).all()
    assert fitted.diagnostics()["ridge_usual_wape"] > 0
