"""Residuals have the size, memory and tails that the draws say, and go on from where they were."""

import numpy as np
import pytest

from hierforecast.errors import PanelError
from hierforecast.precision.predictive import predictive_draws
from hierforecast.precision.response import Coefficients, Saturation

DRAWS = 40_000


def coefficients(*, noise=2.0, correlation=0.0, tails=np.inf, draws=DRAWS):
    empty, one = np.zeros((draws, 0)), np.zeros(draws)
    return Coefficients(
        one, empty, empty, Saturation("none", empty, empty), None, empty, one + noise, one + correlation, one + tails
    )


def test_independent_residuals_have_the_noise_around_the_fitted_mean():
    fitted = np.tile([10.0, 20.0], (DRAWS, 1))
    drawn = predictive_draws(coefficients(), fitted, seed=1)
    assert drawn.mean(axis=0) == pytest.approx([10, 20], abs=0.05)
    assert drawn.std(axis=0) == pytest.approx([2, 2], rel=0.02)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.02


def test_correlated_residuals_are_stationary_from_the_first_week():
    drawn = predictive_draws(coefficients(correlation=0.8), np.zeros((DRAWS, 6)), seed=2)
    assert drawn.std(axis=0) == pytest.approx(np.full(6, 2 / 0.6), rel=0.02)
    assert np.corrcoef(drawn[:, 2], drawn[:, 4])[0, 1] == pytest.approx(0.64, abs=0.02)


def test_residuals_go_on_from_the_last_known_one():
    before = np.linspace(-50, 50, DRAWS)
    drawn = predictive_draws(coefficients(correlation=0.5), np.zeros((DRAWS, 3)), seed=3, residual_before=before)
    for week, share in enumerate((0.5, 0.25, 0.125)):
        assert np.polyfit(before, drawn[:, week], 1)[0] == pytest.approx(share, abs=0.005)
    assert (drawn[:, 0] - 0.5 * before).std() == pytest.approx(2, rel=0.02)


def test_heavy_tails_agree_with_scipy_and_do_not_touch_normal_draws():
    from scipy.stats import kstest

    drawn = predictive_draws(coefficients(tails=4.0), np.zeros((DRAWS, 1)), seed=4)[:, 0]
    assert kstest(drawn / 2, "t", args=(4,)).pvalue > 0.01
    mixed = coefficients()._replace(tails=np.where(np.arange(DRAWS) % 2, np.inf, 4.0))
    some = predictive_draws(mixed, np.zeros((DRAWS, 1)), seed=4)[:, 0]
    normal = predictive_draws(coefficients(), np.zeros((DRAWS, 1)), seed=4)[:, 0]
    assert (some[1::2] == normal[1::2]).all()
    assert kstest(some[::2] / 2, "t", args=(4,)).pvalue > 0.01


def test_seeds_repeat_and_wrong_shapes_are_told():
    few = coefficients(draws=5)
    first = predictive_draws(few, np.zeros((5, 3)), seed=1)
    assert (first == predictive_draws(few, np.zeros((5, 3)), seed=1)).all()
    assert (first != predictive_draws(few, np.zeros((5, 3)), seed=2)).all()
    with pytest.raises(PanelError, match="wanted 5 draws"):
        predictive_draws(few, np.zeros((4, 3)), seed=1)
    with pytest.raises(PanelError, match="residual_before"):
        predictive_draws(few, np.zeros((5, 3)), seed=1, residual_before=np.full(5, np.nan))
