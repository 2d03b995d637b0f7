"""The chains between two calls of the program: where they stand, their metric and their step sizes."""

from typing import Any

import numpy as np

from hierforecast.options import Sampling
from hierforecast.precision.engine import tensorflow
from hierforecast.precision.sampling.averaging import Averaging, begin_averaging
from hierforecast.precision.sampling.checkpoint import Checkpoint, Standing
from hierforecast.precision.sampling.metric import fisher_metric
from hierforecast.precision.sampling.program import CHUNK, Adaptation, LogDensity, compiled_program, draw_luck
from hierforecast.precision.sampling.reference import tfp_program

INITIAL_STEP, LATER_STEP = 0.1, 0.5  # in coordinates that are a guess, and in learned ones
INITIAL_SPREAD = 1.0  # starts are uniform in +-1 prior sd: over-dispersed against most posteriors


class Chains:
    """All chains of a run.

    Args:
        log_density: of the flat vector.
        data: its second argument, nested tuples of arrays.
        spread: (size,) guess of the posterior's sds.
        sampling: chains, target acceptance, depth.
        seed: decides starts and draws.
        checkpoint: where finished calls are kept and found.
    """

    def __init__(
        self,
        log_density: LogDensity,
        data: Any,
        spread: np.ndarray,
        sampling: Sampling,
        seed: int,
        checkpoint: Checkpoint | None,
    ) -> None:
        compile_program = compiled_program if sampling.kernel == "own" else tfp_program
        self._advance, self._max_depth = compile_program(log_density, sampling.max_tree_depth), sampling.max_tree_depth
        self._data = tensorflow().nest.map_structure(lambda part: None if part is None else as_tensor(part), data)
        self._target, self._seed, self._checkpoint = sampling.target_acceptance, seed, checkpoint
        starts = np.random.default_rng(seed).uniform(-INITIAL_SPREAD, INITIAL_SPREAD, (sampling.chains, len(spread)))
        self._standing = Standing(starts, np.diag(spread), begin_averaging(INITIAL_STEP, sampling.chains))
        self._calls = 0

    @property
    def step_sizes(self) -> np.ndarray:
        """(chains,) before jitter."""
        return np.exp(self._standing.averaging.log_step)

    @property
    def gradients_are_at(self) -> slice:
        """Which columns of the records are gradients; the positions are as many before them."""
        size = self._standing.flat.shape[1]
        return slice(size, 2 * size)

    def walk(self, steps: int, *, depth: int, adapt: bool) -> np.ndarray:
        """Take at most CHUNK draws of every chain; (steps, chains, columns) records. Step sizes learn where `adapt` is set."""
        kept = self._checkpoint and self._checkpoint.read(self._calls)
        if kept:
            records, self._standing = kept
        else:
            records = self._call(steps, depth, adapt)
            if self._checkpoint:
                self._checkpoint.write(self._calls, records, self._standing)
        self._calls += 1
        return records

    def learn_metric(self, records: np.ndarray) -> None:
        """Take the metric from the records of a window, and look for step sizes anew."""
        size = self._standing.flat.shape[1]
        rows = records.reshape(-1, records.shape[-1])
        metric = fisher_metric(rows[:, :size], rows[:, self.gradients_are_at])
        self._standing = self._standing._replace(metric=metric, averaging=begin_averaging(LATER_STEP, len(self._standing.flat)))

    def freeze_steps(self) -> None:
        """One step size for all chains from now on: the mean of what they settled at."""
        averaging = self._standing.averaging
        common = np.full_like(averaging.log_step, averaging.log_step_average.mean())
        self._standing = self._standing._replace(averaging=averaging._replace(log_step=common))

    def _call(self, steps: int, depth: int, adapt: bool) -> np.ndarray:
        flat, metric, averaging = self._standing
        walked = np.linalg.solve(metric, flat.T).T
        adaptation = Adaptation(float(adapt), self._target, steps, depth)
        luck = draw_luck((self._seed, self._calls + 1), *flat.shape, self._max_depth)
        numbers = tensorflow().nest.map_structure(as_tensor, (walked, metric, averaging, adaptation, luck))
        averaging, records = self._advance(*numbers, self._data)
        records = records.numpy()[:steps]
        # The program knows gradients in the metric's coordinates.
        size = flat.shape[1]
        pulls = records[..., self.gradients_are_at].reshape(-1, size)
        records[..., self.gradients_are_at] = np.linalg.solve(metric.T, pulls.T).T.reshape(*records.shape[:-1], size)
        averaging = Averaging(*(value.numpy() for value in averaging))
        self._standing = Standing(records[-1, :, :size], metric, averaging)
        return records


def calls_of(steps: int) -> list[int]:
    """So many steps in calls of at most CHUNK."""
    return [CHUNK] * (steps // CHUNK) + ([steps % CHUNK] if steps % CHUNK else [])


def as_tensor(value: Any) -> Any:
    """float64 for real numbers, int32 for whole ones."""
    array = np.asarray(value)
    return tensorflow().constant(array, "float64" if array.dtype.kind == "f" else "int32")
