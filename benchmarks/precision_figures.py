"""From what the sides report to what is compared: effective draws by one estimator, and ratios within one run.

    efficiency = min bulk ESS / CPU seconds of the whole process       ratio = ours / best peer, median over seeds

Bulk ESS and R-hat: Vehtari, Gelman, Simpson, Carpenter & Buerkner 2021, doi:10.1214/20-BA1221, as ArviZ computes them.
"""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.precision_sides.reporting import DRAWS_FILE, PHASES, REPORT_FILE

OURS = "ours"


class Convergence(NamedTuple):
    """Of all scalars of one run."""

    min_ess: float
    median_ess: float
    max_rhat: float


class Run(NamedTuple):
    """One process of one side."""

    side: str
    cache: str  # "cold" or "warm"
    seed: int  # of the pair of a cold and a warm run
    cpu_s: float  # user and system, the process and all its children
    wall_s: float
    peak_mib: float
    phases: dict[str, float]  # CPU s by name in `PHASES`
    divergences: int
    convergence: Convergence

    def efficiency(self, *, with_import: bool = True) -> float:
        """Min bulk ESS per CPU second."""
        return self.convergence.min_ess / (self.cpu_s - (0.0 if with_import else self.phases["import"]))


class Report(NamedTuple):
    """What a side wrote."""

    phases: dict[str, float]
    divergences: int
    versions: dict[str, str]
    draws: np.ndarray  # (chains, draws, scalars)


def read_report(folder: Path, shape: Sequence[int | None]) -> Report:
    """Read a side's folder.

    Args:
        folder: its `out`.
        shape: (chains, draws, scalars) wanted; None where any number will do.

    Raises:
        ValueError: phases or draws are not what was asked for.
    """
    told = json.loads((folder / REPORT_FILE).read_text())
    draws = np.load(folder / DRAWS_FILE, allow_pickle=False)
    if set(told["phases"]) != set(PHASES):
        raise ValueError(f"a report needs the phases {PHASES}, got {tuple(told['phases'])}")
    if len(draws.shape) != len(shape) or any(want not in (None, got) for want, got in zip(shape, draws.shape, strict=True)):
        raise ValueError(f"draws need the shape {tuple(shape)}, got {draws.shape}")
    if not np.isfinite(draws).all():
        raise ValueError("draws need to be finite numbers")
    return Report(told["phases"], told["divergences"], told["versions"], draws)


def measure_draws(draws: np.ndarray) -> Convergence:
    """Convergence of (chains, draws, scalars)."""
    import arviz

    scalars = [draws[..., place] for place in range(draws.shape[-1])]
    ess = [float(arviz.ess(one, method="bulk")) for one in scalars]
    rhat = [float(arviz.rhat(one, method="rank")) for one in scalars]
    return Convergence(min(ess), statistics.median(ess), max(rhat))


def ratio_to_best_peer(runs: Sequence[Run], cache: str, *, with_import: bool = True) -> float | None:
    """Our efficiency over the best peer's of the same seed, median over the seeds; None where no peer ran."""
    ratios = []
    for seed in sorted({run.seed for run in runs}):
        found = {run.side: run.efficiency(with_import=with_import) for run in runs if (run.cache, run.seed) == (cache, seed)}
        ours = found.pop(OURS, None)
        if ours is not None and found:
            ratios.append(ours / max(found.values()))
    return statistics.median(ratios) if ratios else None


def largest_disagreement(draws: dict[str, np.ndarray]) -> dict[str, float]:
    """Per peer the largest distance of its posterior means from ours, in our posterior sd: that the problem is one."""
    ours = draws[OURS]
    mean, sd = ours.mean(axis=(0, 1)), ours.std(axis=(0, 1))
    return {side: float((np.abs(found.mean(axis=(0, 1)) - mean) / sd).max()) for side, found in draws.items() if side != OURS}


def summary(runs: Sequence[Run]) -> dict[str, float | int | None]:
    """The figures a reader looks for first."""
    ours = [run for run in runs if run.side == OURS]
    warm = [run for run in ours if run.cache == "warm"]
    ratios = {
        "ratio_to_best_peer": ratio_to_best_peer(runs, "warm"),
        "ratio_cold": ratio_to_best_peer(runs, "cold"),
        "ratio_warm_without_import": ratio_to_best_peer(runs, "warm", with_import=False),
        "ratio_cold_without_import": ratio_to_best_peer(runs, "cold", with_import=False),
    }
    return {
        **{name: ratio if ratio is None else round(ratio, 2) for name, ratio in ratios.items()},
        "peak_mib": round(max(run.peak_mib for run in ours)),
        "divergences": sum(run.divergences for run in ours),
        "compile_cpu_s_warm": round(statistics.median(run.phases["compile"] for run in warm), 2) if warm else None,
        "min_ess": round(min(run.convergence.min_ess for run in ours)),
        "max_rhat": round(max(run.convergence.max_rhat for run in ours), 4),
    }
