"""A registered version as others use it: through MLflow's own pyfunc, with the frames that people really have."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import HierforecastError
from hierforecast.hiref import HiReF
from hierforecast.metrics import score_horizons
from hierforecast.settings import parse_company
from tasks import environment
from tasks.registry import connection, versions
from tasks.registry.records import Evidence

LEVELS = ["shop", "sku"]
RAW = {
    "company": "tiny",
    "sales": {
        "target": "units",
        "levels": LEVELS,
        "horizon": 4,
        "weight": "trust",
        "drivers": [
            {"name": "price", "sign": "-", "transform": "log", "reference": "usual"},
            {"name": "promo", "sign": "+", "by": ["shop"]},
            {"name": "rain", "reference": "mean", "known_ahead": False, "by": []},
        ],
    },
    "training": {"seasonality": 0, "interval": 0.8},
}


def panel(weeks: int = 70) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    dates = pd.date_range("2023-01-02", periods=weeks, freq="W-MON")
    keys = pd.MultiIndex.from_product([["7", "8", "9"], ["a", "b", "c"], dates], names=[*LEVELS, "week"])
    frame = keys.to_frame(index=False).assign(usual=3.0, trust=1.0, rain=rng.normal(5, 1, len(keys)))
    frame["price"] = 3.0 * np.where(rng.random(len(frame)) < 0.2, 0.7, 1.0)
    frame["promo"] = (rng.random(len(frame)) < 0.2).astype(int)
    mean = np.exp(4 - 2 * np.log(frame["price"] / 3) + 0.3 * frame["promo"] + 0.05 * (frame["rain"] - 5))
    return frame.assign(units=mean * np.exp(rng.normal(0, 0.1, len(frame))))


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """The store's client, the version, the model it was made of, and rows of the weeks after training."""
    folder = tmp_path_factory.mktemp("trained")
    company, frame = parse_company(RAW), panel()
    late = frame["week"] > frame["week"].max() - pd.Timedelta(weeks=4)
    model = HiReF.from_panel_settings(company.sales, company.training).fit(frame[~late])
    model.save(folder / "model")
    for name in ("tables", "checks", "plots"):
        (folder / name).mkdir()
    answer = model.predict(frame[late]).rename(columns={"week": "period"}).assign(actual=frame.loc[late, "units"])
    score_horizons(answer, LEVELS).to_parquet(folder / "tables/horizons.parquet")
    answer.to_parquet(folder / "tables/forecasts.parquet")
    (folder / "checks/report.html").write_text("<p>fine</p>")
    (folder / "plots/forecast_total.png").write_bytes(b"\x89PNG")
    evidence = Evidence(
        model=str(folder / "model"),
        tables=str(folder / "tables"),
        checks=str(folder / "checks"),
        plots=str(folder / "plots"),
        metrics={"wape.bottom": 0.1, "wape.total": float("nan")},
        courses={"loss": [(step, 1.0 / (step + 1)) for step in range(1200)]},
        diagnostics={"engine": "moments"},
        tags={"trained_to": "2024-04-01"},
    )
    rows = frame[late].drop(columns=["units", "trust"]).reset_index(drop=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        environment.home()
        version = versions.register(
            company, "hiref", "f" * 64, evidence, example=rows.head(3), answer=model.predict(rows.head(3))
        )
        yield connection.client(), version, model, rows


@pytest.fixture
def served(registered):
    return mlflow.pyfunc.load_model(f"models:/{registered[1].name}/{registered[1].version}")


def test_the_pages_have_everything(registered):
    server, version, _, _ = registered
    run = server.get_run(version.run_id)
    assert run.data.params["sales.driver.price"].startswith('{"name": "price"')
    assert run.data.metrics["wape.bottom"] == 0.1
    assert "wape.total" not in run.data.metrics  # unknown is not a number
    history = server.get_metric_history(version.run_id, "loss")
    assert sorted((point.step, point.value) for point in history)[::600] == [(0, 1.0), (600, 1.0 / 601)]
    assert len(history) == 1200  # more than one batch
    found = {file.path for folder in (None, "plots", "shown") for file in server.list_artifacts(version.run_id, folder)}
    wanted = {"settings.yaml", "settings.json", "diagnostics.json", "plots/forecast_total.png", "shown/horizons.json"}
    assert wanted <= found


def test_small_tables_are_shown_and_hold_no_nan(registered):
    _, version, _, _ = registered
    shown = mlflow.artifacts.load_dict(f"runs:/{version.run_id}/shown/horizons.json")
    assert shown["columns"] == ["level", "horizon", "cells", "wape", "bias", "coverage"]
    assert len(shown["data"]) == 4 * 4
    assert json.dumps(shown, allow_nan=False)


def test_frames_as_people_have_them_give_the_same_forecast(registered, served):
    _, _, model, rows = registered
    wanted = model.predict(rows)
    variants = {
        "as trained": rows,
        "target and memo beside": rows.assign(units=np.nan, memo="x"),
        "categories": rows.astype(dict.fromkeys(LEVELS, "category")),
        "whole numbers": rows.astype({"shop": "int64", "promo": "int64"}),
        "objects": rows.astype(dict.fromkeys(LEVELS, object)),
        "other order": rows[rows.columns[::-1]],
        "not known ahead left out": rows.drop(columns="rain"),
        "seconds": rows.astype({"week": "datetime64[s]"}),
    }
    for what, frame in variants.items():
        answer = served.predict(frame)
        np.testing.assert_allclose(answer["forecast"], wanted["forecast"], rtol=1e-12, err_msg=what)


def test_unseen_nodes_and_new_rows_are_forecast(registered, served):
    _, _, _, rows = registered
    new = rows[rows["shop"] == "7"].assign(shop="10", week=rows["week"] + pd.Timedelta(weeks=8))
    answer = served.predict(new)
    assert (answer["forecast"] > 0).all()
    assert (answer["lower"] <= answer["forecast"]).all()
    assert set(answer["fallback"]) == {"shop"}


def test_what_is_asked_beside_the_rows(registered, served):
    _, _, model, rows = registered
    parts = served.predict(rows, params={"answer": "contributions"})
    pd.testing.assert_frame_equal(parts, model.contributions(rows), check_dtype=False)
    components = [name for name in parts if name not in (*LEVELS, "week")]
    np.testing.assert_allclose(parts[components].sum(axis=1), served.predict(rows)["forecast"], rtol=1e-9)
    median = served.predict(rows, params={"statistic": "median"})["forecast"]
    np.testing.assert_allclose(median, model.predict(rows, statistic="median")["forecast"])
    wide, usual = (served.predict(rows, params=params) for params in ({"interval": 0.95}, None))
    assert (wide["upper"] > usual["upper"]).all()
    assert (wide["lower"] < usual["lower"]).all()
    np.testing.assert_array_equal(wide["forecast"], usual["forecast"])
    total = served.predict(rows, params={"level": "total"})
    np.testing.assert_allclose(total["forecast"], served.predict(rows).groupby("week")["forecast"].sum())
    effects = served.predict(rows, params={"answer": "elasticities", "level": "shop", "interval": 0.5})
    wide = served.predict(rows, params={"answer": "elasticities", "level": "shop"})
    assert set(effects["node"]) == {"7", "8", "9"}
    assert (effects["upper"] - effects["lower"]).sum() < (wide["upper"] - wide["lower"]).sum()


def test_what_cannot_be_answered_is_told(registered, served):
    _, _, _, rows = registered
    with pytest.raises(HierforecastError, match="answer 'contribution' is unknown; did you mean 'contributions'"):
        served.predict(rows, params={"answer": "contribution"})
    with pytest.raises(HierforecastError, match="answer 'contributions' takes no 'interval'"):
        served.predict(rows, params={"answer": "contributions", "interval": 0.9})
    with pytest.raises(HierforecastError, match="column 'price' must be numbers"):
        served.predict(rows.assign(price="cheap"))
    with pytest.raises(mlflow.MlflowException, match="missing inputs"):
        served.predict(rows.drop(columns="price"))


def test_json_as_a_scoring_server_reads_it(registered, served):
    from mlflow.pyfunc.scoring_server import _split_data_and_params, infer_and_parse_data

    _, _, model, rows = registered
    body = {"dataframe_split": json.loads(rows.to_json(orient="split", date_format="iso")), "params": {"statistic": "median"}}
    data, params = _split_data_and_params(json.dumps(body))
    frame = infer_and_parse_data(data, served.metadata.get_input_schema())
    answer = served.predict(frame, params=params)
    np.testing.assert_allclose(answer["forecast"], model.predict(rows, statistic="median")["forecast"])
