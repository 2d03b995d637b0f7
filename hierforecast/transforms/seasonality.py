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


def within_month(dates: np.ndarray, pairs: int, *, days: int = 1) -> np.ndarray:
    """``cos(2 pi k m), sin(2 pi k m)`` for k = 1 .. pairs, m the share of its month gone by: pay days, for one.

    Args:
        dates: (periods,) datetime64 of any unit, the first day of each period.
        pairs: how many waves per month; 0 gives no column.
        days: a period's length; the waves are averaged over its days.

    Returns:
        (periods, 2 * pairs): cosine and sine of the first wave, then of the second, and so on.
    """
    day = np.asarray(dates).astype("datetime64[D]")[:, None] + np.arange(days)  # (periods, days)
    month = day.astype("datetime64[M]")
    first, next_first = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
    gone = (day - first).astype(float) / (next_first - first).astype(float)
    angle = 2 * np.pi * gone[..., None] * np.arange(1, pairs + 1)  # (periods, days, pairs)
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=3).mean(axis=1)
    return waves.reshape(len(day), 2 * pairs)
