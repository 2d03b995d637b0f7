"""The unit that numbers were rounded to, so that what rounding took is not taken for a difference."""

import numpy as np


def unit_of(values: np.ndarray) -> float:
    """1, 0.1, 0.01 ... for finite values that are whole multiples of it; 0 where they are of no such unit."""
    sample = values[:: max(1, len(values) // 1000)]
    close = 1e-9 * max(1.0, float(np.abs(sample).max(initial=0)))
    for digits in range(5):
        if np.allclose(sample, np.round(sample, digits), rtol=0, atol=close):
            return 10.0**-digits
    return 0.0
