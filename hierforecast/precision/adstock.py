"""Geometric adstock: how an exposure's effect carries over to later weeks.

    a[t] = (1 - decay) * (x[t] + decay * x[t-1] + decay^2 * x[t-2] + ...)

The weights sum to one, so units are kept and a coefficient means the whole effect of an exposure. Memory is exact and
infinite. `geometric` is the NumPy reference, which also continues from a state; `geometric_tf` is its twin inside the
compiled sampler.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


def decay_from_half_life(half_life: np.ndarray) -> np.ndarray:
    """``decay = 2**(-1 / half_life)``: the share carried to the next period, for half-lives in periods."""
    return np.exp2(-1.0 / np.asarray(half_life, dtype=float))


def half_life_from_decay(decay: np.ndarray) -> np.ndarray:
    """``half_life = -1 / log2(decay)``, in periods; 0 where nothing is carried over."""
    with np.errstate(divide="ignore"):
        return -1.0 / np.log2(np.asarray(decay, dtype=float))


def geometric(exposure: np.ndarray, decay: np.ndarray, start: np.ndarray | float = 0.0) -> np.ndarray:
    """Normalised geometric adstock, one step after another.

    Args:
        exposure: (tacticals, weeks) or with leading dimensions.
        decay: (..., tacticals) shares in [0, 1); leading dimensions are draws.
        start: (..., tacticals) adstock of the week before the first; 0 for media that start with the data.

    Returns:
        (..., tacticals, weeks) in the exposure's unit. Its last week is the `start` of the weeks that follow.
    """
    decay = np.asarray(decay, dtype=float)
    exposure = np.asarray(exposure, dtype=float)
    carried = np.empty(np.broadcast_shapes(exposure.shape, (*decay.shape, exposure.shape[-1])))
    state = np.asarray(start, dtype=float)
    for week in range(exposure.shape[-1]):
        state = (1 - decay) * exposure[..., week] + decay * state
        carried[..., week] = state
    return carried


def geometric_tf(exposure: "tf.Tensor", decay: "tf.Tensor") -> "tf.Tensor":
    """The same by repeated doubling: x <- x + w shift(x, k); w <- w^2; k <- 2k, log2(weeks) fused steps.

    After j steps x holds the sum over the last 2^j weeks, so the last step makes the memory reach the first week.

    Args:
        exposure: (tacticals, weeks).
        decay: (chains, tacticals) shares in [0, 1).

    Returns:
        (chains, tacticals, weeks) in the exposure's unit, starting from nothing before the first week.
    """
    import tensorflow as tf

    weeks = exposure.shape[-1]
    weight = decay[..., None]  # (chains, tacticals, 1)
    carried = (1 - weight) * exposure
    reach = 1
    while reach < weeks:
        shifted = tf.pad(carried[..., :-reach], [[0, 0]] * (len(carried.shape) - 1) + [[reach, 0]])
        carried = carried + weight * shifted
        weight = weight * weight
        reach *= 2
    return carried
