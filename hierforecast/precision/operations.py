"""The few functions that draws in NumPy and chains in TensorFlow share their formulas through."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hierforecast.precision.engine import tensorflow


class Operations(NamedTuple):
    """One array library's functions; all work on the last axis where they need one."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    log1p: Callable[[Any], Any]
    log_gamma: Callable[[Any], Any]
    take: Callable[[Any, Any], Any]  # (..., n), (m,) integers -> (..., m)
    split: Callable[[Any, Any], Any]  # (..., n), sizes -> one piece per size
    where: Callable[[Any, Any, Any], Any]

    def logistic(self, value: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return 1.0 / (1.0 + self.exp(-value))

    def tanh(self, value: Any) -> Any:
        """The hyperbolic tangent."""
        return 2.0 * self.logistic(2.0 * value) - 1.0


@cache
def in_numpy() -> Operations:
    """For draws."""
    from scipy.special import gammaln

    def take(values: np.ndarray, places: np.ndarray) -> np.ndarray:
        return values[..., places]

    def split(values: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
        return np.split(values, np.cumsum(sizes)[:-1], axis=-1)

    return Operations(np.exp, np.log, np.log1p, gammaln, take, split, np.where)


@cache
def in_tensorflow() -> Operations:
    """For chains."""
    tf = tensorflow()

    def take(values: Any, places: Any) -> Any:
        return tf.gather(values, places, axis=-1)

    def split(values: Any, sizes: list[int]) -> Any:
        return tf.split(values, sizes, axis=-1)

    return Operations(tf.exp, tf.math.log, tf.math.log1p, tf.math.lgamma, take, split, tf.where)
