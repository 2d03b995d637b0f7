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
