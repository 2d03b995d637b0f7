"""Intervals of a fitted model: they cover as promised at rows and sums, nest, widen with what is not known, and are kept."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SettingsError
from hierforecast.hiref import Driver, HiReF
from hierforecast.options import Training

LEVELS = ["state", "brand", "pack"]
EVERYWHERE = [None, "bottom", "state", ["brand", "pack"], "total"]


def covered(model: HiReF, rows: pd.DataFrame, level, interval: float) -> np.ndarray:
    answer = model.predict(rows, level=level, interval=interval)
    if level is None:
        actual = rows["units"].to_numpy()
    else:
        by = [name for name in answer.columns if name in (*LEVELS, "week")]
        actual = rows.groupby(by)["units"].sum().reset_index().merge(answer[by], on=by)["units"].to_numpy()
    return (actual >= answer["lower"].to_numpy()) & (actual <= answer["upper"].to_numpy())


def cut(panel: pd.DataFrame, weeks: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    last = panel["week"].drop_duplicates().sort_values().iloc[-weeks]
    return panel[panel["week"] < last], panel[panel["week"] >= last]


@pytest.mark.parametrize("link", ["log", "identity", "mixed"])
@pytest.mark.parametrize("interval", [0.8, 0.95])
def test_known_noise_is_covered_as_promised(link, interval, new_market, new_model):
    hits = {"rows": [], "state": [], "total": []}
    for seed in (1, 2, 3):
        train, holdout = cut(new_market(seed=seed, weeks=100).panel, 8)
        model = new_model(link=link).fit(train)
        for name, level in (("rows", None), ("state", "state"), ("total", "total")):
            hits[name].append(covered(model, holdout, level, interval))
    share = {name: np.concatenate(found).mean() for name, found in hits.items()}
    assert share["rows"] == pytest.approx(interval, abs=0.05)
    assert share["state"] == pytest.approx(interval, abs=0.1)  # 120 sums
    assert share["total"] >= interval - 0.2  # 24 of them


def test_what_all_series_share_widens_sums(new_market, new_model):
    """A market whose weeks are good or bad for everybody, beside one in which every series has its own luck."""
    panel = new_market(seed=5, weeks=104, noise=0.05).panel
    luck = np.random.default_rng(0).normal(0, 0.15, panel["week"].nunique())
    week = pd.factorize(panel["week"], sort=True)[0]
    own = np.random.default_rng(1).normal(0, 0.15, len(panel))
    width, hit = {}, {}
    for name, moved in (("shared", luck[week]), ("own", own)):
        train, holdout = cut(panel.assign(units=panel["units"] * np.exp(moved)), 8)
        model = new_model(training=Training(seasonality=1, embedding_size=2, recent_level=False)).fit(train)
        answer = model.predict(holdout, level="total", interval=0.8)
        width[name] = ((answer["upper"] - answer["lower"]) / answer["forecast"]).mean()
        hit[name] = covered(model, holdout, "total", 0.95).mean()
    assert width["shared"] == pytest.approx(2 * 1.28 * 0.15, rel=0.35)
    assert width["own"] < width["shared"] / 3
    assert hit["shared"] >= 7 / 8


@pytest.mark.parametrize("link", ["log", "identity"])
def test_intervals_nest_are_finite_and_hold_the_forecast(link, split, new_model):
    train, holdout = split
    model = new_model(link=link).fit(train)
    for level in EVERYWHERE:
        before = None
        for interval in (0.05, 0.5, 0.8, 0.95, 0.999):
            answer = model.predict(pd.concat([train.tail(500), holdout]), level=level, interval=interval)
            bounds = answer[["lower", "forecast", "upper"]].to_numpy()
            assert np.isfinite(bounds).all() and (bounds >= 0).all()
            assert (np.diff(bounds, axis=1) >= 0).all()
            if before is not None:
                assert (bounds[:, 0] <= before[:, 0] + 1e-9).all() and (bounds[:, 2] >= before[:, 2] - 1e-9).all()
            before = bounds
        assert (before[:, 2] > before[:, 0]).all()


def test_the_usual_interval_is_that_of_training_and_no_other_than_a_share_is_taken(model, split):
    usual, same = model.predict(split[1]), model.predict(split[1], interval=model.training.interval)
    pd.testing.assert_frame_equal(usual, same)
    for wrong in (0.0, 1.0, 80):
        with pytest.raises(SettingsError, match="share between 0 and 1"):
            model.predict(split[1], interval=wrong)


def test_nodes_that_are_series_have_the_intervals_of_their_rows(model, split):
    rows = split[1].sort_values([*LEVELS, "week"])
    bottom, single = model.predict(rows, level="bottom"), model.predict(rows, statistic="mean")
    for name in ("lower", "upper"):
        np.testing.assert_allclose(bottom[name], single[name], rtol=1e-9)


def test_a_new_store_is_less_certain_as_a_whole_too(model, split):
    rows = split[1][split[1]["state"] == "S1"]

    def width(panel):
        answer = model.predict(panel, level="state")
        return ((answer["upper"] - answer["lower"]) / answer["forecast"]).mean()

    assert width(rows.assign(state="never seen")) > 1.5 * width(rows)


def test_intervals_of_a_random_walk_grow_with_the_horizon():
    rng = np.random.default_rng(0)
    weeks, stores = 110, 60
    walk = 5 + rng.normal(0, 0.12, (stores, weeks)).cumsum(axis=1)
    panel = pd.DataFrame(
        {
            "store": np.repeat([f"S{number}" for number in range(stores)], weeks),
            "week": np.tile(pd.date_range("2022-01-03", periods=weeks, freq="W-MON"), stores),
            "price": 1.0 + 0.1 * rng.random(stores * weeks),
            "units": np.exp(walk).ravel(),
        }
    )
    train, holdout = cut(panel, 10)
    model = HiReF(["store"], [Driver("price", sign="-")], target="units", horizon=10, training=Training(seasonality=0))
    model.fit(train)
    answer = model.predict(holdout, interval=0.8).assign(units=holdout["units"])
    log_width = np.log(answer["upper"] / answer["lower"]).groupby(answer["week"]).mean().to_numpy()
    assert (np.diff(log_width) > 0).all()
    assert log_width[-1] / log_width[0] > 1.5  # the root of 10 were it not for the level's own lag
    hit = ((answer["units"] >= answer["lower"]) & (answer["units"] <= answer["upper"])).groupby(answer["week"]).mean()
    assert hit.mean() == pytest.approx(0.8, abs=0.08)
    assert hit.iloc[:5].mean() == pytest.approx(hit.iloc[5:].mean(), abs=0.12)
    total = model.predict(holdout, level="total")
    assert (total["upper"] - total["lower"]).iloc[-1] > (total["upper"] - total["lower"]).iloc[0]


def test_intervals_are_kept(model, split, tmp_path):
    loaded = HiReF.load(model.save(tmp_path / "model"))
    for level in EVERYWHERE:
        for interval in (0.8, 0.95):
            asked = {"level": level, "interval": interval}
            pd.testing.assert_frame_equal(loaded.predict(split[1], **asked), model.predict(split[1], **asked))


def test_a_history_too_short_to_hold_anything_out_has_intervals(new_market, new_model):
    panel = new_market(seed=2, weeks=7).panel
    train, holdout = cut(panel, 2)
    model = new_model(training=Training(seasonality=0, embedding_size=1)).fit(train)
    for level in EVERYWHERE:
        answer = model.predict(holdout, level=level)
        assert (answer["upper"] > answer["lower"]).all() and np.isfinite(answer["upper"]).all()
