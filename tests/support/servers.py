"""A pytest plugin: Prefect's real server on a free port with a private home, shared by all tests that run flows."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240  # seconds; these machines are shared


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until(what: str, check, *, seconds: float = PATIENCE):
    """The first true answer of `check`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = check()
        if answer:
            return answer
        time.sleep(1)
    pytest.fail(f"{what} did not happen within {seconds:.0f} s")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def end_process(process: subprocess.Popen) -> None:
    """End a process that leads a session, with all it started: asked first, then made to."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def wait_until():
    """`wait_until(what, check, seconds=)`: the first true answer of `check`."""
    return _wait_until


@pytest.fixture(scope="session")
def answers():
    """`answers(address)`: whether a server answers there with 200."""
    return _answers


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return _free_port()


class PrefectServer(NamedTuple):
    """A running server: its address and the environment that talks to it."""

    url: str
    environment: dict[str, str]
    home: Path

    def ask(self, path: str, body: dict) -> Any:
        """POST to the server's API; the answer's JSON."""
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def run(self, *command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """A command with this server's environment, from the checkout."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory) -> Iterator[PrefectServer]:
    """`prefect server start`, the real one, on SQLite in a folder of its own."""
    home = tmp_path_factory.mktemp("prefect-server")
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home / "prefect"),
        "HIERFORECAST_HOME": str(home / "data"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    (home / "prefect").mkdir()
    log = (home / "server.log").open("wb")
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--host", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until("the Prefect server's answer", lambda: _answers(f"{url}/health") or process.poll() is not None)
        assert process.poll() is None, (home / "server.log").read_text()[-3000:]
        yield PrefectServer(url, environment, home)
    finally:
        end_process(process)
        log.close()
