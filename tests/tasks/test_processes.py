import os
import subprocess
import sys
import time

import pytest

from tasks import processes
from tasks.processes import Process, is_dead, is_dead_since, this_process

needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="this system has no /proc")  # noqa: PTH110


@pytest.fixture
def other():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_lives_until_it_ends(other):
    child = Process(host=this_process().host, pid=other.pid, started=processes._start_mark(other.pid))
    assert not is_dead(child)
    assert not is_dead(this_process())
    other.kill()
    other.wait()
    assert is_dead(child)
    assert is_dead_since(child, time.time())


def test_another_hosts_process_is_never_dead_here(other):
    assert not is_dead(Process(host="elsewhere", pid=2**22 + 1))
    assert not is_dead_since(Process(host="elsewhere", pid=other.pid), 0.0)


@needs_proc
def test_a_number_that_somebody_else_got_is_no_life(other):
    mine = this_process()
    assert mine.started
    assert is_dead(mine.model_copy(update={"pid": other.pid}))  # another start than that number's
    unknown = Process(host=mine.host, pid=other.pid)
    assert not is_dead(unknown)
    assert not is_dead_since(unknown, time.time())
    assert is_dead_since(unknown, time.time() - 3600)  # what was written then, a process of this minute did not write


@needs_proc
def test_the_start_is_told_to_the_second():
    began = time.time()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert processes._start_time(process.pid) == pytest.approx(began, abs=3)
        process.communicate(b"\n")


@needs_proc
def test_one_that_ended_unnoticed_is_dead(other):
    child = Process(host=this_process().host, pid=other.pid, started=processes._start_mark(other.pid))
    other.kill()  # and nobody waits for it
    deadline = time.monotonic() + 20
    while not is_dead(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_dead(child)


def test_a_number_that_no_process_can_have_is_dead():
    assert is_dead(Process(host=this_process().host, pid=2**31 + 5))


@needs_proc
def test_a_machine_of_the_same_name_is_another_one():
    mine = this_process()
    assert processes.is_of_this_boot(mine)
    assert not processes.is_of_this_boot(mine.model_copy(update={"started": f"00000000:{mine.started.partition(':')[2]}"}))
    assert not processes.is_of_this_boot(mine.model_copy(update={"started": None}))
    assert not processes.is_of_this_boot(mine.model_copy(update={"host": "elsewhere"}))


@needs_proc
def test_a_container_of_the_same_name_and_machine_is_another_one():
    """Its numbers are not ours: what lives there may be nobody here."""
    boot, ticks = this_process().started.split(":")
    machine, namespace = boot.split("-")
    assert namespace == str(os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116
    there = this_process().model_copy(update={"pid": 2**22 + 1, "started": f"{machine}-{int(namespace) + 1}:{ticks}"})
    assert not processes.is_of_this_boot(there)
