"""Tuning as a process of its own: killed in the middle, gone on with, kept as nested runs, and judged by the gate."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import OperationalError, connect

import pandas as pd
import pytest
import yaml

TRIALS = 14


@pytest.fixture(scope="module")
def settings(tiny_settings, tmp_path_factory) -> Path:
    """The small company, far from its best: no season, hardly a difference between nodes, and no recent level."""
    raw = yaml.safe_load(tiny_settings.read_text())
    raw.pop("media")
    raw["training"] = {"seasonality": 0, "embedding_size": 1, "ridge": 100.0, "recent_level": False}
    raw["sales"]["horizon"] = 8
    path = tmp_path_factory.mktemp("tuning") / "settings.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def start(prefect_server, home: Path, root: Path, settings: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "flows.tune_hiref", "--settings", str(settings), "--trials", str(TRIALS), "--origins", "2"]
    environment = {**prefect_server.environment, "HIERFORECAST_HOME": str(home)}
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(home: Path) -> dict[int, float | None]:
    """Trials that were told, by number, with their value (None where they were cut short)."""
    query = """
        select t.number, v.value from trials t left join trial_values v on v.trial_id = t.trial_id
        where t.state in ('COMPLETE', 'PRUNED')
    """
    path = next(iter(home.glob("work/tiny/tuning-*/study.db")), None)
    if path is None:
        return {}
    try:
        with closing(connect(path)) as database:
            return dict(database.execute(query).fetchall())
    except OperationalError:  # the tables are being made
        return {}


@pytest.mark.slow
def test_a_killed_study_goes_on_and_its_best_settings_become_a_version(prefect_server, wait_until, settings, tmp_path, root):
    killed = start(prefect_server, tmp_path, root, settings)
    wait_until("the fourth trial", lambda: len(finished(tmp_path)) >= 4 or killed.poll() is not None)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    before = finished(tmp_path)
    assert 4 <= len(before) < TRIALS

    again = start(prefect_server, tmp_path, root, settings)
    said, complained = again.communicate(timeout=600)
    assert again.returncode == 0, said[-2000:] + complained[-3000:]
    after = finished(tmp_path)
    assert len(after) == TRIALS
    assert before.items() <= after.items()

    assert f"{TRIALS} trials" in said
    table = pd.read_parquet(next(tmp_path.glob("work/tiny/tuning-*/trials.parquet")))
    assert sorted(table["trial"]) == sorted(after)
    assert "tiny-hiref version 1: promoted" in said
    snippet = yaml.safe_load(next(tmp_path.glob("work/tiny/tuning-*/settings.yaml")).read_text())
    assert snippet["training"]

    program = f"""
import json, mlflow
client = mlflow.MlflowClient("sqlite:///{tmp_path}/mlflow.db")
experiment = client.get_experiment_by_name("tiny").experiment_id
parent, = client.search_runs([experiment], "tags.kind = 'tuning'")
children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{{parent.info.run_id}}'")
print(json.dumps([len(children), parent.data.metrics, "ridge.brand" in children[0].data.params]))
"""
    read = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    children, metrics, has_knobs = json.loads(read.stdout)
    assert children == TRIALS
    assert has_knobs
    assert metrics["unseen.gain"] == pytest.approx(metrics["unseen.given"] - metrics["unseen.tuned"])
    assert metrics["unseen.gain"] > 0

    raw = yaml.safe_load(settings.read_text())
    raw["simulation"]["weeks"] -= 8
    earlier = tmp_path / "earlier.yaml"
    earlier.write_text(yaml.safe_dump(raw))
    refused = start(prefect_server, tmp_path, root, earlier)  # what it finds would challenge a champion that has seen more
    said, complained = refused.communicate(timeout=300)
    assert refused.returncode == 1
    assert "the data reach at least as far as the champion's did" in said + complained
