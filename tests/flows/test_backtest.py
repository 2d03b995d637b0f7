"""A backtest as a process of its own, on a small made company, kept in a real registry."""

import json
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from hierforecast.results import BACKTEST


def run(prefect_server, home, root, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.backtest", *arguments]
    environment = {**prefect_server.environment, "HIERFORECAST_HOME": str(home)}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.slow
def test_hiref_stands_beside_baselines_at_every_level_and_origin(prefect_server, tiny_settings, tmp_path, root):
    arguments = ["--settings", str(tiny_settings), "--origins", "2", "--baselines", "seasonal_naive,moving_average"]
    done = run(prefect_server, tmp_path, root, *arguments)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "bottom WAPE: hiref 0." in done.stdout
    table = pd.read_parquet(next(tmp_path.glob("work/tiny/backtest-*/backtest.parquet")))
    assert list(table.columns) == list(BACKTEST.columns)
    assert set(table["model"]) == {"hiref", "seasonal_naive", "moving_average"}
    assert set(table["level"]) == {"bottom", "region", "state", "segment", "brand", "pack", "total"}
    assert table["origin"].nunique() == 2
    assert len(table) == 3 * 7 * 2
    assert not table[["wape", "bias", "mae", "cpu_seconds"]].isna().any().any()
    bottom = table[table["level"] == "bottom"].groupby("model")["wape"].mean()
    assert bottom["hiref"] < 0.6 * bottom.drop("hiref").min()

    program = f"""
import json, mlflow
client = mlflow.MlflowClient("sqlite:///{tmp_path}/mlflow.db")
run, = client.search_runs([client.get_experiment_by_name("tiny").experiment_id], "tags.kind = 'backtest'")
files = [item.path for item in client.list_artifacts(run.info.run_id, "tables")]
files += [item.path for item in client.list_artifacts(run.info.run_id, "checks")]
assert run.data.metrics["checks.failed"] == 0
assert run.data.tags["checks.report"].endswith("/checks/report.html")
assert len(run.data.tags["prefect.flow_run_id"]) == 36
print(json.dumps([run.info.status, run.data.metrics["wape.bottom.hiref"], sorted(files)]))
"""
    read = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    status, wape, files = json.loads(read.stdout)
    assert status == "FINISHED"
    assert wape == pytest.approx(bottom["hiref"])
    assert files[:3] == ["checks/profile.json", "checks/report.html", "checks/report.json"]
    assert files[3:] == ["tables/backtest.json", "tables/backtest.parquet"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--baselines", "seasonal_naiv"], "no baseline 'seasonal_naiv'; did you mean 'seasonal_naive'?"),
        (["--origins", "40"], "40 origins of 13 periods are too many for this panel"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_done_is_told_before_anything_is(prefect_server, tiny_settings, tmp_path, root, arguments, told):
    raw = yaml.safe_load(tiny_settings.read_text())
    raw.pop("media")
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump(raw))
    done = run(prefect_server, tmp_path / "home", root, "--settings", str(settings), *arguments)
    assert done.returncode == 1
    assert told in done.stderr
    assert not list((tmp_path / "home").glob("work/tiny/backtest-*/*.parquet"))
