"""Links, zero targets, and means from medians."""

import numpy as np

from hierforecast.hiref.link import calibrate, make_link


def test_a_zero_counts_as_half_of_the_smallest_sale_under_a_log():
    link = make_link("log", np.array([0.0, 4.0, 9.0]))
    np.testing.assert_allclose(link.back(link.forward(np.array([0.0, 4.0, 9.0]))), [2.0, 4.0, 9.0])


def test_identity_changes_nothing():
    link = make_link("identity", np.array([0.0, 4.0]))
    np.testing.assert_allclose(link.back(link.forward(np.array([0.0, 4.0]))), [0.0, 4.0])


def test_the_mean_factor_is_that_of_the_log_normal():
    rng = np.random.default_rng(0)
    series = np.repeat(np.arange(40), 500)
    target = np.exp(2 + rng.normal(0, 0.6, len(series)))
    factors, common = calibrate(target, np.full(len(series), np.exp(2.0)), series, 41)
    np.testing.assert_allclose(common, np.exp(0.5 * 0.6**2), rtol=0.02)
    np.testing.assert_allclose(factors[:40], common, rtol=0.12)
    assert factors[40] == common
