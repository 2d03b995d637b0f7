"""What trend and season leave of a column: the residual of a regression on a wave basis, series by series.

    x'[t] = x[t] - (a + b t + sum over p = 1 .. pairs of c_p sin(2 pi p t / year) + d_p cos(2 pi p t / year))

with as many pairs, at most 4, as half years of data allow, and three pairs within the week for daily data of eight weeks.
"""

import numpy as np

from hierforecast.schema import Frequency

YEAR = {"day": 365.25, "week": 365.25 / 7, "month": 12.0}  # periods
MIN_WEEKS = 16  # fewer agree by chance once a trend is taken off
_PAIRS, _WEEKLY = 4, 3


def waves(periods: np.ndarray, known: np.ndarray, frequency: Frequency) -> np.ndarray:
    """(series, weeks, terms) basis of trend and season; 0 in terms that a series is too short for.

    Args:
        periods: (series, weeks) numbers on the grid.
        known: (series, weeks) the cells that count.
        frequency: of the panel.
    """
    counts = known.sum(axis=1)
    time = (periods - periods[:, :1]) / YEAR[frequency]
    centred = time - time.mean(axis=1, keepdims=True)
    columns = [np.ones(time.shape), centred]
    for pair in range(1, _PAIRS + 1):
        allowed = (counts >= pair * YEAR[frequency] / 2) & (counts >= 4 * (2 + 2 * pair))
        columns += _wave(2 * np.pi * pair * time, allowed)
    for pair in range(1, _WEEKLY + 1) if frequency == "day" else ():
        columns += _wave(2 * np.pi * pair * (periods % 7) / 7, counts >= 56)
    return np.stack(columns, axis=2)


def _wave(angle: np.ndarray, allowed: np.ndarray) -> list[np.ndarray]:
    return [np.where(allowed[:, None], wave(angle), 0.0) for wave in (np.sin, np.cos)]


def residual(values: np.ndarray, basis: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What the basis leaves of (series, columns, weeks) values; NaN stays NaN, and rounding becomes 0.

    The fit is over the cells of `known`; a column's own holes count as its mean there.
    """
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=2), 1)
    means = np.where(finite, values, 0.0).sum(axis=2) / count
    centred = np.where(finite, values - means[:, :, None], 0.0)
    counted = basis * known[:, :, None]
    gram = counted.transpose(0, 2, 1) @ basis
    size = np.einsum("sii->si", gram)
    ridge = np.where(size > 0, 1e-9 * size, 1.0)[:, :, None] * np.eye(gram.shape[1])
    weights = np.linalg.solve(gram + ridge, (centred @ counted).transpose(0, 2, 1))
    left = centred - (basis @ weights).transpose(0, 2, 1)
    spread = np.abs(centred).max(axis=2, keepdims=True)
    kept = np.abs(np.where(finite, left, 0.0)).max(axis=2, keepdims=True)
    return np.where(finite, np.where(kept > 1e-6 * spread, left, 0.0), np.nan)


def spare(basis: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(series,) cells per degree of freedom that the basis leaves."""
    terms, cells = (basis != 0).any(axis=1).sum(axis=1), known.sum(axis=1)
    return (cells - 1) / np.maximum(cells - terms, 1)
