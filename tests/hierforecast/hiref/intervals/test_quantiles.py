"""Quantiles of errors cover what they promise, whatever their shape and at every size of forecast."""

import numpy as np
import pytest
from scipy.stats import t as student

from hierforecast.hiref.intervals.quantiles import tabulate

MANY = 1e9  # degrees of freedom


def covered(quantiles, errors, size, coverage):
    lower, upper = quantiles.ends(size, coverage)
    return (lower <= errors) & (errors <= upper)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95, 0.99])
def test_skewed_errors_are_covered_as_promised(coverage):
    rng = np.random.default_rng(0)
    quantiles = tabulate(rng.gumbel(size=4000), np.zeros(4000), MANY)
    fresh = rng.gumbel(size=20_000)
    assert covered(quantiles, fresh, np.zeros(20_000), coverage).mean() == pytest.approx(coverage, abs=0.02)


def test_small_and_large_forecasts_are_covered_alike_though_their_errors_differ():
    rng = np.random.default_rng(1)

    def draw(count):
        size = rng.uniform(0, 6, count)
        return rng.normal(0, np.exp(-size / 3)), size

    quantiles = tabulate(*draw(20_000), MANY)
    errors, size = draw(40_000)
    hit = covered(quantiles, errors, size, 0.8)
    for least in range(6):
        assert hit[(size >= least) & (size < least + 1)].mean() == pytest.approx(0.8, abs=0.04)


def test_intervals_nest_and_hold_the_forecast():
    rng = np.random.default_rng(2)
    quantiles = tabulate(rng.exponential(size=3000) + 0.5, rng.normal(size=3000), 3.0)  # forecasts always too low
    size = np.array([-9.0, 0.0, 9.0, np.nan])
    wide, before = np.zeros(4), np.zeros(4)
    for coverage in (0.01, 0.3, 0.5, 0.8, 0.95, 0.99, 0.9999):
        lower, upper = quantiles.ends(size, coverage)
        assert (lower <= 0).all() and (upper >= 0).all()
        assert (upper >= wide).all() and (lower <= before).all()
        wide, before = upper, lower
    assert (wide > 3).all()


def test_few_errors_are_filled_up_with_a_normal_of_their_size():
    upper = tabulate(np.array([2.0, -2.0]), np.zeros(2), MANY).ends(np.zeros(1), 0.9)[1]
    assert upper[0] == pytest.approx(2 * 1.645, rel=0.1)


def test_few_origins_widen_as_student_does():
    errors = np.random.default_rng(3).normal(size=50_000)
    for freedom in (2.0, 5.0, 30.0):
        upper = tabulate(errors, np.zeros(len(errors)), freedom).ends(np.zeros(1), 0.95)[1]
        assert upper[0] == pytest.approx(student.ppf(0.975, freedom), rel=0.03)


def test_without_any_error_an_interval_is_that_of_noise():
    lower, upper = tabulate(np.empty(0), np.empty(0), MANY).ends(np.zeros(1), 0.8)
    assert (lower[0], upper[0]) == pytest.approx((-1.28, 1.28), abs=0.05)
