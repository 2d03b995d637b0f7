"""Geometric adstock: how an exposure's effect carries over to later weeks.

    a[t] = sum_k w_k x[t-k],   w_k = (1 - decay) decay^k                         all weeks, the memory is exact
                               w_k = (1 - decay) decay^k / (1 - decay^memory)    k < memory, a window

The weights sum to one, so units are kept and a coefficient means the whole effect of an exposure. `geometric` is NumPy for
draws; `geometric_tf` and `windowed_tf` are its twins inside the compiled sampler.

Source: Broadbent (1979), One way TV advertisements work, Journal of the Market Research Society 21(3).
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


TINY = 1e-30  # keeps the log of a decay of none finite


def decay_from_half_life(half_life: np.ndarray) -> np.ndarray:
    """``decay = 2**(-1 / half_life)``: the share carried to the next period, for half-lives in periods."""
    return np.exp2(-1.0 / np.asarray(half_life, dtype=float))


def half_life_from_decay(decay: np.ndarray) -> np.ndarray:
    """``half_life = -1 / log2(decay)``, in periods; 0 where nothing is carried over."""
    with np.errstate(divide="ignore"):
        return -1.0 / np.log2(np.asarray(decay, dtype=float))


def geometric(exposure: np.ndarray, decay: np.ndarray, *, memory: int | None = None) -> np.ndarray:
    """Normalised geometric adstock of weeks that start from nothing.

    Args:
        exposure: (weeks,), or with leading dimensions that broadcast with the decays'.
        decay: (...) shares in [0, 1): draws, tacticals or both.
        memory: weeks that an exposure acts on, its own included; None: all.

    Returns:
        (..., weeks) in the exposure's unit.
    """
    decay = np.asarray(decay, dtype=float)[..., None]
    exposure = np.asarray(exposure, dtype=float)
    weeks = exposure.shape[-1]
    carried = np.broadcast_to(exposure, np.broadcast_shapes(exposure.shape, (*decay.shape[:-1], weeks)))
    if memory is not None and memory < weeks:
        return _windowed(carried, decay, memory)
    total = carried.copy()  # repeated doubling: after j steps the sum over the last 2^j weeks
    weight, reach = decay, 1
    while reach < weeks:
        total[..., reach:] += weight * total[..., :-reach].copy()
        weight, reach = weight * weight, reach * 2
    return total * (1.0 - decay) / (1.0 if memory is None else 1.0 - decay**memory)


def _windowed(exposure: np.ndarray, decay: np.ndarray, memory: int) -> np.ndarray:
    carried = np.zeros(exposure.shape)
    for back in range(memory):
        carried[..., back:] += decay**back * exposure[..., : exposure.shape[-1] - back]
    return carried * (1.0 - decay) / (1.0 - decay**memory)


def geometric_tf(exposure: "tf.Tensor", decay: "tf.Tensor") -> "tf.Tensor":
    """Exact memory by repeated doubling: x <- x + w shift(x, k); w <- w^2; k <- 2k, log2(weeks) fused steps.

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


def window_weights_tf(decay: "tf.Tensor", memory: int) -> "tf.Tensor":
    """The weights w_k of a window, (chains, tacticals, memory); they sum to one."""
    import tensorflow as tf

    back = tf.range(memory, dtype=decay.dtype)
    weights = tf.exp(back * tf.math.log(decay + TINY)[..., None])
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def lagged(exposure: np.ndarray, memory: int) -> np.ndarray:
    """(tacticals, memory, weeks): every tactical's exposure k weeks ago, 0 before the first week."""
    shifted = np.zeros((len(exposure), memory, exposure.shape[1]))
    for back in range(min(memory, exposure.shape[1])):
        shifted[:, back, back:] = exposure[:, : exposure.shape[1] - back]
    return shifted
