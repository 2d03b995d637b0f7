"""What stops a wrong input: 200 inputs mutated from two good companies, and 20 clean ones that nothing may stop.

    python -m benchmarks.check_mutations [--count 200] [--seed 1] [--through-start 10] [--only TEXT] [--json FILE]

Every mutation of `benchmarks.mutations` is planted in turn into either company by a seed of its own. A run would read the
settings, ingest both panels and check them; here that is done in one process, and ten of the inputs go through ./start.sh
as well. Prints what stopped how many, what got through, and every raw traceback; then the clean variations with what was
said of them. Exits 1 if an input got through, crashed, or a clean one was stopped.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.mutations import companies, files, media, sales, settings  # noqa: F401  each declares its mutations
from benchmarks.mutations.case import Case
from benchmarks.mutations.catalogue import MUTATIONS, Mutation
from benchmarks.mutations.clean import clean_variations
from benchmarks.mutations.judging import CRASHED, Verdict, judge

ROOT = Path(__file__).resolve().parents[1]
GOOD = {"first": companies.first, "second": companies.second}


class Tried(NamedTuple):
    """One mutated input and what came of it."""

    mutation: Mutation
    company: str
    seed: int
    verdict: Verdict

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.mutation.kind}: {self.mutation.name} ({self.company}, seed {self.seed})"


def main() -> int:
    """Try all and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="mutated inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--through-start", type=int, default=10, help="of them also through ./start.sh, as processes")
    parser.add_argument("--only", default="", help="mutations whose name or kind contains this")
    parser.add_argument("--json", type=Path, help="where to write every verdict")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HIERFORECAST_HOME"] = home
        tried = list(try_mutations(args.count, args.seed, args.only))
        report_tried(tried)
        alarms = [] if args.only else report_clean()
    started = through_start(tried, args.through_start, args.seed)
    if args.json:
        args.json.write_text(json.dumps([[each.label, *each.verdict] for each in tried], indent=1), encoding="utf-8")
    wrong = [each for each in tried if not each.verdict.stopped]
    return int(bool(wrong or alarms or not all(started)))


def mutated(mutation: Mutation, company: str, seed: int) -> Case:
    """A fresh good company with one mutation planted."""
    case = GOOD[company](seed % 7 + 1)
    mutation.change(case, np.random.default_rng(seed))
    return case


def try_mutations(count: int, seed: int, only: str) -> Iterator[Tried]:
    """Mutations in turn, each time with the other company and a seed of its own."""
    chosen = [each for each in MUTATIONS if only in f"{each.kind}: {each.name}"]
    for number in range(count if not only else 2 * len(chosen)):
        turn, place = divmod(number, len(chosen))
        company = list(GOOD)[(turn + place) % 2]
        own_seed = 1000 * seed + number
        yield Tried(chosen[place], company, own_seed, judge(mutated(chosen[place], company, own_seed)))


def report_tried(tried: list[Tried]) -> None:
    """Stopped by what, and what was not stopped."""
    first = Counter((each.mutation.kind, each.verdict.stopped_by[0]) for each in tried)
    table = pd.DataFrame([(kind, by, count) for (kind, by), count in first.items()], columns=["input", "stopped by", "inputs"])
    print(table.sort_values(["input", "inputs"], ascending=[True, False]).to_string(index=False))
    stopped = sum(each.verdict.stopped for each in tried)
    crashed = [each for each in tried if each.verdict.stopped_by == (CRASHED,)]
    print(f"\n{len(tried)} mutated inputs: {stopped} stopped, {len(crashed)} raw tracebacks")
    for each in tried:
        if not each.verdict.stopped:
            warned = f" (warned: {', '.join(each.verdict.warned)})" if each.verdict.warned else ""
            print(f"- not stopped: {each.label}{warned}\n{each.verdict.said[-1500:] if each in crashed else ''}")


def report_clean() -> list[str]:
    """Judge the clean variations; the names of those that were stopped."""
    alarms, count = [], 0
    print("\nclean variations")
    for name, verdicts in clean_variations():
        count += 1
        stopped = [verdict for verdict in verdicts if verdict.stopped_by != ("passed",)]
        warned = sorted({label for verdict in verdicts for label in verdict.warned})
        print(
            f"- {name}: {'STOPPED ' + stopped[0].said[:600] if stopped else 'passed'}"
            + (f"; warned {warned}" if warned else "")
        )
        alarms += [name] if stopped else []
    print(f"{count} clean variations, {len(alarms)} false alarms")
    return alarms


def through_start(tried: list[Tried], count: int, seed: int) -> list[bool]:
    """Some of the inputs through ./start.sh: whether each ended with a message, without traceback and without a version."""
    picked = np.random.default_rng(seed).permutation(len(tried))[:count]
    return [_start(tried[place]) for place in sorted(picked)]


def _start(tried: Tried) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = mutated(tried.mutation, tried.company, tried.seed).write(Path(folder) / "company")
        home = Path(folder) / "home"
        environment = {**os.environ, "HIERFORECAST_HOME": str(home)}
        command = ["./start.sh", "--no-serve", "--settings", str(path)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        versions = _versions(home)
        held = done.returncode == 1 and "Traceback" not in said and versions == 0
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "")
        verdict = "ok" if held else f"WRONG (exit {done.returncode}, {versions} versions)\n{said[-2000:]}"
        print(f"- ./start.sh with {tried.label}: {verdict}: {last[:140]}", flush=True)
        return held


def _versions(home: Path) -> int:
    """Registered versions in an embedded registry."""
    if not (home / "mlflow.db").exists():
        return 0
    import sqlite3

    with sqlite3.connect(home / "mlflow.db") as database:
        return int(database.execute("select count(*) from model_versions").fetchone()[0])


if __name__ == "__main__":
    sys.exit(main())
