"""Effective draws per CPU second of a marketing mix model: Precision beside PyMC-Marketing (nutpie) and Google Meridian.

    python -m benchmarks.precision_speed --install-peers [--peers DIR]
    python -m benchmarks.precision_speed [--seeds 7 17 27] [--sides ours pymc ...] [--ours-only] [--growth]

156 weeks, 12 tacticals, 5 controls, the same model and beliefs on every side, 4 chains of 500 warm-up steps and 500 draws.
Every run is a process of its own with the threads that its library takes; CPU seconds are those of the whole process and
its children. A cold run starts with an empty folder of compiled programs, the warm run after it has the folder and another
seed. Each side's module in `precision_sides` says where its compiling ends. Prints a table and one line of JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.precision_figures import OURS, Run, largest_disagreement, measure_draws, read_report, summary
from benchmarks.precision_sides.environments import PEERS, ROOT, SIDES, environment_of, install_peers, interpreter
from benchmarks.precision_sides.reporting import PHASES

NATIONAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "mmm_national" / "national.csv"
CHAINS, WARMUP, DRAWS, SCALARS = 4, 500, 500, 31
SEEDS = (7, 17, 27)
GROWTH = [  # weeks, tacticals, chains
    *((156, tacticals, CHAINS) for tacticals in (12, 50, 200)),
    *((weeks, 12, CHAINS) for weeks in (104, 520)),
    *((156, 12, chains) for chains in (2, 8)),
]


class SideFailed(Exception):  # noqa: N818  it is what happened, with the end of what the side printed
    """A side's process ended with an error."""


