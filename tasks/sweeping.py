"""What dead runs leave is cleared away: files and folders on their way to a name, old checkpoints, open MLflow runs.

Only below the home's work, panels and scores; links are not followed. A process of this host that lives keeps what is its
own. What another host's process, or nobody knows who, left is kept for a week: it may still be at work.
"""

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from hierforecast.layout import without_login
from hierforecast.whole_files import BUILDING, REPLACED, writer_of
from tasks import environment
from tasks.processes import Process, is_dead_since

WEEK = 7 * 24 * 3600.0
ANSWERS_WITHIN = 5.0  # seconds
CHECKPOINTS = "checkpoint"  # how the names of folders begin that a killed fit goes on from


def sweep(company: str, *, tell: Callable[[str], None]) -> list[Path]:
    """Clear away what dead runs of a company left; the company's turn must be ours.

    Args:
        company: whose.
        tell: called with a sentence about what was swept, if anything was.

    Returns:
        What was removed.
    """
    swept = [path for path in _leftovers(company) if _remove(path)]
    if swept:
        names = ", ".join(str(path.relative_to(environment.home().root)) for path in swept[:5])
        more = f" and {len(swept) - 5} more" if len(swept) > 5 else ""
        tell(f"swept what runs that died had left: {names}{more}")
    _end_runs(company, tell)
    return swept


def _leftovers(company: str) -> list[Path]:
    home, now = environment.home(), time.time()
    found = [path for folder in (home.work / company, home.panels / company, home.root / "scores") for path in _below(folder)]
    return [path for path in found if _is_leftover(path, now)]


def _below(folder: Path) -> Iterator[Path]:
    """Files and folders that lie beside their place, or are checkpoints; not what is inside these, and behind no link."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for entry in list(os.scandir(folder)):
        path = Path(entry.path)
        if entry.is_symlink():
            continue
        if _is_beside(path) or (entry.is_dir(follow_symlinks=False) and entry.name.startswith(CHECKPOINTS)):
            yield path
        elif entry.is_dir(follow_symlinks=False):
            yield from _below(path)


def _is_beside(path: Path) -> bool:
    return path.name.startswith(".") and path.suffix in (f".{BUILDING}", f".{REPLACED}")


def _is_leftover(path: Path, now: float) -> bool:
    touched = _last_touched(path)
    if touched is None:  # it is gone by now
        return False
    writer = writer_of(path)
    if writer and is_dead_since(Process(host=writer.host, pid=writer.pid), touched):
        return True
    return now - touched > WEEK


def _last_touched(path: Path) -> float | None:
    """When a file, or anything directly in a folder, was last written, in seconds since 1970."""
    try:
        told = path.lstat()
        inside = [entry.stat(follow_symlinks=False) for entry in os.scandir(path)] if stat.S_ISDIR(told.st_mode) else []
    except OSError:
        return None
    return max(each.st_mtime for each in (told, *inside))


def _remove(path: Path) -> bool:
    """Whether it was removed; what resists is left for the next run."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def _end_runs(company: str, tell: Callable[[str], None]) -> None:
    """End what dead processes left open in MLflow; a registry that cannot be asked is asked again by the next run."""
    home = environment.home()
    if environment.tracking_uri() == home.tracking_uri and not home.database.exists():
        return
    if _hangs(environment.tracking_uri()):
        tell(f"MLflow cannot be asked for runs that died: no answer within {ANSWERS_WITHIN:.0f} s")
        return
    environment.prepare()
    from tasks.registry import runs

    try:
        ended = runs.end_dead_runs(company)
    except Exception as error:
        words = without_login(str(error).splitlines()[0]) if str(error) else type(error).__name__
        tell(f"MLflow cannot be asked for runs that died: {words}")
        return
    if ended:
        tell(f"ended {len(ended)} MLflow runs that dead processes had left open; they made no version")


def _hangs(address: str) -> bool:
    """Whether a server takes a question and says nothing. MLflow's client would wait minutes for it, here and once more."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return False
    host = parts.netloc.rpartition("@")[2]  # it asks nobody for a password, and httpx may log the address
    try:
        httpx.get(f"{parts.scheme}://{host}{parts.path.rstrip('/')}/health", timeout=ANSWERS_WITHIN)
    except httpx.TimeoutException:
        return True
    except (httpx.HTTPError, httpx.InvalidURL, OSError):  # MLflow's client has better words for it
        return False
    return False
