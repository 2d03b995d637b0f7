"""Processes: started in a session of their own, waited for, ended, and what they said."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600  # seconds; a Monday run takes one minute, and four on a busy machine
_HEAD_OF_A_LOG_LINE = re.compile(r"^[\d:.]+ \| \w+ +\| ")
_OURS = ("PREFECT_", "MLFLOW_", "HIERFORECAST_", "TF_", "GX_")


class Ended(NamedTuple):
    """How a process ended: its exit code (negative: the signal that killed it) and everything it wrote."""

    code: int
    said: str

    @property
    def last(self) -> str:
        """What a person sees in the end: the first line of the message that a run stopped with, else the last line."""
        said = "\n".join(line for line in self.said.splitlines() if "prefect - Stopping" not in line).strip()
        *_, paragraph = said.split("\n\n")
        lines = paragraph.splitlines() or [""]
        return _HEAD_OF_A_LOG_LINE.sub("", lines[0] if self.code > 0 else lines[-1])


class Program:
    """One process that leads a session; its output goes to a file."""

    def __init__(self, *words: str, environment: dict[str, str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("wb") as stream:
            command = [sys.executable, "-m", *words]
            options = {"stdin": subprocess.DEVNULL, "stdout": stream, "stderr": subprocess.STDOUT, "start_new_session": True}
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, **options)

    @property
    def pid(self) -> int:
        """Its number, which is that of its session too."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = PATIENCE) -> Ended:
        """Its end. One that does not come in time is made, and said."""
        try:
            return Ended(self._process.wait(seconds), self.said())
        except subprocess.TimeoutExpired:
            self.kill()
            return Ended(124, f"{self.said()}\nno end within {seconds:.0f} s")

    def kill(self) -> Ended:
        """End it and what it started as a power cut does."""
        self._signal(signal.SIGKILL)
        return Ended(self._process.wait(60), self.said())

    def end(self) -> None:
        """Ask it to end, and make it."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._signal(signal.SIGKILL)  # what it started and left

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return


def clean_environment() -> dict[str, str]:
    """This process's environment without what belongs to an installation, and without telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "OMP_NUM_THREADS": "2"}


def wait_until(what: str, true: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Return as soon as it is true.

    Raises:
        TimeoutError: it was not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.2)


def answers(address: str) -> bool:
    """Whether a server answers there with 200."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
