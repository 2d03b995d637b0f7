"""What signs cost and drivers add, where the truth is known."""

import numpy as np
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref import Driver, HiReF
from hierforecast.hiref.answers.signs import series_slopes
from hierforecast.hiref.material import from_panel
from hierforecast.options import Training


def model_with(sign: str, *more: Driver) -> HiReF:
    drivers = [Driver("price", sign=sign, transform="log", reference="regular", by=("brand",)), *more]
    training = Training(seasonality=1, embedding_size=2, iterations=60, recent_level=False)
    return HiReF(["state", "brand", "pack"], drivers, target="units", horizon=8, training=training)


def test_a_right_sign_costs_nothing_and_a_wrong_one_is_told(market):
    right = model_with("-").sign_report(market.panel).iloc[0]
    wrong = model_with("+").sign_report(market.panel).iloc[0]
    assert right["disagree"] <= 0.05
    assert abs(right["cost"]) < 0.005
    assert wrong["disagree"] >= 0.95
    assert wrong["clearly"] >= 0.8
    assert wrong["cost"] > 0.02
    assert right["series"] == wrong["series"] == 60


def test_slopes_of_single_series_are_those_of_a_regression(market):
    model = model_with("-")
    data = from_panel(market.panel, model.panel, model.training)
    slope, error, usable = series_slopes(data)
    rows = data.recent.rows.series == 3
    sides = np.column_stack([np.ones(rows.sum()), data.recent.X[rows]])
    found, left, *_ = np.linalg.lstsq(sides, data.recent.value[rows], rcond=None)
    assert usable.all()
    np.testing.assert_allclose(slope[3], found[1:], rtol=0.01, atol=0.01)
    spare = rows.sum() - sides.shape[1]
    usual = np.sqrt(np.diag(np.linalg.inv(sides.T @ sides)) * left[0] / spare)
    np.testing.assert_allclose(error[3], usual[1:], rtol=0.02)


def test_a_driver_that_matters_adds_and_noise_does_not(market):
    noise = np.random.default_rng(5).normal(0, 1, len(market.panel))
    table = model_with("-", Driver("noise", by=())).ablation(market.panel.assign(noise=noise))
    assert table["driver"].tolist() == ["price", "noise"]
    assert table.loc[0, "adds"] > 0.05
    assert abs(table.loc[1, "adds"]) < 0.005
    np.testing.assert_allclose(table["wape_without"] - table["wape"], table["adds"])


def test_errors_cannot_be_told_without_a_target(market):
    with pytest.raises(PanelError, match="no target column"):
        model_with("-").ablation(market.panel.drop(columns="units"))


def test_a_driver_that_strengths_name_can_be_left_out(market):
    model = model_with("-")
    training = model.training.model_copy(update={"ridge": {"brand": {"price": 0.5, "default": 2.0}, "state": 1.0}})
    table = HiReF.from_panel_settings(model.panel, training).ablation(market.panel)
    assert table.loc[0, "adds"] > 0.05


def test_errors_cannot_be_told_of_anything_but_a_frame(market):
    with pytest.raises(PanelError, match="wanted a pandas DataFrame"):
        model_with("-").sign_report(market.panel.to_dict())
