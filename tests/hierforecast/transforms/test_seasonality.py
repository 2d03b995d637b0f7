"""Laws of the yearly waves."""

import numpy as np
import pandas as pd

from hierforecast.transforms.seasonality import fourier, within_month


def test_waves_return_after_a_year_and_average_to_nothing():
    days = pd.date_range("2020-01-01", periods=4 * 1461, freq="D").to_numpy()
    waves = fourier(days, 3)
    assert waves.shape == (len(days), 6)
    np.testing.assert_allclose(waves[:1000], waves[1461:2461], atol=1e-9)  # four years are a whole number of days
    np.testing.assert_allclose(waves.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(waves.T @ waves / len(days), np.eye(6) / 2, atol=1e-9)


def test_no_pairs_give_no_columns():
    assert fourier(pd.date_range("2024-01-01", periods=3).to_numpy(), 0).shape == (3, 0)


def test_monthly_waves_return_every_month_whatever_its_length():
    firsts = pd.date_range("2023-01-01", periods=24, freq="MS").to_numpy()
    np.testing.assert_allclose(within_month(firsts, 2), np.tile([1.0, 0.0, 1.0, 0.0], (24, 1)), atol=1e-12)
    days = pd.date_range("2023-01-01", "2023-12-31").to_numpy()
    daily = pd.DataFrame(within_month(days, 2)).groupby(pd.DatetimeIndex(days).month).mean()
    np.testing.assert_allclose(daily, 0.0, atol=1e-12)


def test_a_week_takes_the_mean_of_its_days():
    days = pd.date_range("2023-01-02", periods=7 * 50).to_numpy()
    weekly = within_month(days, 3).reshape(50, 7, 6).mean(axis=1)
    np.testing.assert_allclose(within_month(days[::7], 3, days=7), weekly, atol=1e-12)
