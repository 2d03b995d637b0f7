"""Elasticities with intervals that hold the truth about as often as they say."""

import numpy as np
import pytest

from hierforecast.errors import SettingsError
from hierforecast.hiref import HiReF

LEVELS = ["state", "brand", "pack"]


def covered(model: HiReF, truth, interval: float = 0.9) -> float:
    table = model.elasticities("bottom", interval=interval).query("driver == 'price'")
    keys = truth[LEVELS].agg(" / ".join, axis=1)
    true = truth.set_index(keys)["elasticity"].reindex(table["node"]).to_numpy()
    return float(((table["lower"] <= true) & (true <= table["upper"])).mean())


def test_intervals_hold_the_truth_and_wider_ones_more_often(model, market):
    narrow, usual = covered(model, market.elasticities, 0.5), covered(model, market.elasticities)
    assert 0.75 <= usual <= 1.0
    assert narrow < usual


@pytest.mark.slow
def test_nine_in_ten_intervals_hold_the_truth_over_many_markets(new_market, new_model):
    shares = []
    for seed in range(20, 28):
        market = new_market(seed=seed)
        shares.append(covered(new_model().fit(market.panel), market.elasticities))
    assert 0.80 <= np.mean(shares) <= 0.97


def test_more_weeks_leave_less_open(new_market, new_model):
    width = {}
    for weeks in (60, 240):
        model = new_model().fit(new_market(seed=4, weeks=weeks).panel)
        table = model.elasticities("brand").query("driver == 'price'")
        width[weeks] = (table["upper"] - table["lower"]).mean()
    assert width[240] < 0.8 * width[60]


def test_intervals_are_about_the_effect_and_keep_the_sign(model):
    table = model.elasticities()
    assert (table["lower"] <= table["effect"]).all()
    assert (table["effect"] <= table["upper"]).all()
    assert (table.query("driver == 'price'")["upper"] <= 0).all()
    assert (table.query("driver == 'tv'")["lower"] >= 0).all()


def test_a_total_is_known_better_than_a_series(model):
    total, bottom = (model.elasticities(by).query("driver == 'price'") for by in ("total", "bottom"))
    assert (total["upper"] - total["lower"]).item() < 0.7 * (bottom["upper"] - bottom["lower"]).mean()


def test_intervals_survive_saving(model, tmp_path):
    again = HiReF.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.elasticities()[["lower", "upper"]], model.elasticities()[["lower", "upper"]])


@pytest.mark.parametrize("interval", [0, 1, 90, "wide"])
def test_an_interval_is_a_share(model, interval):
    with pytest.raises(SettingsError, match="share between 0 and 1"):
        model.elasticities(interval=interval)
