"""Slots of a real Prefect server between processes with homes of their own, as on two machines."""

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import VariableCreate
from prefect.exceptions import ObjectAlreadyExists, PrefectHTTPStatusError
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


ELSEWHERE = locks.new_holder("train-hiref").model_copy(update={"host": "elsewhere"})


class Pretended:
    """A server that answers at once: one slot, one variable, what was asked, and what happens at a question."""

    def __init__(self) -> None:
        self.taken, self.said, self.asked, self.happens = 0, None, [], {}

    def ask(self, question: str) -> None:
        """Note a question; what happens at it is a function, or one for each time it is asked."""
        self.asked.append(question)
        planned = self.happens.get(question, [])
        (planned.pop(0) if isinstance(planned, list) and planned else planned or bool)()

    def upsert_global_concurrency_limit_by_name(self, name: str, limit: int) -> None:
        self.ask("make")

    def increment_concurrency_slots(self, names: list[str], slots: int, mode: str) -> None:
        self.ask("take")
        if self.taken:
            request = httpx.Request("POST", "http://prefect")
            raise PrefectHTTPStatusError("Locked", request=request, response=httpx.Response(423, request=request))
        self.taken = 1

    def update_global_concurrency_limit(self, name: str, change) -> None:
        self.ask("free")
        self.taken = change.active_slots

    def read_variable_by_name(self, name: str):
        return None if self.said is None else SimpleNamespace(value=self.said)

    def create_variable(self, variable) -> None:
        self.said = variable.value
        self.ask("say")

    def update_variable(self, variable) -> None:
        self.create_variable(variable)

    def delete_variable_by_name(self, name: str) -> None:
        self.ask("forget")
        self.said = None


@pytest.fixture
def server(monkeypatch):
    pretended = Pretended()
    monkeypatch.setattr(slots, "get_client", lambda **_: nullcontext(pretended))
    monkeypatch.setattr(slots, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(slots, "_SETTLING", 0.01)
    with temporary_settings({PREFECT_API_URL: "http://prefect/api"}):
        yield pretended


@pytest.fixture
def held(server):
    """The slot is held elsewhere."""
    server.taken, server.said = 1, ELSEWHERE.model_dump()
    return server


def away() -> None:
    raise httpx.ConnectError("Connection refused")


def enter(*, patience: float, inside=lambda: None) -> list[str]:
    """What is warned of while this process holds the slot."""
    warned = []
    holder = locks.new_holder("weekly-retrain")
    with slots.hold("acme", holder, patience=patience, tell=lambda _: None, warn=warned.append):
        inside()
    return warned


def test_a_server_that_is_away_for_a_while_ends_no_wait(held):
    def give_back():
        held.taken, held.said = 0, None

    held.happens["take"] = [bool, away, away, bool, away, give_back]
    inside = []
    warned = enter(patience=60, inside=lambda: inside.append((held.taken, held.said["flow"])))
    assert held.asked[:7] == ["make", *["take"] * 6]
    assert inside == [(1, "weekly-retrain")]
    assert len(warned) == 2
    assert warned[0].startswith("Prefect's server is away (Connection refused)")


def test_a_holder_that_nobody_could_hear_is_not_taken_for_silent(held, monkeypatch):
    monkeypatch.setattr(slots, "SILENT_FOR", 0.3)
    held.happens["take"] = [bool, lambda: time.sleep(0.5) or away(), bool]
    with pytest.raises(BusyError, match="on elsewhere"):
        enter(patience=0.55)
    assert held.said == ELSEWHERE.model_dump()


def test_a_server_that_never_comes_back_ends_in_the_deadline(held):
    held.happens["take"] = [bool, *[away] * 1000]
    with pytest.raises(BusyError, match="on elsewhere"):
        enter(patience=0.1)


def test_a_slot_is_ours_although_nobody_could_be_told(server, monkeypatch):
    monkeypatch.setattr(slots, "BEAT_EVERY", 0.01)
    said = []

    def wait_for_a_beat():
        said.append(server.said)
        deadline = time.monotonic() + 20
        while server.said is None and time.monotonic() < deadline:
            time.sleep(0.01)
        said.append(server.said)

    def unheard():
        server.said = None
        away()

    server.happens["say"] = [unheard]
    assert enter(patience=0, inside=wait_for_a_beat) == []
    assert said[0] is None
    assert said[1]["flow"] == "weekly-retrain"
    assert server.taken == 0
    assert server.said is None


def test_who_takes_a_slot_while_another_takes_it_over_gives_way(server):
    """The slot is free and yet names somebody: it may be another's in the next moment."""
    server.said = {**ELSEWHERE.model_dump(), "flow": "the one before"}

    def overtake():
        server.said = ELSEWHERE.model_dump()

    server.happens["say"] = [overtake]
    with pytest.raises(BusyError, match=r"it is train-hiref .* on elsewhere"):
        enter(patience=0)
    assert "free" not in server.asked


def test_a_slot_is_taken_over_without_being_free_in_between(held, monkeypatch):
    monkeypatch.setattr(slots, "SILENT_FOR", 0.05)
    inside = []
    enter(patience=60, inside=lambda: inside.append((held.taken, held.said["flow"], "free" in held.asked)))
    assert inside == [(1, "weekly-retrain", False)]
    assert held.taken == 0


def test_of_two_that_take_over_at_once_the_later_one_has_the_slot(held, monkeypatch):
    monkeypatch.setattr(slots, "SILENT_FOR", 0.05)

    def overtake():
        monkeypatch.setattr(slots, "SILENT_FOR", 300.0)
        held.said = {**ELSEWHERE.model_dump(), "flow": "the later one"}

    held.happens["say"] = [overtake]
    with pytest.raises(BusyError, match="it is the later one"):
        enter(patience=0.2)
    assert held.taken == 1


def test_who_takes_over_a_slot_that_is_given_back_meanwhile_has_it(held, monkeypatch):
    monkeypatch.setattr(slots, "SILENT_FOR", 0.05)

    def give_back():
        held.taken = 0

    held.happens["say"] = [give_back]
    inside = []
    enter(patience=60, inside=lambda: inside.append((held.taken, held.said["flow"])))
    assert inside == [(1, "weekly-retrain")]


def test_the_name_goes_before_the_slot_is_free_and_no_beat_brings_it_back(server, monkeypatch):
    monkeypatch.setattr(slots, "BEAT_EVERY", 0.01)
    look, beats = slots._is_theirs, []

    def slowly(*question):
        answer = look(*question)
        if len(beats) == 0:
            beats.append(1)
            time.sleep(0.5)  # between the look and the word
        return answer

    monkeypatch.setattr(slots, "_is_theirs", slowly)
    enter(patience=0, inside=lambda: time.sleep(0.1))
    time.sleep(0.6)
    assert server.said is None
    assert [asked for asked in server.asked if asked in ("forget", "free")] == ["forget", "free"]


def test_a_company_whose_limit_another_run_has_just_made_is_kept_apart_all_the_same(held):
    def late():
        raise ObjectAlreadyExists(httpx.HTTPError("409"))

    held.happens["make"] = [late]
    with pytest.raises(BusyError, match="on elsewhere"):
        enter(patience=0)


def test_no_password_gets_into_the_log(server):
    def refuse():
        request = httpx.Request("POST", "http://bob:s3cret@prefect/api/v2/concurrency_limits/")
        httpx.Response(500, request=request).raise_for_status()

    server.happens["make"] = [refuse]
    (warned,) = enter(patience=0)
    assert "s3cret" not in warned
    assert "http://***@prefect/api" in warned
