"""The No-U-Turn sampler in chunks: one small compiled program, called again and again.

The program runs at most `CHUNK` steps of NUTS (Hoffman & Gelman 2014, JMLR 15:1593) for all chains at once, with
a metric, a step size and the data given as arguments and the state passed in and out. Warm-up windows (Stan reference
manual, "HMC algorithm parameters") are plain Python around it. So nothing is compiled twice for equal shapes, progress
can be shown while it runs, and the compiled program stays small.

The metric enters as a matrix L: with flat = L q the sampler walks in q, where the posterior looks round.
"""

import logging
import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hierforecast.options import Sampling

if TYPE_CHECKING:
    import tensorflow as tf

CHUNK = 25  # steps per call: small enough for progress every fraction of a second, large enough to hide the call
INITIAL_STEP = 0.1
INITIAL_SPREAD = 1.0  # starts are uniform in +-1 prior sd: over-dispersed against most posteriors
# NUTS turns a round posterior by half a circle or so: means mix at once (draws even alternate), but the square of a
# coordinate keeps half of its past, and the R-hat of the spread would fail a bound of 1.01 in one run of six. So every
# second state is kept, and step sizes vary a little from step to step, so that alternating twice is not standing still.
JITTER = 0.1
STEPS_PER_DRAW = 2
# Dual averaging, Hoffman & Gelman 2014, section 3.2.1: their gamma, t0 and kappa.
SHRINKAGE, DELAY, FORGETTING = 0.05, 10.0, 0.75

LogDensity = Callable[["tf.Tensor", Any], "tf.Tensor"]
Progress = Callable[[str, int, int], None]

_log = logging.getLogger(__name__)


class Averaging(NamedTuple):
    """State of the dual averaging of the step size; every entry is a float64 scalar."""

    log_step: Any
    log_step_average: Any
    error_average: Any
    count: Any
    anchor: Any


class Chunk(NamedTuple):
    """What some steps told, first axis the steps."""

    flat: np.ndarray  # (steps, chains, size)
    energy: np.ndarray  # (steps, chains)
    diverging: np.ndarray  # (steps, chains) bool
    acceptance: np.ndarray  # (steps, chains) share
    leapfrogs: np.ndarray  # (steps, chains)


class Draws(NamedTuple):
    """Draws after warm-up and what the sampler told about them."""

    flat: np.ndarray  # (chains, draws, size)
    energy: np.ndarray  # (chains, draws)
    diverging: np.ndarray  # (chains, draws) bool
    acceptance: np.ndarray  # (chains, draws) share
    leapfrogs: np.ndarray  # (chains, draws) gradients taken
    energy_fraction: np.ndarray  # (chains,) E-BFMI over every step
    step_size: float


class Window(NamedTuple):
    """A stretch of warm-up: its number of steps, and whether the metric is learned at its end."""

    steps: int
    learns_metric: bool


def warmup_windows(steps: int) -> list[Window]:
    """Stan's schedule: a start of 75 steps, metric windows of 25 that double, an end of 50; 15/75/10 % when short."""
    start, first, end = (75, 25, 50) if steps >= 150 else (int(0.15 * steps), int(0.75 * steps), int(0.1 * steps))
    windows, left, size = [Window(start, False)], steps - start - end, first
    while left > 0:
        size = left if left < 3 * size else size  # the last window takes what would be too short to double into
        windows.append(Window(size, True))
        left -= size
        size *= 2
    return [*windows, Window(end, False)]


