"""How noisy each series is: the scale that its errors are measured by."""

import numpy as np

NOISE_ROWS = 10.0  # rows' worth of doubt before a series' noise departs from the common one


def noise_of(squares: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Noise sd per series, (series,), from summed squared residuals and rows; shrunk to the common one."""
    common = squares.sum() / max(counts.sum(), 1.0)
    return np.sqrt(np.maximum((squares + NOISE_ROWS * common) / (counts + NOISE_ROWS), 1e-300))


def series_noise(residuals: np.ndarray, series: np.ndarray, count: int) -> np.ndarray:
    """`noise_of` (rows,) residuals of (rows,) series."""
    return noise_of(np.bincount(series, residuals**2, count), np.bincount(series, minlength=count).astype(float))
