"""Parts add up to the forecast, in units, under both links."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.hiref.answers.attribution import split


@given(st.integers(0, 10_000), st.floats(0, 3))
def test_log_parts_sum_to_the_forecast_and_keep_their_direction(seed, size):
    rng = np.random.default_rng(seed)
    parts, baseline = rng.normal(0, size, (20, 3)), rng.normal(3, 1, 20)
    parts[0] = 0.0
    forecast = 1.07 * np.exp(baseline + parts.sum(axis=1))
    table = split(parts, baseline, forecast, "log")
    np.testing.assert_allclose(table.sum(axis=1), forecast, rtol=1e-9)
    np.testing.assert_array_equal(np.sign(table[:, 1:]), np.sign(parts))
    np.testing.assert_allclose(table[:, 0], 1.07 * np.exp(baseline), rtol=1e-9)


def test_parts_that_cancel_still_sum():
    table = split(np.array([[0.7, -0.7], [1e-12, 0.0]]), np.zeros(2), np.array([1.0, 1.0]), "log")
    np.testing.assert_allclose(table, [[1.0, 0.7, -0.7], [1.0, 1e-12, 0.0]], atol=1e-15)


def test_a_forecast_raised_to_zero_still_sums():
    table = split(np.array([[-5.0], [2.0]]), np.array([3.0, 3.0]), np.array([0.0, 5.0]), "identity")
    np.testing.assert_allclose(table, [[5.0, -5.0], [3.0, 2.0]])
