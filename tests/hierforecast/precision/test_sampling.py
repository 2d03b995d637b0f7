import numpy as np
import pytest

from hierforecast.options import Sampling
from hierforecast.precision.sampling import energy_fraction, regularised_covariance, sample, warmup_windows

tf = pytest.importorskip("tensorflow", reason="the precision extra is not installed")


def correlated_normal(flat, data):
    """Normal density with mean and precision as data, (chains,)."""
    mean, precision = data
    centred = flat - mean
    return -0.5 * tf.reduce_sum(centred * tf.matmul(centred, precision), axis=-1)


@pytest.mark.parametrize("steps", [50, 100, 149, 150, 200, 500, 1000, 1234])
def test_warmup_windows_cover_every_step_once(steps):
    windows = warmup_windows(steps)
    assert sum(window.steps for window in windows) == steps
    assert min(window.steps for window in windows) > 0
    assert any(window.learns_metric for window in windows)
    assert not windows[-1].learns_metric  # the step size must settle under the last metric


def test_stans_schedule_at_a_thousand():
    assert [window.steps for window in warmup_windows(1000)] == [75, 25, 50, 100, 200, 500, 50]


def test_a_correlated_normal_is_recovered():
    correlation = np.array([[1.0, 0.95, 0.0], [0.95, 1.0, 0.0], [0.0, 0.0, 1.0]])
    scales = np.array([0.01, 1.0, 3.0])
    covariance, mean = correlation * np.outer(scales, scales), np.array([0.5, -1.0, 2.0])
    settings = Sampling(chains=4, warmup=300, draws=300, seed=1, max_tree_depth=6)
    drawn = sample(correlated_normal, (mean, np.linalg.inv(covariance)), np.ones(3), sampling=settings)
    assert drawn.flat.shape == (4, 300, 3)
    assert not drawn.diverging.any()
    assert drawn.acceptance.mean() == pytest.approx(0.9, abs=0.06)
    assert drawn.leapfrogs.mean() < 40  # the metric was learned: without it, scales 300 apart need hundreds
    pooled = drawn.flat.reshape(-1, 3)
    np.testing.assert_allclose(pooled.mean(axis=0), mean, atol=0.15 * scales.max() / np.sqrt(3), rtol=0)
    np.testing.assert_allclose((pooled.mean(axis=0) - mean) / scales, 0, atol=0.15)
    np.testing.assert_allclose(pooled.std(axis=0) / scales, 1, atol=0.12)
    assert np.corrcoef(pooled.T)[0, 1] == pytest.approx(0.95, abs=0.02)


def test_few_draws_give_a_metric_that_is_nearly_diagonal_and_always_positive():
    draws = np.random.default_rng(0).normal(size=(20, 50)) * np.linspace(0.1, 2, 50)
    covariance = regularised_covariance(draws)
    assert np.linalg.eigvalsh(covariance).min() > 0
    scales = np.sqrt(np.diag(covariance))
    off = covariance / np.outer(scales, scales) - np.eye(50)
    assert np.abs(off).max() < 0.1
    many = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 5000)
    np.testing.assert_allclose(regularised_covariance(many), np.cov(many, rowvar=False), rtol=0.01)


def test_energy_fraction_tells_a_random_walk_from_free_moves():
    rng = np.random.default_rng(0)
    free = rng.normal(size=(4, 500))
    assert energy_fraction(free).min() > 1.5
    stuck = free.copy()
    stuck[1] = rng.normal(size=500).cumsum()
    assert energy_fraction(stuck).argmin() == 1
    assert energy_fraction(stuck).min() < 0.2
    assert np.isnan(energy_fraction(np.zeros((4, 500)))).all()
