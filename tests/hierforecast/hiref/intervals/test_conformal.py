"""Intervals cover what they promise."""

import numpy as np
import pytest

from hierforecast.hiref.intervals.conformal import conformal, series_noise


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_skewed_errors_are_covered_as_promised(coverage):
    rng = np.random.default_rng(0)
    interval = conformal(rng.gumbel(size=4000), np.empty(0), coverage)
    fresh = rng.gumbel(size=20_000)
    assert ((interval.lower <= fresh) & (fresh <= interval.upper)).mean() == pytest.approx(coverage, abs=0.02)


def test_few_errors_are_filled_up_with_those_of_training():
    interval = conformal(np.array([0.1]), np.random.default_rng(0).normal(size=2000), 0.9)
    assert interval.upper == pytest.approx(1.645, abs=0.1)


def test_noise_of_a_short_series_leans_on_the_others():
    rng = np.random.default_rng(0)
    series = np.concatenate([np.zeros(1000, dtype=int), np.ones(2, dtype=int)])
    residuals = np.concatenate([rng.normal(0, 1.0, 1000), [0.0, 0.0]])
    noise = series_noise(residuals, series, 3)
    assert noise[0] == pytest.approx(1.0, abs=0.1)
    assert 0.8 < noise[1] < 1.0
    assert noise[2] == pytest.approx(np.sqrt((residuals**2).mean()))
