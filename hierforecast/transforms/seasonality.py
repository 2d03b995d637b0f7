"""The yearly pattern as a few smooth waves."""

import numpy as np

DAYS_PER_YEAR = 365.25


def fourier(dates: np.ndarray, pairs: int) -> np.ndarray:
    """``cos(2 pi k d / 365.25), sin(2 pi k d / 365.25)`` for k = 1 .. pairs, d in days since 1970.

    Args:
        dates: (periods,) datetime64 of any unit.
        pairs: how many waves per year; 0 gives no column.

    Returns:
        (periods, 2 * pairs): cosine and sine of the first wave, then of the second, and so on.

    Source: Harvey and Shephard (1993), Structural Time Series Models, Handbook of Statistics 11.
    """
    days = np.asarray(dates).astype("datetime64[D]").astype(float)
    angle = 2 * np.pi * days[:, None] / DAYS_PER_YEAR * np.arange(1, pairs + 1)  # (periods, pairs)
    return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(len(days), 2 * pairs)
