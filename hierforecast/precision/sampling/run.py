"""A run of the sampler: warm-up windows and draws as calls of one compiled program, in plain Python around it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hierforecast.options import Sampling
from hierforecast.precision.sampling.chains import Chains, calls_of
from hierforecast.precision.sampling.checkpoint import Checkpoint, fingerprint
from hierforecast.precision.sampling.program import TOLD, LogDensity
from hierforecast.precision.sampling.schedule import warmup_windows

Progress = Callable[[str, int, int], None]

_log = logging.getLogger(__name__)


class Draws(NamedTuple):
    """Draws after warm-up and what the sampler told about them."""

    flat: np.ndarray  # (chains, draws, size)
    energy: np.ndarray  # (chains, draws)
    diverging: np.ndarray  # (chains, draws) bool
    acceptance: np.ndarray  # (chains, draws) share
    leapfrogs: np.ndarray  # (chains, draws) gradients taken
    log_density: np.ndarray  # (chains, draws) of the flat vector, up to a constant
    energy_fraction: np.ndarray  # (chains,) E-BFMI over every step
    step_size: float
    warmup_leapfrogs: int  # gradients taken by all chains before the first draw


def sample(
    log_density: LogDensity,
    data: Any,
    spread: np.ndarray,
    *,
    sampling: Sampling,
    progress: Progress | None = None,
    seed: int | None = None,
    checkpoint: Path | None = None,
) -> Draws:
    """Draw from a density whose flat vector is about a standard normal under the prior.

    Args:
        log_density: a module-level function (chains, size), data -> (chains,) in TensorFlow; compiled once per shapes.
        data: nested tuples of arrays; real numbers become float64, whole ones int32.
        spread: (size,) guess of the posterior sd of every entry, the metric until a window has taught a better one.
        sampling: chains, warm-up, draws, target acceptance, tree depth.
        progress: called with "warm-up" or "draws", steps done and steps in all.
        seed: in place of `sampling.seed`.
        checkpoint: folder for what is done; a run of the same arguments that finds it goes on there, with the draws that
            it would have had. Delete it once the draws are kept elsewhere.
    """
    seed = sampling.seed if seed is None else seed
    name = f"{log_density.__module__}.{log_density.__qualname__}"
    kept = checkpoint and Checkpoint(checkpoint, fingerprint(data, spread, sampling.model_dump_json(), seed, name))
    chains = Chains(log_density, data, spread, sampling, seed, kept or None)
    warmed = _warm_up(chains, sampling, progress)
    chains.freeze_steps()
    steps, done, records = sampling.draws * sampling.steps_per_draw, 0, []
    for call in calls_of(steps):
        records.append(chains.walk(call, depth=sampling.max_tree_depth, adapt=False))
        done += call
        if progress:
            progress("draws", done // sampling.steps_per_draw, sampling.draws)
    drawn = _keep(np.concatenate(records), len(spread), sampling.steps_per_draw, float(chains.step_sizes[0]), warmed)
    _log.info(
        "%d chains x %d draws, step size %.3g, %.1f gradients per draw",
        sampling.chains,
        sampling.draws,
        drawn.step_size,
        drawn.leapfrogs.mean(),
    )
    return drawn


def _warm_up(chains: Chains, sampling: Sampling, progress: Progress | None) -> int:
    """Walk through the windows; returns how many gradients that took."""
    done = leapfrogs = 0
    for window in warmup_windows(sampling.warmup, sampling.max_tree_depth):
        records = []
        for call in calls_of(window.steps):
            records.append(chains.walk(call, depth=window.depth, adapt=True))
            leapfrogs += int(_told(records[-1])["leapfrogs"].sum())
            done += call
            if progress:
                progress("warm-up", done, sampling.warmup)
        if window.learns_metric:
            chains.learn_metric(np.concatenate(records))
    return leapfrogs


def _told(records: np.ndarray) -> dict[str, np.ndarray]:
    """What a step told beside its position and gradient, by name: (steps, chains) each."""
    return dict(zip(TOLD, np.moveaxis(records[..., -len(TOLD) :], -1, 0), strict=True))


def _keep(records: np.ndarray, size: int, steps_per_draw: int, step_size: float, warmed: int) -> Draws:
    """One draw per some steps: the last state of them, and what all of them told."""
    by_chain = {name: values.T for name, values in _told(records).items()}
    grouped = {name: values.reshape(len(values), -1, steps_per_draw) for name, values in by_chain.items()}
    return Draws(
        flat=records[steps_per_draw - 1 :: steps_per_draw, :, :size].swapaxes(0, 1),
        energy=grouped["energy"][..., -1],
        diverging=grouped["diverging"].any(axis=-1),
        acceptance=grouped["acceptance"].mean(axis=-1),
        leapfrogs=grouped["leapfrogs"].sum(axis=-1).astype(int),
        log_density=grouped["log_density"][..., -1],
        energy_fraction=energy_fraction(by_chain["energy"]),
        step_size=step_size,
        warmup_leapfrogs=warmed,
    )


def energy_fraction(energy: np.ndarray) -> np.ndarray:
    """E-BFMI, ``sum (E[n] - E[n-1])^2 / sum (E[n] - mean E)^2``, (chains,) of the (chains, steps) energies of every step.

    Source: Betancourt 2016, arXiv:1604.00695.
    """
    spread = ((energy - energy.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.diff(energy, axis=1) ** 2).sum(axis=1) / spread
