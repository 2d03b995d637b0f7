"""Carry-over: part of an exposure's effect arrives in later periods."""

import numpy as np


def geometric(exposure: np.ndarray, decay: float, *, initial: np.ndarray | float = 0.0) -> np.ndarray:
    """``a[t] = (1 - decay) x[t] + decay a[t-1]``: a constant exposure is kept as it is, so units stay the driver's.

    Args:
        exposure: (periods, ...) in the driver's unit, no missing values.
        decay: share carried from one period to the next, 0 <= decay < 1.
        initial: (...) the carried exposure just before the first period; 0 means that nothing went before.

    Returns:
        (periods, ...) carried exposure; its last row is the `initial` of the periods that follow.

    Source: Broadbent (1979), One way TV advertisements work, Journal of the Market Research Society 21(3).
    """
    exposure = np.asarray(exposure, dtype=float)
    carried = np.empty_like(exposure)
    state = np.broadcast_to(np.asarray(initial, dtype=float), exposure.shape[1:])
    for period, exposed in enumerate(exposure):
        state = (1 - decay) * exposed + decay * state
        carried[period] = state
    return carried


def weibull_weights(shape: float, scale: float, periods: int) -> np.ndarray:
    """``w[k] ~ exp(-(k / scale)^shape) - exp(-((k + 1) / scale)^shape)``: the Weibull law's share of each period.

    Args:
        shape: dimensionless, > 0; 1 is geometric, above 1 the effect peaks after the exposure.
        scale: periods, > 0; after so many periods 63 % of the effect has come.
        periods: how many weights.

    Returns:
        (periods,) from the period of the exposure on, scaled to sum to 1.

    Source: Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects, Google, for delayed
    carry-over; the law of Weibull (1951), A statistical distribution function of wide applicability, J. Appl. Mech. 18.
    """
    survival = np.exp(-((np.arange(periods + 1) / scale) ** shape))
    return -np.diff(survival) / (1.0 - survival[-1])


def weighted(exposure: np.ndarray, weights: np.ndarray, *, before: np.ndarray | None = None) -> np.ndarray:
    """``a[t] = sum_k weights[k] x[t-k]``: carry-over of finite reach; weights that sum to 1 keep the driver's unit.

    Args:
        exposure: (periods, ...) in the driver's unit, no missing values.
        weights: (reach,) from the period of the exposure on.
        before: (reach - 1, ...) exposure of the periods just before the first, oldest first; None means there was none.

    Returns:
        (periods, ...) carried exposure.
    """
    exposure = np.asarray(exposure, dtype=float)
    if before is None:
        before = np.zeros((len(weights) - 1, *exposure.shape[1:]))
    whole, length = np.concatenate([before, exposure]), len(exposure)
    carried = np.zeros_like(exposure)
    for back, weight in enumerate(weights):
        start = len(weights) - 1 - back
        carried += weight * whole[start : start + length]
    return carried
