"""The Monday run as a process of its own, on a small made company, against a real Prefect server and a real registry."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hierforecast import synthetic
from hierforecast.results import PRECISION_TABLES, SPEND_TABLES
from tests.support.pickles import find_pickles

ROOT = Path(__file__).resolve().parents[2]


class Machine:
    """A home of its own, and the flow's command in it."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = {**environment, "HIERFORECAST_HOME": str(home)}

    def retrain(self, settings: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows.weekly_retrain", "--settings", str(settings), *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=900, check=False)

    def python(self, program: str) -> str:
        """Run a program with `client` (MLflow's) at hand; what it prints."""
        head = (
            f"import json, mlflow; mlflow.set_tracking_uri('sqlite:///{self.home}/mlflow.db'); client = mlflow.MlflowClient()\n"
        )
        environment = {**self.environment, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
        command = [sys.executable, "-W", "ignore", "-c", head + program]
        done = subprocess.run(command, cwd=self.home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def versions(self) -> dict[str, list[str]]:
        if not (self.home / "mlflow.db").exists():
            return {}
        listed = "json.dumps([[v.name, v.version] for v in client.search_model_versions()])"
        found: dict[str, list[str]] = {}
        for name, version in json.loads(self.python(f"print({listed})")):
            found.setdefault(name, []).append(str(version))
        return found


@pytest.fixture(scope="module")
def machine(prefect_server, tmp_path_factory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"), prefect_server.environment)


@pytest.fixture(scope="module")
def retrained(machine, tiny_settings) -> Machine:
    """The machine after its first Monday."""
    first = machine.retrain(tiny_settings)
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr[-3000:]
    assert "tiny-hiref version 1: promoted" in first.stdout
    assert "tiny-precision version 1: promoted" in first.stdout
    return machine


def test_the_first_run_promotes_both_families(retrained):
    aliases = "print(json.dumps({m.name: m.aliases for m in client.search_registered_models()}))"
    champion_alone = {"champion": 1}
    assert json.loads(retrained.python(aliases)) == {"tiny-hiref": champion_alone, "tiny-precision": champion_alone}


def test_nothing_changed_makes_no_second_version(retrained, tiny_settings):
    again = retrained.retrain(tiny_settings)
    assert again.returncode == 0, again.stderr[-3000:]
    assert "tiny-hiref version 1: unchanged" in again.stdout
    assert retrained.versions() == {"tiny-hiref": ["1"], "tiny-precision": ["1"]}


def test_a_version_carries_what_people_look_at(retrained):
    program = """
for name in ("tiny-hiref", "tiny-precision"):
    version = client.get_model_version_by_alias(name, "champion")
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED", run.info.status
    wanted = ("company", "family", "fingerprint", "git_revision", "trained_from", "trained_to", "cutoff", "levels")
    for tag in wanted:
        assert version.tags.get(tag), tag
    assert version.tags["decision"] == "promoted"
    assert all(gate["held"] for gate in json.loads(version.tags["decision_reasons"]))
    assert run.data.params and run.data.metrics
    assert any(metric.startswith("wape.") for metric in run.data.metrics), run.data.metrics
    paths = [file.path for folder in ("tables", "checks") for file in client.list_artifacts(version.run_id, folder)]
    print(name, *paths)
"""
    hiref, precision = retrained.python(program).splitlines()
    for table in ("scores", "forecasts", "contributions", "elasticities"):
        assert f"tables/{table}.parquet" in hiref
    for table in (*PRECISION_TABLES, *SPEND_TABLES):
        assert f"tables/{table.name}.parquet" in precision
    assert "checks/report.html" in hiref
    assert "checks/report.json" in precision


def test_shown_contributions_add_up_to_the_shown_numbers(retrained):
    program = """
import pathlib
for name in ("tiny-hiref", "tiny-precision"):
    run_id = client.get_model_version_by_alias(name, "champion").run_id
    print(pathlib.Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/tables")))
"""
    hiref, precision = (Path(line) for line in retrained.python(program).splitlines())
    levels = ["region", "state", "segment", "brand", "pack"]
    shown = pd.read_parquet(hiref / "forecasts.parquet")
    parts = pd.read_parquet(hiref / "contributions.parquet")
    assert not shown.duplicated([*levels, "period"]).any()
    assert set(shown["part"]) == {"history", "holdout", "future"}
    names = [name for name in parts.columns if name not in (*levels, "period", "part")]
    summed = parts.assign(summed=parts[names].sum(axis=1))
    both = shown.merge(summed[[*levels, "period", "part", "summed"]], on=[*levels, "period", "part"], validate="one_to_one")
    assert len(both) == len(shown)
    assert (both["summed"] / both["forecast"] - 1).abs().max() < 1e-6

    fitted = pd.read_parquet(precision / "fit.parquet").query("part == 'history'").set_index("period")["forecast"]
    media = pd.read_parquet(precision / "media_contributions.parquet")
    once = media[media["level"].isin(["tactical", "control", "baseline"])].groupby("period")["mean"].sum()
    assert (once.loc[fitted.index] / fitted - 1).abs().max() < 1e-6


def test_champions_load_without_pickle_and_predict_from_a_frame(retrained):
    plan = synthetic.company(5, weeks=80)
    for name, panel in (("sales", plan.sales), ("media", plan.media)):
        target = "units" if name == "sales" else "revenue"
        panel[panel[target].isna()].drop(columns=target).head(6).to_parquet(retrained.home / f"{name}.parquet", index=False)
    program = """
import pandas as pd
for name, panel in (("tiny-hiref", "sales"), ("tiny-precision", "media")):
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert model.metadata.signature is not None
    wanted = model.metadata.get_input_schema().input_names()
    answer = model.predict(pd.read_parquet(f"{panel}.parquet")[wanted])
    assert len(answer) == 6 and answer["forecast"].gt(0).all(), answer
    assert (answer["lower"] <= answer["forecast"]).all() and (answer["forecast"] <= answer["upper"]).all()
    print(name)
returns = model.predict(pd.read_parquet("media.parquet"), params={"kind": "roi", "level": "total"})
assert returns["lower"].lt(returns["roi"]).all() and returns["roi"].lt(returns["upper"]).all()
import arviz, pathlib, sys
draws = next(pathlib.Path(mlflow.artifacts.download_artifacts("models:/tiny-precision@champion")).rglob("posterior.nc"))
assert arviz.from_netcdf(draws).posterior.sizes["draw"] == 200
assert "tensorflow" not in sys.modules
"""
    assert retrained.python(program).split() == ["tiny-hiref", "tiny-precision"]


def test_nothing_that_a_run_keeps_is_a_pickle(retrained, prefect_server):
    """Artifacts, work, panels, databases, and what Prefect keeps of results."""
    assert len(list((retrained.home / "artifacts").rglob("MLmodel"))) >= 2
    assert find_pickles(retrained.home) == []
    assert list((prefect_server.home / "prefect/storage").iterdir())
    assert find_pickles(prefect_server.home) == []


def test_work_left_by_a_finished_run_is_whole(retrained):
    assert not list(retrained.home.rglob("*.tmp"))
    assert not list(retrained.home.rglob("*.old"))


def test_scoring_with_the_champion(retrained, tiny_settings):
    out = retrained.home / "out.parquet"
    command = [sys.executable, "-m", "flows.score", "--settings", str(tiny_settings), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=retrained.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    forecast = pd.read_parquet(out)
    assert len(forecast) == 288 * 13
    assert forecast["forecast"].notna().all()


def test_a_worse_challenger_is_kept_out_and_the_champion_stays(retrained, tiny_settings, tmp_path):
    raw = yaml.safe_load(tiny_settings.read_text())
    del raw["media"]
    # Without its price the model explains far less, so its settings lose against the champion's.
    raw["sales"]["drivers"] = [driver for driver in raw["sales"]["drivers"] if driver["name"] == "temperature"]
    worse = tmp_path / "worse.yaml"
    worse.write_text(yaml.safe_dump(raw))
    done = retrained.retrain(worse)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "kept out: bottom WAPE after the cutoff" in done.stdout
    program = """
aliases = client.get_registered_model("tiny-hiref").aliases
print(json.dumps([aliases, client.get_model_version("tiny-hiref", "2").tags["decision"]]))
"""
    assert json.loads(retrained.python(program)) == [{"champion": 1, "challenger": 2}, "kept"]


BAD_INPUTS = {
    "duplicated key": ("unique_keys", "region="),
    "text in a price": ("price", "cheap"),
    "next week's sales": ("leak", "promotion"),
}


def spoil(panel: pd.DataFrame, how: str) -> pd.DataFrame:
    if how == "duplicated key":
        return pd.concat([panel, panel.iloc[[500]]], ignore_index=True)
    if how == "text in a price":
        return panel.assign(price=panel["price"].astype(str).where(panel.index != 500, "cheap"))
    levels = ["region", "state", "segment", "brand", "pack"]
    return panel.assign(promotion=panel.groupby(levels)["units"].shift(-1).fillna(0.0))


@pytest.mark.parametrize("how", BAD_INPUTS)
def test_bad_input_stops_before_training(prefect_server, tiny_settings, tmp_path, how):
    machine = Machine(tmp_path / "home", prefect_server.environment)
    raw = yaml.safe_load(tiny_settings.read_text())
    del raw["media"], raw["simulation"]
    raw["sales"]["path"] = "sales.csv"
    for driver in raw["sales"]["drivers"]:
        driver.pop("upper", None)
    settings = tmp_path / "bad.yaml"
    settings.write_text(yaml.safe_dump(raw))
    spoil(synthetic.company(5, weeks=80).sales, how).to_csv(tmp_path / "sales.csv", index=False)
    done = machine.retrain(settings)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    for word in BAD_INPUTS[how]:
        assert word in done.stderr, done.stderr[-3000:]
    assert machine.versions() == {}
    assert find_pickles(prefect_server.home) == []  # a failed flow's exception is kept by Prefect
    reports = list((machine.home / "work").rglob("report.html"))
    assert len(reports) == 1
    assert reports[0].stat().st_size > 1000
