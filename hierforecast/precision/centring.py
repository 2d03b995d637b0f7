"""How strongly the data speak about each tactical: the coordinates in which its effect is sampled.

A quick least-squares fit says how precisely each log effect will be known. The answer only chooses coordinates (see
`posterior`), so a rough one costs speed and never bias.
"""

import numpy as np

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

    The information about log beta_i is ``(beta_i^2 + se_i^2) / se_i^2``, with carry-over at the prior's medians.

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
    carried = geometric(media, decay_from_half_life(half_life))
    columns = np.column_stack([carried.T, np.ones(len(target)), controls])[observed]
    fit, *_ = np.linalg.lstsq(columns, target[observed], rcond=None)
    residuals = target[observed] - columns @ fit
    noise_squared = residuals @ residuals / max(len(residuals) - columns.shape[1], 1)
    inverse = np.linalg.pinv(columns.T @ columns, hermitian=True).diagonal()[: len(media)]
    error_squared = np.maximum(noise_squared * inverse, 1e-12)
    beta = np.maximum(fit[: len(media)], 0.0)
    information = beta**2 / error_squared + 1.0
    return information / (information + scale**-2)
