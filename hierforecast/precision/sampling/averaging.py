"""Dual averaging of the step size, every chain its own: Hoffman & Gelman 2014 (JMLR 15:1593), section 3.2.1."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

SHRINKAGE, DELAY, FORGETTING = 0.05, 10.0, 0.75  # their gamma, t0 and kappa


class Averaging(NamedTuple):
    """State of the averaging; every entry is (chains,)."""

    log_step: Any
    log_step_average: Any
    error_average: Any
    count: Any
    anchor: Any


def begin_averaging(step: float, chains: int) -> Averaging:
    """Start from a step size that may be wrong by an order of magnitude."""
    log_step, zero = np.full(chains, math.log(step)), np.zeros(chains)
    return Averaging(log_step, log_step, zero, zero, log_step + math.log(10.0))


def average(state: Averaging, acceptance: "tf.Tensor", target: "tf.Tensor", learns: "tf.Tensor") -> Averaging:
    """One update towards the target acceptance, for the chains that learn."""
    import tensorflow as tf

    count = state.count + 1.0
    error = state.error_average + (target - acceptance - state.error_average) / (count + DELAY)
    log_step = state.anchor - tf.sqrt(count) / SHRINKAGE * error
    weight = count**-FORGETTING
    learned = (log_step, weight * log_step + (1.0 - weight) * state.log_step_average, error, count, state.anchor)
    return Averaging(*(tf.where(learns, new, old) for new, old in zip(learned, state, strict=True)))
