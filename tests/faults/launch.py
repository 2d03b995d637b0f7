"""Run a flow that meets a fault at a call, in the very process that makes it; nothing in the product knows of it.

    python -m tests.faults.launch --call mlflow.MlflowClient.create_model_version --when after --do kill \\
        -- flows.weekly_retrain --settings tiny.yaml

`--call` is the place of a function or method, `--number` which of its calls, `--naming` a word that must be among what it is
called with. `--do`:

kill         SIGKILL to this process
term         SIGTERM to this process, which then goes on if it can
kill:PID     SIGKILL to the processes of another session
full:BYTES   during this call and later ones no file can grow beyond so many bytes, as on a full disk
wait:FILE    make the file, and wait until somebody removes it
"""

import argparse
import importlib
import os
import resource
import runpy
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any


def main() -> None:
    """Set the fault up and run the flow as `python -m` does."""
    own, (module, *words) = _parted(sys.argv[1:])
    sys.argv = ["-m", *words]  # as Python has it while it looks up the module; the flows set their environment up then
    importlib.import_module(module.partition(".")[0])
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")  # read at import, which comes sooner here
    _spoil(own)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _parted(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--call", required=True)
    parser.add_argument("--when", choices=["before", "after"], default="before")
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--naming", default="")
    parser.add_argument("--do", required=True)
    place = words.index("--")
    return parser.parse_args(words[:place]), words[place + 1 :]


def _spoil(given: argparse.Namespace) -> None:
    """Put a function that meets the fault in the place of the named one."""
    holder, name = _found(given.call)
    original, seen = getattr(holder, name), 0

    @wraps(original)
    def spoiled(*arguments: Any, **named: Any) -> Any:
        nonlocal seen
        if given.naming and given.naming not in repr((arguments, named)):
            return original(*arguments, **named)
        seen += 1
        if given.do.startswith("full:") and seen >= given.number:
            with full_disk(int(given.do.partition(":")[2])):
                return original(*arguments, **named)
        if seen != given.number:
            return original(*arguments, **named)
        if given.when == "before":
            _strike(given.do)
            return original(*arguments, **named)
        answer = original(*arguments, **named)
        _strike(given.do)
        return answer

    setattr(holder, name, spoiled)


def _found(call: str) -> tuple[Any, str]:
    """The module or class that holds a function, and the function's name there."""
    *path, name = call.split(".")
    for length in range(len(path), 0, -1):
        try:
            holder = importlib.import_module(".".join(path[:length]))
        except ModuleNotFoundError:
            continue
        for part in path[length:]:
            holder = getattr(holder, part)
        if not callable(getattr(holder, name)):
            raise TypeError(f"{call} is no function")
        return holder, name
    raise ModuleNotFoundError(call)


def _strike(fault: str) -> None:
    kind, _, rest = fault.partition(":")
    sys.stdout.flush()
    strikes: dict[str, Callable[[], None]] = {
        "kill": lambda: os.killpg(int(rest), signal.SIGKILL) if rest else os.kill(os.getpid(), signal.SIGKILL),
        "term": lambda: os.kill(os.getpid(), signal.SIGTERM),
        "wait": lambda: _wait(Path(rest)),
    }
    strikes[kind]()


def _wait(file: Path) -> None:
    file.touch()
    while file.exists():
        time.sleep(0.05)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Writes beyond so many bytes of a file fail, with the error of the system itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error, as from a full disk, in place of a signal
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    main()
