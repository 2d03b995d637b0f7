"""Noise of series is shrunk to the common one."""

import numpy as np
import pytest

from hierforecast.hiref.intervals.noise import series_noise


def test_noise_of_a_short_series_leans_on_the_others():
    rng = np.random.default_rng(0)
    series = np.concatenate([np.zeros(1000, dtype=int), np.ones(2, dtype=int)])
    residuals = np.concatenate([rng.normal(0, 1.0, 1000), [0.0, 0.0]])
    noise = series_noise(residuals, series, 3)
    assert noise[0] == pytest.approx(1.0, abs=0.1)
    assert 0.8 < noise[1] < 1.0
    assert noise[2] == pytest.approx(np.sqrt((residuals**2).mean()))
