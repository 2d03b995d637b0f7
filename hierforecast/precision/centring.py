"""How strongly the data speak about each tactical: the coordinates in which its effect is sampled.

A quick least-squares fit says how precisely each log effect will be known. The answer only chooses coordinates (see
`posterior`), so a rough one costs speed and never bias.
"""

import numpy as np
from scipy.optimize import nnls

from hierforecast.precision.adstock import decay_from_half_life, geometric


def choose_centring(
    target: np.ndarray,
    media: np.ndarray,
    controls: np.ndarray,
    observed: np.ndarray,
    *,
    half_life: np.ndarray,
    scale: float,
) -> np.ndarray:
    """Degree of centring, information / (information + 1 / scale^2), of every tactical.

    The information about log beta_i is ``beta_i^2 |a_i|^2 / noise^2``, with a_i what the other columns leave of its adstock.

    Args:
        target: (weeks,) scaled.
        media: (tacticals, weeks) scaled.
        controls: (weeks, controls) scaled.
        observed: (weeks,) bool.
        half_life: (tacticals,) prior medians in periods.
        scale: prior median of how much tacticals of one parent differ, in logs.

    Returns:
        (tacticals,) in [0, 1).
    """
    carried = geometric(media, decay_from_half_life(half_life))[:, observed].T  # (observed weeks, tacticals)
    others = np.column_stack([np.ones(observed.sum()), controls[observed]])
    carried, target = _residuals(carried, others), _residuals(target[observed, None], others)[:, 0]
    beta, distance = nnls(carried, target)
    freedom = max(len(target) - others.shape[1] - (beta > 0).sum(), 1)
    noise_squared = max(distance**2 / freedom, 1e-6)
    unexplained = np.array([_left_over(carried, column) for column in range(carried.shape[1])])
    information = beta**2 * unexplained / noise_squared
    return information / (information + scale**-2)


def _residuals(columns: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What a least-squares fit on `others` leaves of (weeks, columns)."""
    return columns - others @ np.linalg.lstsq(others, columns, rcond=None)[0]


def _left_over(carried: np.ndarray, column: int) -> float:
    rest = _residuals(carried[:, [column]], np.delete(carried, column, axis=1))
    return float((rest**2).sum())
