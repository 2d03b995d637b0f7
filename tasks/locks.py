"""One run of a company at a time on the machines that share a home: a lock on ``<home>/locks/<company>.lock``.

The lock is the kernel's (`flock`): it drops it when the process that holds it ends, however that is, so nothing that a
dead process leaves can block. What the file says is only for people: who holds it, and since when.
"""

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from hierforecast.errors import BusyError, HomeError
from hierforecast.layout import HOME_VARIABLE
from tasks import environment
from tasks.processes import Process, this_process

_NO_LOCKS = (errno.ENOTSUP, errno.ENOLCK, errno.EINVAL, errno.ENOSYS)
_LOOK_EVERY = 0.5  # seconds
_TELL_EVERY = 600.0


class Holder(Process):
    """Who is at work: a process, its flow, and since when (ISO, UTC)."""

    flow: str
    since: str

    @property
    def words(self) -> str:
        """Who that is, for people."""
        return f"{self.flow} ({super().words}), since {self.since.replace('T', ' ')} UTC"


@contextmanager
def hold(company: str, flow: str, *, patience: float, tell: Callable[[str], None]) -> Iterator[Holder]:
    """Hold a company's lock during the block, after waiting for whoever holds it.

    Args:
        company: whose.
        flow: what for.
        patience: seconds to wait at most.
        tell: called with a sentence when it has to wait, and every ten minutes then.

    Raises:
        BusyError: it is still held after the patience.
        HomeError: the home's file system cannot lock.
    """
    path = lock_path(company)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
    try:
        _wait(handle, path, company, patience=patience, tell=tell)
        holder = new_holder(flow)
        _write(handle, holder.model_dump_json())
        try:
            yield holder
        finally:
            _write(handle, "")
    finally:
        os.close(handle)


def lock_path(company: str) -> Path:
    """Where a company's lock lies."""
    return environment.home().root / "locks" / f"{company}.lock"


def new_holder(flow: str) -> Holder:
    """This process as a holder from now on."""
    since = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return Holder(**this_process().model_dump(), flow=flow, since=since)


def busy(company: str, holder: Holder | None, patience: float) -> BusyError:
    """The end of a wait."""
    who = f"it is {holder.words}" if holder else "nobody knows which"
    return BusyError(
        f"another run of company {company!r} is at work: {who}. Waited {_minutes(patience)} for it; run again when it has "
        f"ended, end it (a run can be taken up where it was), or wait longer with {environment.PATIENCE_VARIABLE}=<minutes>"
    )


def waiting(company: str, holder: Holder | None, patience: float) -> str:
    """What is told while waiting."""
    who = holder.words if holder else "another run"
    return f"waiting for {who}: one run of company {company!r} at a time; at most {_minutes(patience)} more"


def _wait(handle: int, path: Path, company: str, *, patience: float, tell: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + patience, -_TELL_EVERY
    while not _taken(handle, path):
        now = time.monotonic()
        if now >= deadline:
            raise busy(company, _read(path), patience)
        if now - told >= _TELL_EVERY:
            tell(waiting(company, _read(path), deadline - now))
            told = now
        time.sleep(min(_LOOK_EVERY, max(deadline - now, 0.0)))


def _taken(handle: int, path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise HomeError(
            f"the file system of {str(path.parent)!r} cannot lock files ({error.strerror}), so two runs could not be kept "
            f"apart; put the home on a disk that can: {HOME_VARIABLE}=/path/to/folder"
        ) from None
    return True


def _read(path: Path) -> Holder | None:
    """Who holds it; None where that cannot be read, as in the moment of its being written."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, ValidationError):
        return None


def _write(handle: int, text: str) -> None:
    """In place: a renamed file would be another file, and its lock another lock."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
