"""PyMC-Marketing's MMM sampled by nutpie, through the MMM's own `fit`.

Compiling ends when nutpie has compiled the model, sampling with its last draw. The rest is what `fit` does after that: it
compiles another program, which computes contributions from the draws.
"""

import math
from importlib.metadata import version

import numpy as np
import nutpie
from pymc_extras.prior import Prior
from pymc_marketing.mmm import GeometricAdstock, NoSaturation
from pymc_marketing.mmm.mmm import MMM

from benchmarks.precision_sides import problem as beliefs
from benchmarks.precision_sides.problem import DATE, MEMORY, TARGET, Problem, Scalars, read_problem
from benchmarks.precision_sides.reporting import Stopwatch, read_task, write_report


def main() -> None:
    """Sample and report."""
    watch, task = Stopwatch(), read_task()
    watch.mark("import")
    if task.import_only:
        return
    problem = read_problem(task.table)
    nutpie.compile_pymc_model = watch.ends("compile", nutpie.compile_pymc_model)
    nutpie.sample = watch.ends("sampling", nutpie.sample)
    table = problem.table.copy()
    table[list(problem.controls)] = problem.scaled_controls  # the MMM leaves controls as they are
    fitted = make_model(problem).fit(
        table.drop(columns=TARGET),
        table[TARGET],
        nuts_sampler="nutpie",
        chains=task.chains,
        tune=task.warmup,
        draws=task.draws,
        random_seed=task.seed,
        progressbar=False,
        compute_convergence_checks=False,
    )
    draws = in_units(fitted["posterior"], problem).stacked()
    divergences = int(fitted["sample_stats"]["diverging"].sum())
    names = ("pymc-marketing", "pymc", "nutpie", "numba")
    write_report(task, draws, divergences, watch, {name: version(name) for name in names})


def make_model(problem: Problem) -> MMM:
    """The MMM divides the target and every medium by its maximum; the priors follow."""
    top = float(problem.table[TARGET].max())
    unit = problem.target_sd / top
    effect = beliefs.EFFECT_MEDIAN * unit * problem.exposures.max(axis=0) / problem.typical
    half_life = Prior("LogNormal", mu=math.log(beliefs.HALF_LIFE_MEDIAN), sigma=beliefs.HALF_LIFE_SD, dims="channel")
    noise = Prior("LogNormal", mu=math.log(beliefs.NOISE_MEDIAN * unit), sigma=beliefs.NOISE_SD)
    return MMM(
        date_column=DATE,
        target_column=TARGET,
        channel_columns=list(problem.media),
        control_columns=list(problem.controls),
        adstock=GeometricAdstock(l_max=MEMORY, normalize=True, priors={"halflife": half_life}),
        saturation=NoSaturation(
            priors={"beta": Prior("LogNormal", mu=np.log(effect), sigma=beliefs.EFFECT_SD, dims="channel")}
        ),
        model_config={
            "intercept": Prior("Normal", mu=problem.target_mean / top, sigma=beliefs.BASELINE_SD * unit),
            "gamma_control": Prior("Normal", mu=0, sigma=beliefs.CONTROL_SD * unit, dims="control"),
            "likelihood": Prior("Normal", sigma=noise, dims="date"),
        },
    )


def in_units(posterior: object, problem: Problem) -> Scalars:
    """The MMM's scaled parameters in the common meaning."""
    top = float(problem.table[TARGET].max())
    media, controls = list(problem.media), list(problem.controls)
    order = ("chain", "draw", ...)
    return Scalars(
        decay=beliefs.decay_of(posterior["adstock_halflife"].sel(channel=media).transpose(*order).to_numpy()),
        effect=top
        * posterior["saturation_beta"].sel(channel=media).transpose(*order).to_numpy()
        / problem.exposures.max(axis=0),
        control=top * posterior["gamma_control"].sel(control=controls).transpose(*order).to_numpy(),
        baseline=top * posterior["intercept_contribution"].transpose(*order).to_numpy(),
        noise=top * posterior["y_sigma"].transpose(*order).to_numpy(),
    )


if __name__ == "__main__":
    main()