class Workplace:
    """Where processes run and leave what they found."""

    def __init__(self, peers: Path, folder: Path) -> None:
        self.peers, self.folder = peers, folder
        self.versions: dict[str, dict[str, str]] = {}

    def prepare(self, sides: Sequence[str], table: Path) -> None:
        """Import every side once: modules become bytecode and leave the disk before anything is timed."""
        for side in sides:
            self._process(side, table, "prepare", self.folder / "prepare", seed=0, chains=CHAINS, more=("--import-only",))

    def run(self, side: str, table: Path, cache: str, *, pair: int, seed: int, chains: int = CHAINS) -> tuple[Run, Any]:
        """One measured process and its draws; runs of one pair share their compiled programs."""
        name = f"{side}-{table.stem}-{chains}-{pair}"
        out = self.folder / f"{name}-{cache}"
        wall, usage = self._process(side, table, name, out, seed=seed, chains=chains)
        scalars = SCALARS if table == NATIONAL else None
        report = read_report(out, (chains, DRAWS, scalars))
        self.versions[side] = report.versions
        per_mib = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere
        run = Run(
            side=side,
            cache=cache,
            seed=pair,
            cpu_s=usage.ru_utime + usage.ru_stime,
            wall_s=wall,
            peak_mib=usage.ru_maxrss / per_mib,
            phases=report.phases,
            divergences=report.divergences,
            convergence=measure_draws(report.draws),
        )
        return run, report.draws

    def _process(
        self, side: str, table: Path, caches: str, out: Path, *, seed: int, chains: int, more: Sequence[str] = ()
    ) -> tuple[float, Any]:
        """Wall seconds and resource usage of a side's process, its children included."""
        what, cache = SIDES[side], self.folder / "caches" / caches
        for place in (out, cache):
            place.mkdir(parents=True, exist_ok=True)
        numbers = {"seed": seed, "chains": chains, "warmup": WARMUP, "draws": DRAWS}
        command = [str(interpreter(what, self.peers)), "-m", f"benchmarks.precision_sides.{what.module}"]
        command += ["--table", str(table), "--out", str(out), *more]
        command += [word for name, number in numbers.items() for word in (f"--{name}", str(number))]
        environment = environment_of(what, cache, self.peers / "bytecode" / (what.environment or OURS))
        log = out / "log.txt"
        began = time.perf_counter()
        with log.open("w") as sink:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sink, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SideFailed(f"{side} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        return time.perf_counter() - began, usage


def compare(work: Workplace, sides: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Every side cold and warm with every seed. A peer that fails is told and left out; it is no peer to be ahead of."""
    runs, draws, failed = [], {}, {}
    print_header()
    for pair in seeds:
        for side in sides:
            try:
                for cache, seed in () if side in failed else (("cold", pair), ("warm", pair + 1)):
                    run, draws[side] = work.run(side, NATIONAL, cache, pair=pair, seed=seed)
                    print_run(run)
                    runs.append(run)
            except SideFailed as failure:
                if side == OURS:
                    raise
                failed[side] = str(failure).splitlines()[-1]
                print(failure, flush=True)
    distances = {side: round(distance, 2) for side, distance in largest_disagreement(draws).items()}
    return summary(runs) | {
        "largest_disagreement_sd": distances,
        "failed": failed,
        "versions": work.versions,
        "runs": [_json(run) for run in runs],
    }


def grow(work: Workplace, seed: int) -> list[dict[str, Any]]:
    """Our side alone on made panels of several sizes, each compiled anew."""
    from benchmarks.precision_data import make_panel

    found = []
    print_header()
    for weeks, tacticals, chains in GROWTH:
        table = work.folder / f"{weeks}x{tacticals}.csv"
        make_panel(weeks, tacticals)[0].to_csv(table, index=False)
        run, _ = work.run(OURS, table, "cold", pair=seed, seed=seed, chains=chains)
        print_run(run, f"{weeks} weeks, {tacticals} tacticals, {chains} chains")
        found.append({"weeks": weeks, "tacticals": tacticals, "chains": chains} | _json(run))
    return found


def print_header() -> None:
    """The columns of the table."""
    columns = (*PHASES, "all CPU s", "wall s", "MiB", "min ESS", "median", "R-hat", "diverg.", "ESS/CPU s")
    print(f"{'':<36}" + "".join(f"{name:>10}" for name in columns), flush=True)


def print_run(run: Run, label: str | None = None) -> None:
    """One line of the table."""
    ess = run.convergence
    seconds = (*(run.phases[name] for name in PHASES), run.cpu_s, run.wall_s)
    cells = [f"{second:.1f}" for second in seconds] + [f"{run.peak_mib:.0f}", f"{ess.min_ess:.0f}", f"{ess.median_ess:.0f}"]
    cells += [f"{ess.max_rhat:.4f}", str(run.divergences), f"{run.efficiency():.1f}"]
    print(f"{label or f'{run.side}, {run.cache}, seed {run.seed}':<36}" + "".join(f"{cell:>10}" for cell in cells), flush=True)


def _json(run: Run) -> dict[str, Any]:
    told = run._asdict() | {"phases": {name: round(seconds, 2) for name, seconds in run.phases.items()}}
    told |= {name: round(told[name], 2) for name in ("cpu_s", "wall_s", "peak_mib")}
    convergence = told.pop("convergence")
    return told | {name: round(value, 4) for name, value in convergence._asdict().items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=PEERS, help="folder of the peers' environments")
    parser.add_argument("--install-peers", action="store_true", help="make them and stop")
    parser.add_argument("--peer-python", help="interpreter of the peers, 3.12 or later")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--growth", action="store_true", help="our side alone on made panels of several sizes")
    args = parser.parse_args(arguments)
    if args.install_peers:
        install_peers(args.peers.absolute(), python=args.peer_python)
        return
    sides = [OURS] if args.ours_only or args.growth else list(dict.fromkeys((OURS, *args.sides)))
    if not args.growth and not NATIONAL.is_file():
        raise SystemExit(f"the national panel is not at {NATIONAL}")
    for side in sides:
        if not interpreter(SIDES[side], args.peers).exists():
            raise SystemExit(f"{side} is not installed in {args.peers}; run with --install-peers, or --ours-only")
    with tempfile.TemporaryDirectory() as folder:
        work = Workplace(args.peers.absolute(), Path(folder))
        work.prepare(sides, NATIONAL)
        told = {"growth": grow(work, args.seeds[0])} if args.growth else compare(work, sides, args.seeds)
    print(json.dumps({"processors": os.cpu_count()} | told))


if __name__ == "__main__":
    main()
