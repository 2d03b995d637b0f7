"""What a user does with HiReF, end to end, against a known truth."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import ModelFolderError, NotFittedError, PanelError, SettingsError
from hierforecast.hiref import Driver, HiReF
from hierforecast.hiref.material import from_panel
from hierforecast.loading import load_model
from hierforecast.options import Training
from hierforecast.results import ELASTICITIES
from hierforecast.schema import Target

LEVELS = ["state", "brand", "pack"]


def test_true_elasticities_are_recovered(model, market):
    found = model.series_effects().merge(market.elasticities, on=LEVELS)
    near = (found["price"] - found["elasticity"]).abs() <= 0.3
    assert near.mean() >= 0.8
    np.testing.assert_allclose(model.series_effects()["tv"], 0.02, atol=0.006)


def test_forecasts_come_near_the_noise_floor_and_intervals_cover(model, split):
    _, holdout = split
    forecast = model.predict(holdout)
    error = (forecast["forecast"] - holdout["units"]).abs().sum() / holdout["units"].sum()
    assert error < 0.15  # the mean absolute error of log-normal noise of 0.15 is 0.12
    inside = holdout["units"].between(forecast["lower"], forecast["upper"])
    assert 0.72 < inside.mean() < 0.88
    assert (forecast["lower"] <= forecast["forecast"]).all()
    assert (forecast["forecast"] <= forecast["upper"]).all()


def test_means_add_up_over_training_and_medians_lie_below(model, split):
    train, _ = split
    mean, median = (model.predict(train, statistic=statistic)["forecast"] for statistic in ("mean", "median"))
    assert mean.sum() == pytest.approx(train["units"].sum(), rel=0.005)
    assert median.sum() < mean.sum()


@pytest.mark.parametrize("link", ["log", "identity"])
@pytest.mark.parametrize("trend", [False, True])
def test_contributions_sum_to_the_forecast(link, trend, split, new_model):
    train, holdout = split
    model = new_model(link=link, training=Training(seasonality=2, trend=trend, embedding_size=2)).fit(train)
    for rows in (train, holdout):
        parts = model.contributions(rows).drop(columns=[*LEVELS, "week"])
        np.testing.assert_allclose(parts.sum(axis=1), model.predict(rows)["forecast"], rtol=1e-6, atol=1e-9)
    expected = {"baseline", "season", "price", "price by hierarchy", "tv", "tv by hierarchy"}
    assert set(parts.columns) - {"level"} == expected | ({"trend"} if trend else set())


def test_a_baseline_is_the_forecast_without_any_driver(model, split):
    """Contributions mean something: at every reference, drivers add nothing."""
    _, holdout = split
    plain = holdout.assign(price=holdout["regular"])
    parts = model.contributions(plain)
    assert parts["price"].abs().max() == 0
    assert parts["price by hierarchy"].abs().max() == 0


def test_signs_hold_after_training_on_data_that_contradict_them(split, new_model):
    train, _ = split
    upside_down = train.assign(price=train["regular"] ** 2 / train["price"])
    model = new_model().fit(upside_down)
    assert (model.series_effects()["price"] <= 0).all()
    assert model.diagnostics()["wrong_sign_share"] == 0.0


def test_a_saved_model_says_the_same(model, split, tmp_path):
    _, holdout = split
    folder = model.save(tmp_path / "model")
    for again in (HiReF.load(folder), load_model(folder)):
        pd.testing.assert_frame_equal(again.predict(holdout), model.predict(holdout))
        pd.testing.assert_frame_equal(again.contributions(holdout), model.contributions(holdout))
        assert again.diagnostics() == model.diagnostics()
        assert again.panel == model.panel
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pt", ".joblib")]


def test_forecasting_with_a_saved_model_needs_no_torch(model, split, tmp_path):
    folder = model.save(tmp_path / "model")
    split[1].to_parquet(tmp_path / "rows.parquet")
    lines = [
        "import sys, pandas as pd",
        "from hierforecast.loading import load_model",
        f"load_model({str(folder)!r}).predict(pd.read_parquet({str(tmp_path / 'rows.parquet')!r}))",
        "sys.exit('torch' in sys.modules)",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_a_model_of_another_family_is_refused(model, tmp_path):
    folder = model.save(tmp_path / "model")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"family": "oracle"}))
    with pytest.raises(ModelFolderError, match="oracle"):
        load_model(folder)


def test_two_fits_give_the_same_forecasts(model, split, new_model):
    train, holdout = split
    again = new_model().fit(train.sample(frac=1, random_state=2))
    np.testing.assert_allclose(again.predict(holdout)["forecast"], model.predict(holdout)["forecast"], rtol=1e-6)


def test_forecasts_do_not_depend_on_other_rows_or_their_order(model, split):
    train, holdout = split
    alone = model.predict(holdout)["forecast"]
    joined = model.predict(pd.concat([train, holdout]).sample(frac=1, random_state=1))["forecast"]
    np.testing.assert_allclose(joined.loc[holdout.index], alone, rtol=1e-9)
    assert joined.index[0] != train.index[0]


def test_new_nodes_fall_back_to_the_other_levels(model, split):
    _, holdout = split
    one = holdout[(holdout["state"] == "S1") & (holdout["brand"] == "B2")]
    new = pd.concat([one, one.assign(brand="B99"), one.assign(brand="B99", state="S99")], ignore_index=True)
    forecast = model.predict(new)
    assert forecast["fallback"].drop_duplicates().tolist() == ["", "brand", "state,brand"]
    assert np.isfinite(forecast[["forecast", "lower", "upper"]].to_numpy()).all()
    width = np.log(forecast["upper"] / forecast["lower"]).groupby(forecast["fallback"]).mean()
    assert width[""] < width["brand"] < width["state,brand"]


def test_a_new_product_is_forecast_better_than_by_the_average(new_market, new_model):
    """Cold start: state and pack are known, the combination with its brand is not."""
    market = new_market(seed=8, states=8)
    hidden = (market.panel["state"] == "S7") & (market.panel["brand"] == "B5")
    model = new_model().fit(market.panel[~hidden])
    rows = market.panel[hidden]
    forecast = model.predict(rows, statistic="median")
    assert (forecast["fallback"] == "").all()
    log_error = np.log(rows["units"]) - np.log(forecast["forecast"])
    average = np.log(rows["units"]) - np.log(market.panel.loc[~hidden, "units"]).mean()
    assert np.abs(log_error).mean() < 0.6 * np.abs(average).mean()


def test_elasticities_are_means_over_a_nodes_series(model):
    table = model.elasticities()
    assert table.columns.tolist() == list(ELASTICITIES.columns)
    assert set(table["level"]) == {*LEVELS, "total"}
    effects = model.series_effects()
    row = table.query("driver == 'price' and level == 'brand' and node == 'B3'")
    assert row["effect"].item() == pytest.approx(effects.loc[effects["brand"] == "B3", "price"].mean())
    assert len(model.elasticities("bottom")) == 2 * len(effects)
    with pytest.raises(PanelError, match="did you mean 'brand'"):
        model.elasticities("brnd")


def test_what_if_follows_the_elasticity(model, split):
    _, holdout = split
    answer = model.simulate(holdout, price=lambda p: 1.05 * p)
    keyed = answer.merge(model.series_effects(), on=LEVELS)
    np.testing.assert_allclose(keyed["what_if"] / keyed["forecast"], 1.05 ** keyed["price"], rtol=1e-9)
    np.testing.assert_allclose(answer["forecast"], model.predict(holdout)["forecast"])
    np.testing.assert_allclose(answer["change"], answer["what_if"] - answer["forecast"])


def test_an_impossible_price_is_flagged_and_bounded(model, split):
    _, holdout = split
    answer = model.simulate(holdout, {"price": 0.0001})
    assert (answer["outside"] == "price").all()
    assert (answer["what_if"] < 20 * answer["forecast"]).all()
    with pytest.raises(PanelError, match="did you mean 'price'"):
        model.simulate(holdout, prise=1.0)


def test_an_empty_driver_is_an_error_and_never_a_forecast(model, split):
    _, holdout = split
    rows = holdout.assign(tv=holdout["tv"].where(holdout["state"] != "S0"))
    with pytest.raises(PanelError, match="driver 'tv' is empty or infinite in 96 rows"):
        model.predict(rows)
    with pytest.raises(PanelError, match="no column 'price'"):
        model.predict(holdout.drop(columns="price"))


def test_rows_without_a_target_are_not_learned_from(model, split, new_model):
    train, holdout = split
    joined = pd.concat([train, holdout.assign(units=np.nan)])
    again = new_model().fit(joined)
    np.testing.assert_allclose(again.predict(holdout)["forecast"], model.predict(holdout)["forecast"], rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": np.nan}, "nothing to learn from"),
        ({"units": -1.0}, "below 0"),
        ({"units": "many"}, "must be numbers"),
    ],
)
def test_unusable_targets_are_refused(change, message, split, new_model):
    with pytest.raises(PanelError, match=message):
        new_model().fit(split[0].assign(**change))


def test_zero_targets_and_short_histories_still_give_forecasts(split, new_model):
    train, holdout = split
    weeks = np.sort(train["week"].unique())
    short = train[train["week"] >= weeks[-3]].assign(units=lambda f: f["units"].round().where(f["brand"] != "B0", 0.0))
    model = new_model().fit(short)
    forecast = model.predict(holdout)
    assert np.isfinite(forecast[["forecast", "lower", "upper"]].to_numpy()).all()
    unsold = holdout["brand"] == "B0"
    assert forecast.loc[unsold, "forecast"].mean() < 0.1 * forecast.loc[~unsold, "forecast"].mean()
    assert model.diagnostics()["zero_targets"] == (short["units"] == 0).sum()


def test_mistakes_in_settings_are_named():
    def build(**change):
        return HiReF(["state"], change.pop("drivers", []), **({"target": "units", "period": "week"} | change))

    with pytest.raises(SettingsError, match="did you mean 'state'"):
        build(drivers=[Driver("price", by=("stat",))])
    with pytest.raises(SettingsError, match="rename"):
        build(drivers=[Driver("level")])
    with pytest.raises(SettingsError, match="season_by"):
        build(training=Training(season_by=["brand"]))
    with pytest.raises(SettingsError, match="log"):
        build(link="probit")
    with pytest.raises(NotFittedError, match="fit"):
        build().predict(pd.DataFrame())


def test_a_model_without_drivers_or_with_one_level_works(split):
    train, holdout = split
    model = HiReF(["state"], [], target="units", period="week", training=Training(seasonality=0))
    columns = ["state", "week"]
    total = train.groupby(columns, as_index=False)["units"].sum()
    forecast = model.fit(total).predict(holdout.groupby(columns, as_index=False)["units"].sum())
    assert (forecast["forecast"] > 0).all()
    assert model.elasticities().empty


def test_daily_and_monthly_panels_work(split, new_model):
    train, _ = split
    for frequency, freq in (("day", "D"), ("month", "MS")):
        weeks = np.sort(train["week"].unique())
        dates = pd.Series(pd.date_range("2015-01-01", periods=len(weeks), freq=freq).to_numpy(), index=weeks)
        panel = train.assign(week=train["week"].map(dates))
        model = new_model(frequency=frequency).fit(panel)
        assert model.diagnostics()["periods"] == len(weeks)
        assert np.isfinite(model.predict(panel)["forecast"]).all()


def test_diagnostics_are_json(model):
    told = json.loads(json.dumps(model.diagnostics()))
    assert {"rows", "series", "iterations", "converged", "loss", "wrong_sign_share", "seconds"} <= told.keys()


def test_a_fit_on_prepared_rows_forgets_what_an_earlier_fit_kept(split, new_model):
    """An update adds to the sums of the fit that it goes on from."""
    training = Training(seasonality=1, embedding_size="full", keep_moments=True)
    earlier, later = (split[0][split[0]["week"] < f"2023-{month}-01"] for month in ("06", "09"))
    model = new_model(training=training).fit(earlier)
    model.fit_prepared(from_panel(later, model.panel, training))
    new = split[0][split[0]["week"] >= "2023-09-01"]
    straight = new_model(training=training).fit(later).update(new)
    left, right = (each.predict(split[1])["forecast"] for each in (model.update(new), straight))
    np.testing.assert_allclose(left, right, rtol=1e-4)


def test_an_update_takes_a_frame(split, new_model):
    model = new_model(training=Training(seasonality=1, embedding_size=2, keep_moments=True)).fit(split[0])
    with pytest.raises(PanelError, match="wanted a pandas DataFrame"):
        model.update(split[1].to_dict())


@pytest.mark.parametrize("interval", [0, 1, 80, "wide"])
def test_intervals_are_shares_wherever_asked(model, split, interval):
    for asked in (model.predict, model.simulate):
        with pytest.raises(SettingsError, match="interval must be a share between 0 and 1"):
            asked(split[1], interval=interval)
    with pytest.raises(SettingsError, match="interval must be a share between 0 and 1"):
        model.elasticities(interval=interval)


def test_a_target_may_say_how_late_sales_are_known(split):
    late = HiReF(LEVELS, [], target=Target(name="units", availability_lag=3), horizon=8, training=Training(seasonality=1))
    assert late.panel.target == Target(name="units", availability_lag=3)
    with pytest.raises(SettingsError, match="known only 3 periods later"):
        HiReF(LEVELS, [], target=Target(name="units", availability_lag=3), target_lags=[1])
