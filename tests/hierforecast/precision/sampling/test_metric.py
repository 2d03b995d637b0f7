import numpy as np
import pytest

from hierforecast.precision.sampling.metric import fisher_metric

SIZE = 12


@pytest.fixture(scope="module")
def normal():
    """Covariance of a normal with scales 1,000 apart and neighbours that are correlated."""
    place, scales = np.arange(SIZE), np.geomspace(0.01, 10, SIZE)
    return np.outer(scales, scales) * 0.7 ** np.abs(place[:, None] - place)


def draws_of(covariance, count, *, wide=1.0, seed=1):
    positions = wide * np.random.default_rng(seed).multivariate_normal(np.zeros(len(covariance)), covariance, count)
    return positions, -np.linalg.solve(covariance, positions.T).T


def distortion(metric, covariance):
    """Widest over narrowest sd of the normal in the metric's coordinates; 1 is round."""
    round_one = np.linalg.solve(metric, np.linalg.solve(metric, covariance).T)
    values = np.linalg.eigvalsh((round_one + round_one.T) / 2)
    return np.sqrt(values.max() / values.min())


@pytest.mark.parametrize("wide", [1.0, 5.0])
def test_few_draws_of_a_normal_give_its_covariance_wherever_they_lie(normal, wide):
    """Hardly more draws than dimensions; the covariance of the draws alone would be far off."""
    positions, gradients = draws_of(normal, SIZE + 4, wide=wide)
    assert distortion(fisher_metric(positions, gradients), normal) < 1.4
    alone = np.linalg.cholesky(np.cov(positions.T))
    assert distortion(alone, normal) > 5
    metric = fisher_metric(positions, gradients)
    np.testing.assert_allclose(np.diag(metric @ metric.T) / np.diag(normal), 1, atol=0.3)


def test_many_draws_give_it_to_a_percent(normal):
    metric = fisher_metric(*draws_of(normal, 2000))
    assert distortion(metric, normal) < 1.05
    np.testing.assert_allclose(metric @ metric.T / normal, 1, atol=0.12)


def test_it_solves_the_equation_of_its_source(normal):
    """M cov(gradients) M = cov(positions), also where the posterior is not normal."""
    positions, gradients = draws_of(normal, 4000)
    gradients = gradients * (1 + 0.2 * np.tanh(positions / positions.std(axis=0)))
    metric = fisher_metric(positions, gradients)
    covariance = metric @ metric.T
    left = covariance @ np.cov(gradients.T) @ covariance
    scale = np.sqrt(np.outer(np.diag(left), np.diag(left)))
    np.testing.assert_allclose(left / scale, np.cov(positions.T) / scale, atol=0.06)


def test_fewer_draws_than_dimensions_still_give_a_root():
    positions, gradients = draws_of(np.eye(50), 20)
    metric = fisher_metric(positions, gradients)
    assert np.isfinite(metric).all()
    assert distortion(metric, np.eye(50)) < 5


def test_an_entry_that_does_not_move_does_no_harm():
    positions, gradients = draws_of(np.eye(4), 100)
    positions[:, 2], gradients[:, 2] = 0.7, 0.0
    metric = fisher_metric(positions, gradients)
    assert np.isfinite(metric).all()
    assert np.linalg.matrix_rank(metric) == 4
