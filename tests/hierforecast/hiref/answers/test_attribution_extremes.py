"""Splits hold at the edges of floating point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.hiref.answers.attribution import split, split_mixed, spread
from hierforecast.hiref.link import Link


@pytest.mark.parametrize("total", [0.0, 1e-300, 1e-12, 1e-9, 1e-6, 0.5, 30.0, 600.0, -30.0, -600.0, -2000.0])
@pytest.mark.parametrize("baseline", [-700.0, 0.0, 5.0, 690.0])
def test_log_splits_are_finite_and_sum(total, baseline):
    parts = np.array([[total, 0.0], [0.5 * total, 0.5 * total], [total + 2.0, -2.0]])
    forecast = Link("log", 1.0).back(baseline + parts.sum(axis=1))
    table = split(parts, np.full(3, baseline), forecast, "log")
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table.sum(axis=1), forecast, atol=1e-14 * np.abs(table).max(), rtol=1e-9)
    assert table[0, 2] == 0.0
    assert np.sign(table[0, 1]) in (np.sign(total), 0.0)


@given(st.floats(1e-6, 1e9), st.floats(-20, 20), st.floats(-5, 5))
def test_a_change_is_shared_out_whole_and_what_stood_still_gets_nothing(before, first, second):
    after = before * np.exp(first + second)
    shares = spread(np.array([[first, second, 0.0]]), np.array([before]), np.array([after]))[0]
    assert shares[2] == 0.0
    np.testing.assert_allclose(shares.sum(), after - before, rtol=1e-6, atol=1e-9 * max(before, after))


def test_mixed_splits_sum_and_a_clipped_forecast_costs_the_baseline():
    growing, adding = np.array([[0.2, -0.1], [0.0, 0.3]]), np.array([[5.0], [-400.0]])
    grown = np.array([3.0, 3.3])
    forecast = np.maximum(1.1 * (np.exp(grown) + adding[:, 0]), 0.0)
    baseline, grew, added = split_mixed(growing, adding, grown, forecast)
    np.testing.assert_allclose(baseline + grew.sum(axis=1) + added.sum(axis=1), forecast, atol=1e-12)
    np.testing.assert_allclose([baseline[0], added[0, 0]], [1.1 * np.exp(2.9), 5.5])
    assert added[1, 0] == -400.0
