"""Our side: Precision through its public door. Compiling ends with the first report of progress, a few steps of warm-up."""

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.precision_sides.problem import DATE, MEMORY, TARGET, Problem, Scalars, mean_carried, read_problem
from benchmarks.precision_sides.reporting import Stopwatch, read_task, write_report
from hierforecast.options import Sampling
from hierforecast.precision import Background, MixModel, Precision
from hierforecast.precision.engine import tensorflow
from hierforecast.precision.hierarchy import build_hierarchy


def main() -> None:
    """Sample and report."""
    watch, task = Stopwatch(), read_task()
    tensorflow()  # here, so that it counts as import
    watch.mark("import")
    if task.import_only:
        return
    problem = read_problem(task.table)
    model = Precision(
        build_hierarchy(problem.tree, ["tactical", "platform", "channel"]),
        target=TARGET,
        period=DATE,
        control_names=problem.controls,
        background=Background(0, trend=False),
        model=MixModel(memory=MEMORY),
        # One step a draw, as the peers take; the default keeps every second step.
        sampling=Sampling(chains=task.chains, warmup=task.warmup, draws=task.draws, steps_per_draw=1, seed=task.seed),
    )
    phases = iter(["compile"])
    model.fit(problem.table, progress=lambda *_: watch.mark(next(phases, "sampling")))
    posterior, stats = saved_draws(model)
    draws = in_units(posterior, problem).stacked()
    names = ("hierforecast", "tensorflow")
    write_report(task, draws, int(stats["diverging"].sum()), watch, {name: version(name) for name in names})


def saved_draws(model: Precision) -> tuple[xr.Dataset, xr.Dataset]:
    """Posterior and sample statistics as anyone reads them from a model folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = model.save(Path(folder) / "model") / "posterior.nc"
        groups = [xr.load_dataset(path, group=group, engine="h5netcdf") for group in ("posterior", "sample_stats")]
    return groups[0], groups[1]


def in_units(posterior: xr.Dataset, problem: Problem) -> Scalars:
    """Our scaled parameters in the common meaning: the intercept is at mean media, and a flag's reference is 0."""
    sd, typical = problem.target_sd, problem.typical
    beta, decay, control = (posterior[name].to_numpy() for name in ("beta", "decay", "control"))
    centre = (beta * mean_carried(problem.exposures / typical, decay, MEMORY)).sum(axis=-1)
    raw = problem.table[list(problem.controls)].to_numpy(float)
    offsets = np.where(np.isin(raw, (0.0, 1.0)).all(axis=0), raw.mean(axis=0) / raw.std(axis=0), 0.0)
    scaled_baseline = posterior["intercept"].to_numpy() - centre + control @ offsets
    return Scalars(
        decay=decay,
        effect=sd * beta / typical,
        control=sd * control,
        baseline=problem.target_mean + sd * scaled_baseline,
        noise=sd * posterior["noise"].to_numpy(),
    )


if __name__ == "__main__":
    main()