def sample(
    log_density: LogDensity,
    data: Any,
    spread: np.ndarray,
    *,
    sampling: Sampling,
    progress: Progress | None = None,
    seed: int | None = None,
) -> Draws:
    """Draw from a density whose flat vector is about a standard normal under the prior.

    Args:
        log_density: a module-level function (chains, size), data -> (chains,) in TensorFlow; compiled once per shapes.
        data: nested tuples of float64 arrays.
        spread: (size,) guess of the posterior sd of every entry, the metric until a window has taught a better one.
        sampling: chains, warm-up, draws, target acceptance, tree depth.
        progress: called with "warm-up" or "draws", steps done and steps in all.
        seed: in place of `sampling.seed`.
    """
    seed = sampling.seed if seed is None else seed
    rng = np.random.default_rng(seed)
    walker = _Walker(log_density, data, spread, sampling, rng)
    done = 0
    for window in warmup_windows(sampling.warmup):
        chunks = []
        for steps in _chunk_steps(window.steps):
            chunks.append(walker.walk(steps, adapt=True))
            done += steps
            _report(progress, "warm-up", done, sampling.warmup)
        if window.learns_metric:
            walker.learn_metric(np.concatenate([chunk.flat for chunk in chunks]))
    walker.freeze_step()

    chunks, done = [], 0
    for steps in _chunk_steps(sampling.draws * STEPS_PER_DRAW):
        chunks.append(walker.walk(steps, adapt=False))
        done += steps
        _report(progress, "draws", done // STEPS_PER_DRAW, sampling.draws)
    _log.info("%d chains x %d draws, step size %.3g", sampling.chains, sampling.draws, walker.step)
    return _keep(Chunk(*(np.concatenate(parts) for parts in zip(*chunks, strict=True))), walker.step)


def _keep(chunk: Chunk, step_size: float) -> Draws:
    """One draw per STEPS_PER_DRAW steps: its last state, and what all of its steps told."""
    flat, energy, *told = (part.swapaxes(0, 1) for part in chunk)
    diverging, acceptance, leapfrogs = (part.reshape(len(part), -1, STEPS_PER_DRAW) for part in told)
    return Draws(
        flat=flat[:, STEPS_PER_DRAW - 1 :: STEPS_PER_DRAW],
        energy=energy[:, STEPS_PER_DRAW - 1 :: STEPS_PER_DRAW],
        diverging=diverging.any(axis=-1),
        acceptance=acceptance.mean(axis=-1),
        leapfrogs=leapfrogs.sum(axis=-1),
        energy_fraction=energy_fraction(energy),
        step_size=step_size,
    )


def energy_fraction(energy: np.ndarray) -> np.ndarray:
    """E-BFMI, ``sum (E[n] - E[n-1])^2 / sum (E[n] - mean E)^2``, (chains,) of the (chains, steps) energies of every step.

    Source: Betancourt 2016, arXiv:1604.00695.
    """
    spread = ((energy - energy.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.diff(energy, axis=1) ** 2).sum(axis=1) / spread


def _chunk_steps(steps: int) -> list[int]:
    return [CHUNK] * (steps // CHUNK) + ([steps % CHUNK] if steps % CHUNK else [])


def _report(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress:
        progress(stage, done, total)


class _Walker:
    """The chains between two calls of the program: where they are, their metric and step size."""

    def __init__(
        self, log_density: LogDensity, data: Any, spread: np.ndarray, sampling: Sampling, rng: np.random.Generator
    ) -> None:
        import tensorflow as tf

        self._advance = compiled_program(log_density, sampling.max_tree_depth)
        self._data = tf.nest.map_structure(lambda array: tf.constant(array, tf.float64), data)
        self._rng = rng
        self._target = sampling.target_acceptance
        self._flat = rng.uniform(-INITIAL_SPREAD, INITIAL_SPREAD, (sampling.chains, len(spread)))
        self._metric = np.diag(spread)
        self._averaging = _start_averaging(INITIAL_STEP)

    @property
    def step(self) -> float:
        return math.exp(self._averaging.log_step)

    def walk(self, steps: int, *, adapt: bool) -> Chunk:
        """Take at most CHUNK steps; the step size learns where `adapt` is set."""
        seed = self._rng.integers(0, 2**31 - 1, 2).astype(np.int32)
        state = np.linalg.solve(self._metric, self._flat.T).T
        numbers = (state, self._metric, self._averaging, float(adapt), self._target)
        averaging, chunk = self._advance(*_as_float64(numbers), seed, np.int32(steps), self._data)
        self._averaging = Averaging(*(float(value) for value in averaging))
        chunk = Chunk(*(part.numpy()[:steps] for part in chunk))
        self._flat = chunk.flat[-1]
        return chunk

    def learn_metric(self, flat: np.ndarray) -> None:
        """Take the metric from (steps, chains, size) draws, and look for a step size anew."""
        self._metric = np.linalg.cholesky(regularised_covariance(flat.reshape(-1, flat.shape[-1])))
        # A round posterior of d dimensions is walked with steps of about d^(-1/4).
        self._averaging = _start_averaging(flat.shape[-1] ** -0.25)

    def freeze_step(self) -> None:
        """Use the average of the step sizes from now on."""
        self._averaging = self._averaging._replace(log_step=self._averaging.log_step_average)


def regularised_covariance(draws: np.ndarray) -> np.ndarray:
    """Covariance of (draws, size), drawn to its diagonal while there are few draws for its size.

    Stan's rule towards a small multiple of the identity, and correlations shrunk by n / (n + 5 size): a dense metric
    from too few draws would be worse than none.
    """
    count, size = draws.shape
    covariance = np.cov(draws, rowvar=False).reshape(size, size)
    variances = np.diag(np.diag(covariance))
    shrunk = variances + (covariance - variances) * count / (count + 5 * size)
    return shrunk * count / (count + 5) + 1e-3 * np.eye(size) * 5 / (count + 5)


def _start_averaging(step: float) -> Averaging:
    return Averaging(math.log(step), math.log(step), 0.0, 0.0, math.log(10 * step))


def _as_float64(numbers: Any) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(lambda number: tf.constant(number, tf.float64), numbers)


@cache
def compiled_program(log_density: LogDensity, max_tree_depth: int) -> Callable[..., Any]:
    """The one XLA program: steps of NUTS for all chains. One compilation per shapes of its arguments."""
    import tensorflow as tf
    import tensorflow_probability as tfp

    def advance(
        state: tf.Tensor,  # (chains, size) in the metric's coordinates
        metric: tf.Tensor,  # (size, size) lower triangular
        averaging: Averaging,
        adapt: tf.Tensor,  # 1.0 or 0.0
        target: tf.Tensor,  # acceptance aimed at
        seed: tf.Tensor,  # (2,) int32
        steps: tf.Tensor,  # () int32, at most CHUNK
        data: Any,
    ) -> tuple[Averaging, Chunk]:
        def density(walked: tf.Tensor) -> tf.Tensor:
            return log_density(tf.matmul(walked, metric, transpose_b=True), data)

        kernel = tfp.mcmc.NoUTurnSampler(density, step_size=tf.exp(averaging.log_step), max_tree_depth=max_tree_depth)
        chains, size = state.shape
        records = [
            tf.TensorArray(dtype, CHUNK, element_shape=shape, clear_after_read=False)
            for dtype, shape in (
                (tf.float64, (chains, size)),
                (tf.float64, (chains,)),
                (tf.bool, (chains,)),
                (tf.float64, (chains,)),
                (tf.int32, (chains,)),
            )
        ]

        def body(i: tf.Tensor, state: tf.Tensor, told: Any, averaging: Averaging, records: Any) -> tuple:
            now = tf.random.experimental.stateless_fold_in(seed, i)
            jitter = tf.random.stateless_uniform((), now, 1.0 - JITTER, 1.0 + JITTER, tf.float64)
            told = told._replace(step_size=jitter * tf.exp(averaging.log_step))
            state, told = kernel.one_step(state, told, seed=now)
            acceptance = tf.exp(tf.minimum(told.log_accept_ratio, 0.0))
            acceptance = tf.where(tf.math.is_finite(acceptance), acceptance, tf.zeros_like(acceptance))
            learned = _average(averaging, tf.reduce_mean(acceptance), target)
            averaging = Averaging(*(tf.where(adapt > 0, new, old) for new, old in zip(learned, averaging, strict=True)))
            values = (state, told.energy, told.has_divergence, acceptance, told.leapfrogs_taken)
            records = [record.write(i, value) for record, value in zip(records, values, strict=True)]
            return i + 1, state, told, averaging, records

        start = (tf.constant(0), state, kernel.bootstrap_results(state), averaging, records)
        _, _, _, averaging, records = tf.while_loop(lambda i, *_: i < steps, body, start, maximum_iterations=CHUNK)
        walked, *rest = (record.stack() for record in records)
        return averaging, Chunk(tf.matmul(walked, metric, transpose_b=True), *rest)

    return tf.function(advance, jit_compile=True, autograph=False)


def _average(state: Averaging, acceptance: "tf.Tensor", target: "tf.Tensor") -> Averaging:
    """One update of the step size towards the target acceptance, mean over chains."""
    import tensorflow as tf

    count = state.count + 1.0
    error = state.error_average + (target - acceptance - state.error_average) / (count + DELAY)
    log_step = state.anchor - tf.sqrt(count) / SHRINKAGE * error
    weight = count**-FORGETTING
    return Averaging(log_step, weight * log_step + (1.0 - weight) * state.log_step_average, error, count, state.anchor)
