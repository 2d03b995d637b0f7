"""Locks between real processes: one at a time, the dead block nobody, and who waits is told for whom."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from hierforecast.errors import BusyError, HomeError
from tasks import environment, locks

HOLD = """
import sys, time
from tasks import locks
with locks.hold("acme", "train-hiref", patience=float(sys.argv[1]), tell=lambda words: print(words, flush=True)):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def start(home, root):
    """Start a process that holds the lock; its first line is read."""
    started = []

    def begin(patience: float, seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", HOLD, str(patience), str(seconds)]
        started.append(subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def take(patience: float = 0.0) -> list[str]:
    """What is told while this process takes the lock and gives it back."""
    told = []
    with locks.hold("acme", "weekly-retrain", patience=patience, tell=told.append):
        pass
    return told


def test_a_killed_holder_blocks_nobody(start):
    first = start(0, 60)
    assert first.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match=rf"company 'acme' is at work: it is train-hiref \(process {first.pid} on "):
        take()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert json.loads(locks.lock_path("acme").read_text())["pid"] == first.pid  # what it left
    assert take() == []
    assert locks.lock_path("acme").read_text() == ""


def test_the_second_waits_for_the_first_and_says_for_whom(start):
    first = start(0, 3)
    assert first.stdout.readline() == "held\n"
    second = start(60, 0)
    told = second.stdout.readline()
    assert re.match(rf"waiting for train-hiref \(process {first.pid} on .+\), since \d{{4}}-.* UTC: one run of company", told)
    assert first.wait() == 0
    assert second.stdout.readline() == "held\n"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_holder_that_is_told_to_end_blocks_nobody(start, end):
    first = start(0, 60)
    first.stdout.readline()
    first.send_signal(end)
    first.wait()
    assert take() == []


def test_patience_ends_in_a_sentence(start):
    start(0, 60).stdout.readline()
    began = time.monotonic()
    with pytest.raises(BusyError, match=r"Waited 1 s for it; .* HIERFORECAST_PATIENCE_MINUTES=<minutes>"):
        take(1.0)
    assert 0.9 < time.monotonic() - began < 10


def test_companies_do_not_wait_for_each_other(home):
    others = locks.hold("other", "b", patience=0, tell=print)
    with locks.hold("acme", "a", patience=0, tell=print), others, pytest.raises(BusyError, match=f"process {os.getpid()} on"):
        take()


def test_a_file_system_without_locks_is_named(home, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(HomeError, match=r"locks' cannot lock files \(Operation not supported\).*HIERFORECAST_HOME="):
        take()


def test_patience_is_given_in_minutes(monkeypatch):
    monkeypatch.delenv(environment.PATIENCE_VARIABLE, raising=False)
    assert environment.patience() == 7200
    monkeypatch.setenv(environment.PATIENCE_VARIABLE, "0.5")
    assert environment.patience() == 30
    for nonsense in ("soon", "-1", "inf", "nan"):
        monkeypatch.setenv(environment.PATIENCE_VARIABLE, nonsense)
        with pytest.raises(HomeError, match="wanted a number of minutes"):
            environment.patience()
