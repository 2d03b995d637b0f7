"""Which process is at work, and whether one that was at work still lives. A number that a later process got is no life."""

import os
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from hierforecast.whole_files import this_host

_ENDED = ("Z", "X")  # it ended, and nobody has asked how
_SLACK = 5.0  # seconds: Linux knows its boot by the second, and a clock may be set


class Process(BaseModel):
    """A process: its host, its number there, and its start (None where the system does not tell)."""

    model_config = ConfigDict(frozen=True)

    host: str
    pid: int
    started: str | None = None

    @property
    def words(self) -> str:
        """How a person finds it."""
        return f"process {self.pid} on {self.host}"


def this_process() -> Process:
    """The process that asks."""
    return Process(host=this_host(), pid=os.getpid(), started=_start_mark(os.getpid()))


def is_here(process: Process) -> bool:
    """Whether it runs, or ran, on this host, so that it can be asked after."""
    return process.host == this_host()


def is_dead(process: Process) -> bool:
    """Whether a process of this host is gone; of another host's nothing is known, so it is not dead."""
    if not is_here(process):
        return False
    if not _number_lives(process.pid):
        return True
    now = _start_mark(process.pid)
    return process.started is not None and now is not None and process.started != now


def is_of_this_boot(process: Process) -> bool:
    """Whether its number surely means here what it meant to it: two machines, or two containers, may have one name."""
    return is_here(process) and process.started is not None and process.started.partition(":")[0] == _boot()


def is_dead_since(process: Process, seconds: float) -> bool:
    """Whether a process that was at work at a time (seconds since 1970) is gone, its start not being known."""
    if is_dead(process):
        return True
    began = _start_time(process.pid) if is_here(process) else None
    return began is not None and began > seconds + _SLACK


def _number_lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    fields = _fields(pid)
    return fields is None or fields[0] not in _ENDED


def _start_mark(pid: int) -> str | None:
    """The boot and namespace (see `_boot`) and the tick at which a process started, exact; None where /proc does not tell."""
    ticks = _start_ticks(pid)
    return f"{_boot()}:{ticks}" if ticks is not None else None


def _start_time(pid: int) -> float | None:
    """When a process started, in seconds since 1970, to about a second."""
    ticks = _start_ticks(pid)
    try:
        booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    except (OSError, StopIteration):
        return None
    return int(booted.split()[1]) + ticks / os.sysconf("SC_CLK_TCK") if ticks is not None else None


def _start_ticks(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[19]) if fields else None


def _fields(pid: int) -> list[str] | None:
    """What /proc tells of a process from its third field on, the state; the second, its name in brackets, may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


@cache
def _boot() -> str:
    """The machine's boot and the namespace of process numbers: containers of one machine share the first alone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
