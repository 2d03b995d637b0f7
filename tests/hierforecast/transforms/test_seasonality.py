"""Laws of the yearly waves."""

import numpy as np
import pandas as pd

from hierforecast.transforms.seasonality import fourier


def test_waves_return_after_a_year_and_average_to_nothing():
    days = pd.date_range("2020-01-01", periods=4 * 1461, freq="D").to_numpy()
    waves = fourier(days, 3)
    assert waves.shape == (len(days), 6)
    np.testing.assert_allclose(waves[:1000], waves[1461:2461], atol=1e-9)  # four years are a whole number of days
    np.testing.assert_allclose(waves.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(waves.T @ waves / len(days), np.eye(6) / 2, atol=1e-9)


def test_no_pairs_give_no_columns():
    assert fourier(pd.date_range("2024-01-01", periods=3).to_numpy(), 0).shape == (3, 0)
