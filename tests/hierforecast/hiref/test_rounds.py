"""Rounds of reweighted sums end where the loss is least, and the mixed link takes sales apart."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SettingsError
from hierforecast.hiref import Driver, HiReF
from hierforecast.hiref.link import make_link
from hierforecast.hiref.moments.sums import sum_moments
from hierforecast.hiref.rounds import first_round, per_row
from hierforecast.options import Training

ROWS = 4000


def solve_rounds(name: str, loss: str, target: np.ndarray, X: np.ndarray, *, rounds: int = 12, **options) -> np.ndarray:
    """Constant and slopes of one series by rounds, the first column being the calendar's."""
    link, series, period = make_link(name, target), np.zeros(len(target), dtype=int), np.arange(len(target))
    logs = (float(np.log(link.floor)), float(np.log(target.max())))
    training = Training(loss=loss, **options)
    near = first_round(link, training, np.array([target.mean()]), logs, X.shape[1], 1, len(target) - 1)
    for _ in range(rounds):
        work = near.working(X, series, period, target, None)
        moments = sum_moments(X, work.response, series, 1, weights=work.weight, stretch=work.stretch, stretched=1)
        products = per_row(moments, len(target)).products[0]
        found = np.linalg.solve(products[:-1, :-1], products[:-1, -1])
        near = near.near(found[:1], found[None, 1:])
    return found


@pytest.fixture
def columns() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asfortranarray(np.column_stack([rng.normal(size=ROWS), rng.random(ROWS) * 2]))


@pytest.mark.parametrize(("loss", "power"), [("poisson", 1), ("gamma", 2)])
def test_under_a_log_the_score_of_the_loss_vanishes(loss, power, columns):
    rng = np.random.default_rng(1)
    mean = np.exp(2 + 0.3 * columns[:, 0] - 0.5 * columns[:, 1])
    target = rng.poisson(mean).astype(float) if loss == "poisson" else rng.gamma(4.0, mean / 4.0)
    found = solve_rounds("log", loss, target, columns)
    fitted = np.exp(found[0] + columns @ found[1:])
    score = np.column_stack([np.ones(ROWS), columns]).T @ ((target - fitted) * fitted ** (1 - power))
    np.testing.assert_allclose(score / ROWS, 0.0, atol=1e-6)
    np.testing.assert_allclose(found, [2, 0.3, -0.5], atol=0.05)


def test_the_mixed_link_finds_what_multiplies_and_what_adds(columns):
    rng = np.random.default_rng(2)
    mean = np.exp(4 + 0.3 * columns[:, 0]) + 12 * columns[:, 1]
    target = mean * (1 + rng.normal(0, 0.08, ROWS))
    np.testing.assert_allclose(solve_rounds("mixed", "gamma", target, columns), [4, 0.3, 12], rtol=0.02)


def test_recent_rows_decide_where_older_ones_are_discounted(columns):
    rng = np.random.default_rng(3)
    slope = np.where(np.arange(ROWS) < ROWS / 2, 1.0, 2.0)
    target = 50 + slope * columns[:, 1] + rng.normal(0, 0.1, ROWS)
    alike = solve_rounds("identity", "squared", target, columns, rounds=1)
    recent = solve_rounds("identity", "squared", target, columns, rounds=1, discount=0.99)
    assert 1.4 < alike[2] < 1.6
    assert recent[2] == pytest.approx(2.0, abs=0.05)


def mixed_market() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(4)
    keys = pd.MultiIndex.from_product([["N", "S"], list("abcdef")], names=["region", "item"]).to_frame(index=False)
    months = pd.date_range("2015-01-01", periods=84, freq="MS")
    panel = keys.loc[keys.index.repeat(84)].reset_index(drop=True)
    panel["month"] = np.tile(months, len(keys))
    base = rng.normal(6, 0.3, len(keys))[:, None] + 0.15 * np.cos(2 * np.pi * (np.arange(84) + 0.5) / 12)
    spend = rng.gamma(2.0, 10.0, (len(keys), 84))
    effect = np.where(keys["region"] == "N", 2.0, 4.0)[:, None]
    mean = np.exp(base) + effect * spend
    panel["spend"] = spend.ravel()
    panel["units"] = (mean * (1 + rng.normal(0, 0.05, mean.shape))).ravel()
    return panel, (np.exp(base).sum(axis=1) / mean.sum(axis=1))


def mixed_model(**options) -> HiReF:
    drivers = [Driver("spend", sign="+", by=("region",))]
    return HiReF(
        ["region", "item"],
        drivers,
        target="units",
        period="month",
        frequency="month",
        link="mixed",
        horizon=6,
        training=Training(seasonality=1, season_by=[], embedding_size=2, **options),
    )


def test_a_mixed_model_knows_the_baseline_and_answers_in_units(tmp_path):
    panel, share = mixed_market()
    train, test = panel[panel["month"] < "2021-07-01"], panel[panel["month"] >= "2021-07-01"]
    model = mixed_model().fit(train)
    forecast = model.predict(test)
    assert (forecast["forecast"] - test["units"]).abs().sum() / test["units"].sum() < 0.05
    parts = model.contributions(test, detail="whole")
    names = [name for name in parts.columns if name not in ("region", "item", "month")]
    np.testing.assert_allclose(parts[names].sum(axis=1), model.predict(test, statistic="mean")["forecast"], rtol=1e-9)
    effects = model.series_effects().groupby("region")["spend"].mean()
    np.testing.assert_allclose(effects[["N", "S"]], [2.0, 4.0], rtol=0.1)
    whole = model.contributions(train, detail="whole").assign(units=train["units"])
    sums = whole.groupby(["region", "item"], sort=False)[[*names, "units"]].sum()
    found = 1 - sums["spend"] / sums[names].sum(axis=1)
    assert np.abs(found.to_numpy() - share).mean() < 0.02
    model.save(tmp_path / "model")
    again = HiReF.load(tmp_path / "model").predict(test)
    pd.testing.assert_frame_equal(again, forecast)


def test_no_mixed_forecast_is_negative():
    panel, _ = mixed_market()
    train = panel[panel["month"] < "2021-07-01"].copy()
    train["spend"] *= -1
    model = mixed_model().fit(train)
    none = panel[panel["month"] >= "2021-07-01"].assign(spend=-1e9)
    assert (model.predict(none)[["forecast", "lower", "upper"]] >= 0).all(axis=None)


def test_lags_of_the_target_have_no_place_in_a_mixed_model():
    panel = mixed_model().panel.model_copy(update={"target_lags": [1]})
    with pytest.raises(SettingsError, match="no place for target_lags"):
        HiReF.from_panel_settings(panel, Training())
