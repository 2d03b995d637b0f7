"""Files and folders that are there whole or not at all: written beside, pushed to the disk, then renamed.

    .<name>.<host>-<pid>-<random>.tmp    on its way to <name>
    .<name>.<host>-<pid>-<random>.old    a folder that stepped aside for a newer <name>

The names say who was writing, so that what a dead process left can be told from what a live one is at. Data reach the
disk before the new name does: without that a power cut may leave the name with nothing behind it.
"""

import ctypes
import errno
import os
import re
import shutil
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hierforecast.errors import NoRoomError
from hierforecast.layout import HOME_VARIABLE

BUILDING, REPLACED = "tmp", "old"

_BESIDE = re.compile(rf"^\..+\.(?P<host>[^.]+)-(?P<pid>\d+)-[0-9a-f]{{8}}\.({BUILDING}|{REPLACED})$", re.DOTALL)
_LONGEST_NAME = 80  # characters that a name beside keeps of the real one: file systems take 255 bytes
_LONGEST_HOST = 40

_REASONS = {
    errno.ENOSPC: "no space is left on that disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it grew past the size that a file may have here (see `ulimit -f`)",
}
# What libraries written in C++, Rust or C say of the same, without a number.
_WORDS = {
    "os error 28": errno.ENOSPC,
    "No space left on device": errno.ENOSPC,
    "database or disk is full": errno.ENOSPC,
    "os error 122": errno.EDQUOT,
    "Disk quota exceeded": errno.EDQUOT,
    "os error 27": errno.EFBIG,
    "File too large": errno.EFBIG,
}
_AT_WORKING_FOLDER, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)


class Writer(NamedTuple):
    """Who writes, or wrote, something that lies beside its place."""

    host: str
    pid: int


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write a file; at the end of the block it replaces what is at `path`. After an error nothing has changed.

    Raises:
        NoRoomError: the disk is full, or the file larger than it may be.
    """
    with told_of_no_room(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        building = beside(path)
        try:
            yield building
            push_to_disk(building)
            building.replace(path)
            push_to_disk(path.parent)
        finally:
            building.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill; at the end of the block it replaces the one at `folder`. After an error nothing has changed.

    Raises:
        NoRoomError: the disk is full, or a file larger than it may be.
    """
    with told_of_no_room(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = beside(folder)
        building.mkdir()
        try:
            yield building
            for path in [*building.rglob("*"), building]:
                push_to_disk(path)
            _put_in_place(building, folder)
            push_to_disk(folder.parent)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def write_text(path: Path, text: str) -> Path:
    """Replace a text file as a whole."""
    with whole_file(path) as building:
        building.write_text(text, encoding="utf-8")
    return path


def beside(path: Path, ending: str = BUILDING) -> Path:
    """A new name beside a path that says which process of which host is at work on it."""
    return path.with_name(f".{path.name[:_LONGEST_NAME]}.{this_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.{ending}")


def writer_of(path: Path) -> Writer | None:
    """Who wrote what lies beside a place; None where the name is not one that `beside` makes."""
    found = _BESIDE.match(path.name)
    return Writer(found["host"], int(found["pid"])) if found else None


@cache
def this_host() -> str:
    """This machine's name, in letters, digits and hyphens."""
    return re.sub(r"[^0-9A-Za-z-]", "_", socket.gethostname())[:_LONGEST_HOST] or "localhost"


@contextmanager
def told_of_no_room(path: Path) -> Iterator[None]:
    """Whatever library says in this block that the disk is full, a person reads which file had no room, and the cure.

    Raises:
        NoRoomError: in place of the library's error; other errors pass.
    """
    try:
        yield
    except NoRoomError:
        raise
    except Exception as error:
        number = _no_room(error)
        if number is None:
            raise
        cure = f"make room there, or name another home ({HOME_VARIABLE}=/path/to/folder)"
        raise NoRoomError(
            f"cannot write {str(path)!r}: {_REASONS[number]}; {cure}, and run again: what was finished is kept, and of this "
            "nothing is left behind"
        ) from error


def push_to_disk(path: Path) -> None:
    """Have the system write a file's content, or a folder's names, to the disk now; where a file system cannot, go on."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except (PermissionError, IsADirectoryError):  # a folder that may be written to and not read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS, errno.EBADF):
            raise
    finally:
        os.close(handle)


def _put_in_place(building: Path, folder: Path) -> None:
    """Rename a finished folder over an old one in one step; where the system has no such step, the old one steps aside."""
    if not folder.exists():
        building.rename(folder)
        return
    if _exchange(building, folder):
        return  # what is now under the name of the new one is the old one
    old = beside(folder, REPLACED)
    folder.rename(old)
    building.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, as Linux can; whether that was done."""
    swap = _renameat2()
    if swap is None:
        return False
    return swap(_AT_WORKING_FOLDER, os.fsencode(one), _AT_WORKING_FOLDER, os.fsencode(other), _EXCHANGE) == 0


@cache
def _renameat2() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return None


def _no_room(error: BaseException) -> int | None:
    """The number of what is full, if that is what an error or one of its causes tells."""
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, OSError) and told.errno in _REASONS:
            return told.errno
        found = next((number for words, number in _WORDS.items() if words in str(told)), None)
        if found is not None:
            return found
        told = told.__cause__ or told.__context__
    return None
