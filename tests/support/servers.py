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


def free_port_number() -> int:
    """A port that nobody listens on just now."""
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
    return free_port_number()


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
    port = free_port_number()
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


class Service:
    """A server that can be killed and started again at the same address, on what it kept.

    Args:
        words: what comes after ``python -m``.
        environment: of its process.
        health: an address that answers once it is up.
        log: a file that it writes to.
    """

    def __init__(self, words: list[str], environment: dict[str, str], *, health: str, log: Path) -> None:
        self.words, self.environment, self.health, self.log = words, environment, health, log
        self.process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return "/".join(self.health.split("/")[:3])

    def start(self) -> None:
        with self.log.open("ab") as stream:
            command = [sys.executable, "-m", *self.words]
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=stream, stderr=stream, start_new_session=True
            )
        self.process = process
        _wait_until(f"an answer of {self.health}", lambda: _answers(self.health) or process.poll() is not None)
        assert process.poll() is None, self.log.read_text()[-3000:]

    def kill(self) -> None:
        """End it as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=20)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            end_process(self.process)


def mlflow_service(folder: Path, *, store: str | None = None, login: dict[str, str] | None = None) -> Service:
    """An MLflow server on a free port that hands artifacts through, not yet started.

    Args:
        folder: for its database, artifacts and log.
        store: the database; SQLite in `folder` by default.
        login: further environment of a server that asks for a name and a password; None for one that asks nobody.
    """
    port = free_port_number()
    words = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", store or f"sqlite:///{folder}/mlflow.db"]
    words += ["--serve-artifacts", "--artifacts-destination", str(folder / "store")]
    words += ["--app-name", "basic-auth"] if login else []
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(login or {})}
    return Service(words, environment, health=f"http://127.0.0.1:{port}/health", log=folder / "mlflow.log")


def prefect_service(folder: Path, **settings: str) -> Service:
    """A Prefect server of its own on a free port, not yet started; `settings` are added to its environment."""
    port = free_port_number()
    (folder / "prefect").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        **settings,
    }
    words = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    return Service(words, environment, health=f"http://127.0.0.1:{port}/api/health", log=folder / "prefect.log")
