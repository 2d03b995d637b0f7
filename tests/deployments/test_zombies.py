"""The automation that marks dead runs may never take a living one for dead, wherever it was started."""

import os
import subprocess
import sys

import pytest
import yaml

MISSED = 3  # heartbeats that compiled code may hold up


@pytest.fixture(scope="module")
def patience(root) -> int:
    """Seconds without a heartbeat after which a run is marked."""
    return yaml.safe_load((root / "deployments/zombies.yaml").read_text())["trigger"]["within"]


def test_a_deployed_run_beats_often_enough(root, patience):
    pool = yaml.safe_load((root / "prefect.yaml").read_text())["definitions"]["work_pool"]
    assert MISSED * int(pool["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) < patience


def test_a_run_from_a_shell_beats_often_enough(root, patience, tmp_path):
    """As Prefect itself understands it, in a process that is started as people start flows."""
    program = (
        "import flows.rollback; from prefect.settings import get_current_settings; "
        "print(get_current_settings().flows.heartbeat_frequency)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    environment = {**kept, "HIERFORECAST_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert MISSED * int(done.stdout.split()[-1]) < patience
