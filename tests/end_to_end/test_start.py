"""The README's first command as a user types it: run, serve, look, end."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    # A home with a space in its path: nothing may depend on there being none.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "TF_", "GX_"))}
    return {**kept, "HIERFORECAST_HOME": str(tmp_path / "my home")}


def test_run_serve_and_end(environment, tiny_settings, free_port, wait_until, answers, tmp_path):
    home = Path(environment["HIERFORECAST_HOME"])
    _serve_and_end(environment, ["--settings", str(tiny_settings)], free_port, wait_until, answers, tmp_path)
    assert list((home / "caches" / "xla").glob("*")), "compiled programs are not kept in the home"
    assert {path.name for path in tmp_path.iterdir()} <= {"my home", "start.log"}
    runs = len(list((home / "work").rglob("*")))
    _serve_and_end(environment, ["--serve-only"], free_port, wait_until, answers, tmp_path)
    assert len(list((home / "work").rglob("*"))) == runs


def test_ctrl_c_during_the_run(environment, tiny_settings, wait_until, tmp_path):
    log = tmp_path / "start.log"
    command = ["./start.sh", "--settings", str(tiny_settings), "--no-serve"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream, start_new_session=True)
        wait_until("the run's beginning", lambda: "Beginning flow run" in log.read_text() or process.poll() is not None)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        assert process.wait(timeout=60) == 130, log.read_text()[-3000:]
    assert "Traceback" not in log.read_text()


def _serve_and_end(environment, words, free_port, wait_until, answers, tmp_path):
    log = tmp_path / "start.log"
    command = ["./start.sh", *words, "--port", str(free_port), "--mlflow-port", str(free_port + 1)]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream, start_new_session=True)
        try:
            wait_until(
                "the address of the dashboard",
                lambda: "Dashboard:" in log.read_text() or process.poll() is not None,
                seconds=600,
            )
            said = log.read_text()
            assert process.poll() is None, said[-3000:]
            assert "Traceback" not in said
            dashboard, mlflow = (
                next(word for word in said.split() if word.endswith(f":{port}")) for port in (free_port, free_port + 1)
            )
            assert answers(f"{dashboard}/healthz")
            assert answers(f"{mlflow}/health")
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(timeout=60)
    assert not answers(f"http://127.0.0.1:{free_port}/healthz")
    assert not answers(f"http://127.0.0.1:{free_port + 1}/health")


def test_a_typo_is_told_without_a_traceback(environment, tmp_path):
    settings = tmp_path / "typo.yaml"
    settings.write_text((ROOT / "deployments/demo.yaml").read_text().replace("drivers:", "drivrs:"))
    command = ["./start.sh", "--no-serve", "--settings", str(settings)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sales.drivrs: unknown field; did you mean 'drivers'?" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
