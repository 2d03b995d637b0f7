"""TensorFlow Probability's No-U-Turn kernel in the place of ours: slower to compile and to walk, and nobody's but its own.

It takes the same arguments and tells the same records as `program.compiled_program`, so a run differs in nothing but the
trajectories. It is what ours is tested against, and what `sampling.kernel: tfp` chooses.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from hierforecast.precision.engine import tensorflow
from hierforecast.precision.sampling.averaging import Averaging, average
from hierforecast.precision.sampling.program import CHUNK, JITTER, TOLD, Adaptation, LogDensity, Luck

if TYPE_CHECKING:
    import tensorflow as tf


@cache
def tfp_program(log_density: LogDensity, max_depth: int) -> Callable[..., Any]:
    """Compile once per density, depth and shapes; a call's own depth is not obeyed, trees grow to `max_depth`."""
    tf = tensorflow()
    import tensorflow_probability as tfp

    def advance(
        start: "tf.Tensor", metric: "tf.Tensor", averaging: Averaging, adaptation: Adaptation, luck: Luck, data: Any
    ) -> tuple[Averaging, "tf.Tensor"]:
        chains, size = start.shape

        def density(position: "tf.Tensor") -> "tf.Tensor":
            return log_density(tf.matmul(position, metric, transpose_b=True), data)

        kernel = tfp.mcmc.NoUTurnSampler(density, step_size=tf.exp(averaging.log_step)[:, None], max_tree_depth=max_depth)
        records = tf.TensorArray(tf.float64, CHUNK, element_shape=(chains, 2 * size + len(TOLD)))

        def body(step: "tf.Tensor", state: "tf.Tensor", told: Any, averaging: Averaging, records: Any) -> tuple:
            jitter = 1.0 + JITTER * (2.0 * luck.paces[step] - 1.0)
            told = told._replace(step_size=(jitter * tf.exp(averaging.log_step))[:, None])
            state, told = kernel.one_step(state, told, seed=luck.seed + step)
            share = tf.exp(tf.minimum(told.log_accept_ratio, 0.0))
            share = tf.where(tf.math.is_finite(share), share, tf.zeros_like(share))
            averaging = average(averaging, share, adaptation.target, tf.fill((chains,), adaptation.learns > 0))
            numbers = (told.energy, told.has_divergence, share, told.leapfrogs_taken, told.target_log_prob)
            stated = tf.stack([tf.cast(number, tf.float64) for number in numbers], axis=-1)
            gradient = told.grads_target_log_prob[0]
            record = tf.concat([tf.matmul(state, metric, transpose_b=True), gradient, stated], axis=-1)
            return step + 1, state, told, averaging, records.write(step, record)

        state = (tf.constant(0), start, kernel.bootstrap_results(start), averaging, records)
        *_, averaging, records = tf.while_loop(lambda *now: now[0] < adaptation.steps, body, state, maximum_iterations=CHUNK)
        return averaging, records.stack()

    return tf.function(advance, jit_compile=True, autograph=False)
