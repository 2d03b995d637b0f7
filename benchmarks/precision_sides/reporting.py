"""What a side tells: its CPU seconds by phase, its divergences, and its draws as a plain array."""

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DRAWS_FILE, REPORT_FILE = "draws.npy", "report.json"
PHASES = ("import", "compile", "sampling", "rest")


class Task(NamedTuple):
    """What a side is asked to do."""

    table: Path
    out: Path
    seed: int
    chains: int
    warmup: int
    draws: int
    import_only: bool


class Stopwatch:
    """CPU seconds of this process, and of its children that have ended, by phase; it starts with the process."""

    def __init__(self) -> None:
        self.phases = dict.fromkeys(PHASES, 0.0)
        self._told = 0.0

    def mark(self, phase: str) -> None:
        """What was used since the last mark belongs to this phase."""
        now = _cpu_seconds()
        self.phases[phase] += now - self._told
        self._told = now

    def ends(self, phase: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, at whose return this phase ends."""

        @wraps(work)
        def timed(*args: Any, **kwargs: Any) -> Any:
            result = work(*args, **kwargs)
            self.mark(phase)
            return result

        return timed


def read_task() -> Task:
    """The task on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    for name in ("seed", "chains", "warmup", "draws"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--import-only", action="store_true")
    return Task(**vars(parser.parse_args()))


def write_report(task: Task, draws: np.ndarray, divergences: int, watch: Stopwatch, versions: dict[str, str]) -> None:
    """Write (chains, draws, scalars) and the report into the task's folder."""
    np.save(task.out / DRAWS_FILE, np.asarray(draws, dtype=float), allow_pickle=False)
    watch.mark("rest")
    told = {"phases": watch.phases, "divergences": int(divergences), "versions": versions}
    (task.out / REPORT_FILE).write_text(json.dumps(told))


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
