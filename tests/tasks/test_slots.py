"""Slots of a real Prefect server between processes with homes of their own, as on two machines."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import VariableCreate
from prefect.settings import PREFECT_API_URL, temporary_settings

from hierforecast.errors import BusyError
from tasks import locks, slots
from tests.support.servers import prefect_service

HOLD = """
import sys, time
from tasks import locks, slots
from tests.support.servers import prefect_service
with slots.hold(sys.argv[1], locks.new_holder("train-hiref"), patience=0, tell=print, warn=print):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def at_server(prefect_server):
    """This process talks to the server, too."""
    with temporary_settings({PREFECT_API_URL: prefect_server.url}):
        yield prefect_server


@pytest.fixture
def start(at_server, root):
    """Start a process that holds a company's slot."""
    started = []

    def begin(company: str, seconds: float = 60) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", HOLD, company, str(seconds)]
        process = subprocess.Popen(command, cwd=root, env=at_server.environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def take(company: str, *, patience: float = 0.0, inside=lambda: None) -> list[str]:
    """What is told while this process takes a slot and gives it back."""
    told = []
    with slots.hold(company, locks.new_holder("weekly-retrain"), patience=patience, tell=told.append, warn=pytest.fail):
        inside()
    return told


def taken(company: str) -> int:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(slots.slot_name(company)).active_slots


def elsewhere(company: str, **changes) -> None:
    """A holder on another host takes the slot."""
    holder = locks.new_holder("weekly-retrain").model_copy(update={"host": "elsewhere", **changes})
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(slots.slot_name(company), 1)
        client.increment_concurrency_slots([slots.slot_name(company)], 1, "concurrency")
        client.create_variable(VariableCreate(name=slots.slot_name(company), value={**holder.model_dump(), "beat": 3}))


def test_a_slot_is_taken_and_given_back(at_server):
    counted = []
    assert take("alone", inside=lambda: counted.append(taken("alone"))) == []
    assert counted == [1]
    assert taken("alone") == 0
    with pytest.raises(ZeroDivisionError):
        take("alone", inside=lambda: 1 / 0)
    assert taken("alone") == 0


def test_the_second_machine_waits_for_the_first(start, monkeypatch):
    monkeypatch.setattr(slots, "LOOK_EVERY", 0.2)
    first = start("pair", 3)
    with pytest.raises(BusyError, match=rf"company 'pair' is at work: it is train-hiref \(process {first.pid} on"):
        take("pair")
    (told,) = take("pair", patience=60)
    assert told.startswith(f"waiting for train-hiref (process {first.pid} on ")
    assert first.wait(timeout=30) == 0


def test_a_killed_holder_of_this_host_blocks_nobody(start):
    first = start("killed")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert taken("killed") == 1
    began = time.monotonic()
    (told,) = take("killed")
    assert f"process {first.pid} on" in told
    assert "is free again" in told
    assert time.monotonic() - began < 30
    assert taken("killed") == 0


def test_another_hosts_holder_is_believed_while_it_speaks(at_server, monkeypatch):
    monkeypatch.setattr(slots, "LOOK_EVERY", 0.2)
    elsewhere("spoken", pid=os.getpid())
    with pytest.raises(BusyError, match="on elsewhere"):
        take("spoken", patience=1)
    monkeypatch.setattr(slots, "SILENT_FOR", 1.0)
    waiting, freed = take("spoken", patience=60)
    assert waiting.startswith("waiting for")
    assert "elsewhere" in freed
    assert taken("spoken") == 0


def test_a_holder_says_that_it_is_alive(at_server, monkeypatch):
    monkeypatch.setattr(slots, "BEAT_EVERY", 0.2)
    beats = []

    def look():
        deadline = time.monotonic() + 20
        with get_client(sync_client=True) as client:
            while (not beats or beats[-1] < 2) and time.monotonic() < deadline:
                beats.append(slots._said(client, slots.slot_name("beating"))["beat"])

    take("beating", inside=look)
    assert beats[0] in (0, 1)
    assert beats[-1] >= 2


def test_who_was_taken_for_dead_does_not_free_its_successors_slot(at_server):
    def overtaken():
        with get_client(sync_client=True) as client:
            client.delete_variable_by_name(slots.slot_name("overtaken"))
            late = locks.new_holder("other").model_copy(update={"host": "elsewhere"})
            client.create_variable(VariableCreate(name=slots.slot_name("overtaken"), value=late.model_dump()))

    take("overtaken", inside=overtaken)
    assert taken("overtaken") == 1


@pytest.mark.slow
def test_a_server_that_was_killed_still_knows_who_is_at_work(tmp_path, root):
    server = prefect_service(tmp_path)
    url = server.health.removesuffix("/health")
    try:
        server.start()
        command = [sys.executable, "-W", "ignore", "-c", HOLD, "killed-server", "600"]
        environment = {**os.environ, "PREFECT_API_URL": url}
        with subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout.readline() == "held\n"
            server.kill()
            server.start()
            with temporary_settings({PREFECT_API_URL: url}):
                with pytest.raises(BusyError, match=f"process {holder.pid} on"):
                    take("killed-server")
                holder.kill()
                holder.wait()
                assert "is free again" in take("killed-server")[0]
    finally:
        server.stop()


def test_without_an_answer_a_run_goes_on(free_port):
    warned = []
    slot = slots.hold("acme", locks.new_holder("a"), patience=0, tell=pytest.fail, warn=warned.append)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port}/api"}), slot:
        pass
    assert len(warned) == 1
    assert "cannot be asked whether another machine is at work" in warned[0]


def test_without_a_server_nothing_is_asked():
    slot = slots.hold("acme", locks.new_holder("a"), patience=0, tell=pytest.fail, warn=pytest.fail)
    with temporary_settings(restore_defaults={PREFECT_API_URL}), slot:
        pass


def test_since_when_is_told_in_utc():
    since = datetime.fromisoformat(locks.new_holder("a").since).replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - since) < timedelta(minutes=1)
