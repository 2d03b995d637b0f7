"""Google Meridian, on JAX or, with MERIDIAN_BACKEND=tensorflow, on TensorFlow.

It traces, compiles and samples in one call. On JAX compiling ends when JAX tells that the sampler's program is compiled or
read from its cache. TensorFlow does not tell, so everything counts as sampling there. What follows the sampler, above all
the effects computed anew from its draws by further programs, is the rest.
"""

import math
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from meridian import backend
from meridian.data.data_frame_input_data_builder import DataFrameInputDataBuilder
from meridian.model.model import Meridian
from meridian.model.prior_distribution import PriorDistribution
from meridian.model.spec import ModelSpec

from benchmarks.precision_sides import problem as beliefs
from benchmarks.precision_sides.problem import DATE, MEMORY, TARGET, Problem, Scalars, read_problem
from benchmarks.precision_sides.reporting import Stopwatch, read_task, write_report

SAMPLER = "windowed_adaptive_nuts"  # in the name of the program


def main() -> None:
    """Sample and report."""
    watch, task = Stopwatch(), read_task()
    watch.mark("import")
    if task.import_only:
        return
    on_jax = backend.config.get_backend() is backend.config.Backend.JAX
    if on_jax:
        import jax

        jax.monitoring.register_event_duration_secs_listener(compilation_listener(watch))
    backend.xla_windowed_adaptive_nuts = watch.ends("sampling", finished(backend.xla_windowed_adaptive_nuts))
    problem = read_problem(task.table)
    model = make_model(problem)
    model.sample_posterior(n_chains=task.chains, n_adapt=task.warmup, n_burnin=0, n_keep=task.draws, seed=task.seed)
    posterior, stats = model.inference_data.posterior, model.inference_data.sample_stats
    names = ("google-meridian", "jax" if on_jax else "tensorflow", "tfp-nightly")
    versions = {name: version(name) for name in names}
    write_report(task, in_units(posterior, problem).stacked(), int(stats["diverging"].sum()), watch, versions)


def compilation_listener(watch: Stopwatch) -> Callable[..., None]:
    """Called by JAX at the end of each trace and compilation."""

    def listen(event: str, _seconds: float, **told: Any) -> None:
        if event.endswith("backend_compile_duration") and SAMPLER in str(told.get("fun_name")):
            watch.mark("compile")

    return listen


def finished(sampler: Callable[..., Any]) -> Callable[..., Any]:
    """The same sampler, waited for: JAX hands over draws before they are there."""

    def wait(**arguments: Any) -> Any:
        drawn = sampler(**arguments)
        np.asarray(drawn.all_states[0])
        return drawn

    return wait


def make_model(problem: Problem) -> Meridian:
    """Meridian scales the target to mean 0 and sd 1, controls likewise, and a medium by its median week on air."""
    media, controls = list(problem.media), list(problem.controls)
    table = problem.table.assign(**{DATE: problem.table[DATE].dt.strftime("%Y-%m-%d")})
    data = (
        DataFrameInputDataBuilder(kpi_type="non_revenue")
        .with_kpi(table, kpi_col=TARGET, time_col=DATE)
        .with_controls(table, control_cols=controls, time_col=DATE)
        .with_media(table, media_cols=media, media_spend_cols=media, media_channels=media, time_col=DATE)
        .build()
    )
    places = [media.index(name) for name in data.media_channel.to_numpy()]
    effect = beliefs.EFFECT_MEDIAN * (median_on_air(problem) / problem.typical)[places]
    tfd, tfb, number = backend.tfd, backend.bijectors, backend.np_float_dtype  # float32 on TensorFlow
    log_rate = tfd.Normal(number(math.log(math.log(2.0) / beliefs.HALF_LIFE_MEDIAN)), number(beliefs.HALF_LIFE_SD))
    # decay = exp(-exp(log_rate)) for a LogNormal half-life of log 2 / exp(log_rate)
    to_decay = tfb.Chain([tfb.Exp(), tfb.Scale(number(-1.0)), tfb.Exp()])
    prior = PriorDistribution(
        knot_values=tfd.Normal(number(0.0), number(beliefs.BASELINE_SD), name="knot_values"),
        beta_m=tfd.LogNormal(np.log(effect).astype(number), number(beliefs.EFFECT_SD), name="beta_m"),
        alpha_m=tfd.TransformedDistribution(log_rate, to_decay, name="alpha_m"),
        gamma_c=tfd.Normal(number(0.0), number(beliefs.CONTROL_SD), name="gamma_c"),
        sigma=tfd.LogNormal(number(math.log(beliefs.NOISE_MEDIAN)), number(beliefs.NOISE_SD), name="sigma"),
    )
    spec = ModelSpec(
        prior=prior,
        media_effects_dist="normal",
        media_prior_type="coefficient",
        max_lag=MEMORY - 1,
        knots=1,
        saturation_spec="none",
    )
    return Meridian(input_data=data, model_spec=spec)


def median_on_air(problem: Problem) -> np.ndarray:
    """(tacticals,)."""
    exposures = problem.exposures
    return np.nanmedian(np.where(exposures > 0, exposures, np.nan), axis=0)


def in_units(posterior: Any, problem: Problem) -> Scalars:
    """Meridian's scaled parameters in the common meaning."""
    sd, media, controls = problem.target_sd, list(problem.media), list(problem.controls)
    return Scalars(
        decay=posterior["alpha_m"].sel(media_channel=media).to_numpy(),
        effect=sd * posterior["beta_gm"].sel(media_channel=media).to_numpy()[..., 0, :] / median_on_air(problem),
        control=sd * posterior["gamma_gc"].sel(control_variable=controls).to_numpy()[..., 0, :],
        baseline=problem.target_mean + sd * posterior["mu_t"].to_numpy()[..., 0],
        noise=sd * posterior["sigma"].to_numpy().reshape(*posterior["sigma"].shape[:2]),
    )


if __name__ == "__main__":
    main()
