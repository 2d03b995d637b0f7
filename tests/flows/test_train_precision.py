"""The marketing mix model's own flow as a process that dies in the middle of sampling, and as the one that goes on."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def start(settings: Path, home: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.train_precision", "--settings", str(settings)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment, "HIERFORECAST_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.timeout(1800)  # two whole runs of a company, one of them twice
@pytest.mark.slow
def test_a_run_killed_while_sampling_goes_on_and_ends_like_one_that_was_not(prefect_server, tiny_settings, tmp_path):
    raw = yaml.safe_load(tiny_settings.read_text())
    del raw["sales"]
    raw["sampling"] |= {"draws": 1000}
    settings = tmp_path / "long.yaml"
    settings.write_text(yaml.safe_dump(raw))
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    first = start(settings, killed, prefect_server.environment)
    end = time.monotonic() + 500
    while len(list(killed.glob("work/tiny/*/checkpoint-cutoff/call-*.safetensors"))) < 10 and time.monotonic() < end:
        assert first.poll() is None, first.stdout.read()[-3000:]
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not list(killed.glob("work/tiny/*/cutoff_model"))  # it died while it sampled

    told = {}
    for home in (killed, whole):
        process = start(settings, home, prefect_server.environment)
        told[home] = process.communicate(timeout=900)[0]
        assert process.returncode == 0, told[home][-3000:]
        assert "tiny-precision version 1: promoted" in told[home]
    assert "resuming: a run that was stopped has finished" in told[killed]
    assert "resuming" not in told[whole]
    assert not list(killed.glob("work/tiny/*/checkpoint*"))
    for name in ("scored/holdout.parquet", "tables/diagnostics.parquet", "tables/roi.parquet"):
        found = [pd.read_parquet(next(home.glob(f"work/tiny/*/{name}"))) for home in (killed, whole)]
        pd.testing.assert_frame_equal(*found)
