"""A registered marketing mix model as others ask it: through MLflow's own pyfunc, in a process without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.model import Precision
from tasks import environment
from tasks.registry import media_answers, versions
from tasks.registry.records import Evidence
from tests.support.quick_mix import quick_mix

ROOT = Path(__file__).resolve().parents[3]
SPENT = ["spot_spend", "brand_spend", "generic_spend"]


@pytest.fixture(scope="module")
def made():
    return quick_mix()


@pytest.fixture(scope="module")
def model(made, made_sampler):
    return Precision.from_panel_settings(made.company.media, made.company.sampling).fit(made.history)


@pytest.fixture(scope="module")
def plan(made):
    return made.plan.drop(columns="revenue").reset_index(drop=True)


def ask(model, rows, **given):
    return media_answers.answer(model, rows, given)


def test_the_usual_answer_is_a_forecast(model, plan):
    pd.testing.assert_frame_equal(ask(model, plan), model.predict(plan))
    pd.testing.assert_frame_equal(ask(model, plan.drop(columns=SPENT)), model.predict(plan))
    unknown = plan.assign(spot_spend=np.nan)  # who plans exposures need not know yet what they cost
    pd.testing.assert_frame_equal(ask(model, unknown, kind="forecast"), model.predict(plan))


def test_contributions_of_a_level_sum_to_the_forecast(model, plan):
    parts = ask(model, plan, kind="contributions", level="channel")
    assert set(parts["level"]) == {"channel", "control", "baseline"}
    np.testing.assert_allclose(parts.groupby("period")["mean"].sum(), ask(model, plan)["forecast"], rtol=1e-9)
    assert set(ask(model, plan, kind="contributions")["level"]) == {"tactical", "channel", "control", "baseline"}


def test_returns_are_those_of_the_weeks(model, plan):
    told = ask(model, plan, kind="roi")
    pd.testing.assert_frame_equal(told, model.decisions(plan).roi())
    assert told["spend"].iloc[-1] == pytest.approx(plan[SPENT].to_numpy().sum())
    assert list(ask(model, plan, kind="roi", level="total")["node"]) == ["total"]
    assert set(ask(model, plan, kind="response", level="channel")["node"]) == {"TV", "Web"}


def test_intervals_are_as_wide_as_asked_and_the_model_stays(model, plan):
    for kind, named in (("forecast", "forecast"), ("contributions", "mean"), ("roi", "roi")):
        narrow, usual = (ask(model, plan, kind=kind, **given) for given in ({"interval": 0.5}, {}))
        np.testing.assert_array_equal(narrow[named], usual[named])
        assert (narrow["upper"] - narrow["lower"] <= usual["upper"] - usual["lower"]).all()
        assert (narrow["upper"] - narrow["lower"]).sum() < (usual["upper"] - usual["lower"]).sum()
    assert model.sampling.interval == 0.9


def test_budgets_reach_what_is_asked_of_them(model, plan):
    spent = plan[SPENT].to_numpy().sum()
    table = ask(model, plan, kind="budget").set_index("node")
    assert table.loc["total", "spend_after"] == pytest.approx(spent, rel=1e-6)
    less = ask(model, plan, kind="budget", budget=0.7 * spent).set_index("node")
    assert less.loc["total", "spend_after"] == pytest.approx(0.7 * spent, rel=1e-6)
    target = 0.9 * table.loc["total", "roi_after"]
    efficient = ask(model, plan, kind="budget", target_roi=target).set_index("node")
    assert efficient.loc["total", "roi_after"] >= target - 1e-6
    by_week = ask(model, plan, kind="budget", by="week", level="total")
    assert by_week["contribution_after"].iloc[0] >= table.loc["total", "contribution_after"] * (1 - 1e-6)


def test_the_spend_of_every_week_sums_to_the_plan(model, plan):
    weekly = ask(model, plan, kind="spend_plan", by="week")
    table = ask(model, plan, kind="budget", by="week", level="tactical").set_index("node")["spend_after"]
    assert list(weekly["week"]) == list(plan["week"])
    np.testing.assert_allclose(weekly[list(table.index)].sum(), table, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "forcast"}, "kind 'forcast' is unknown; did you mean 'forecast'"),
        ({"answer": "elasticities"}, "kind 'elasticities' is unknown; .*spend_plan"),
        ({"kind": "roi", "budget": 5.0}, "kind 'roi' takes no 'budget'; .*level"),
        ({"kind": "forecast", "level": "channel"}, "kind 'forecast' takes no 'level'; .*interval"),
        ({"kind": "roi", "level": "chanel"}, "level 'chanel' is unknown; did you mean 'channel'"),
        ({"kind": "contributions", "level": "total"}, "level 'total' is unknown; .*channel"),
        ({"kind": "budget", "by": "month"}, "by 'month' is unknown; .*week"),
        ({"kind": "budget", "budget": 5.0, "target_roi": 2.0}, "name one of budget"),
        ({"interval": 90.0}, "a share between 0 and 1, got 90"),
    ],
)
def test_what_cannot_be_answered_names_what_can(model, plan, given, sentence):
    with pytest.raises(SettingsError, match=sentence):
        ask(model, plan, **given)


def test_money_needs_spend(model, plan, made):
    with pytest.raises(PanelError, match="no column 'brand_spend'"):
        ask(model, plan.drop(columns="brand_spend"), kind="roi")
    settings = made.company.media.model_copy(update={"spend": None})
    poor = Precision.from_panel_settings(settings, made.company.sampling).fit(made.history)
    with pytest.raises(SettingsError, match="trained without spend"):
        ask(poor, plan, kind="budget")


@pytest.fixture(scope="module")
def registered(made, model, plan, tmp_path_factory):
    """The registered version's address and its registry."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("tables", "checks"):
        (folder / name).mkdir()
    paths = {name: str(folder / name) for name in ("tables", "checks")}
    evidence = Evidence(
        model=str(model.save(folder / "model")), **paths, metrics={"ebfmi": 0.9}, tags={"trained_to": "2024-09-16"}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        store = environment.home().tracking_uri
        version = versions.register(
            made.company, "precision", "f" * 64, evidence, example=plan.head(5), answer=model.predict(plan.head(5))
        )
        yield version, store


def test_a_version_answers_through_pyfunc(registered, model, plan):
    served = mlflow.pyfunc.load_model(f"models:/{registered[0].name}/1")
    np.testing.assert_allclose(served.predict(plan)["forecast"], model.predict(plan)["forecast"])
    whole = plan.assign(holiday=plan["holiday"].astype(int), memo="x")
    np.testing.assert_allclose(served.predict(whole.drop(columns=SPENT))["forecast"], model.predict(plan)["forecast"])
    told = served.predict(plan, params={"kind": "roi", "interval": 0.5})
    assert told["roi"].iloc[-1] == pytest.approx(model.decisions(plan).roi()["roi"].iloc[-1])
    assert served.predict(plan, params={"kind": "budget", "target_roi": 0.5})["node"].iloc[-1] == "total"
    with pytest.raises(SettingsError, match="did you mean 'roi'"):
        served.predict(plan, params={"kind": "rio"})
    with pytest.raises(mlflow.MlflowException, match="missing inputs"):
        served.predict(plan.drop(columns="holiday"))


def test_settings_of_the_form_and_the_priors_are_parameters_of_their_own(registered):
    parameters = mlflow.MlflowClient(registered[1]).get_run(registered[0].run_id).data.params
    assert parameters["media.model.saturation"] == "hill"
    assert parameters["media.priors.effect_median"] == "0.3"


def test_draws_open_in_arviz_and_nothing_needs_tensorflow(registered, plan, tmp_path):
    plan.to_parquet(tmp_path / "plan.parquet")
    program = f"""
import pathlib, sys, mlflow, pandas as pd
mlflow.set_tracking_uri({registered[1]!r})
model = mlflow.pyfunc.load_model("models:/{registered[0].name}/1")
answer = model.predict(pd.read_parquet("plan.parquet"), params={{"kind": "budget"}})
assert answer["spend_after"].notna().all()
assert "tensorflow" not in sys.modules
import arviz
folder = pathlib.Path(mlflow.artifacts.download_artifacts("models:/{registered[0].name}/1"))
draws = arviz.from_netcdf(next(folder.rglob("posterior.nc")))
assert draws.posterior["decay"].shape == (2, 100, 3)
print(sorted(draws.groups()))
"""
    kept = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path, env=os.environ | kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "log_likelihood" in done.stdout
