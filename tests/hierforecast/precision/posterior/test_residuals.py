import numpy as np
import pytest
from scipy import stats

from hierforecast.precision.operations import in_numpy, in_tensorflow
from hierforecast.precision.posterior.data import follow_each_other
from hierforecast.precision.posterior.residuals import log_factors

WEEKS = 24
OBSERVED = ~np.isin(np.arange(WEEKS), [0, 5, 6, 11, 12, 13, 20, 23])


def test_observed_weeks_are_linked_over_gaps():
    weeks = follow_each_other(np.array([False, True, True, False, False, True]))
    np.testing.assert_array_equal(weeks.observed, [0, 1, 1, 0, 0, 1])
    np.testing.assert_array_equal(weeks.follows, [0, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(weeks.previous, [0, 1, 1, 3, 4, 2])
    np.testing.assert_array_equal(weeks.gap, [1, 1, 1, 1, 1, 3])


def factors(residual, noise, correlation, tails, observed=OBSERVED, ops=None):
    return log_factors(residual, noise, correlation, tails, follow_each_other(observed), ops or in_numpy())


@pytest.fixture(scope="module")
def residual():
    return np.random.default_rng(0).normal(size=(3, WEEKS))


NOISE = np.array([[0.4], [1.0], [2.5]])
CORRELATION = np.array([[0.85], [-0.6], [1e-9]])
TAILS = np.array([[2.5], [7.0], [300.0]])


@pytest.mark.parametrize("observed", [OBSERVED, np.ones(WEEKS, bool)], ids=["gaps", "no gaps"])
def test_correlated_factors_add_up_to_the_multivariate_normal_of_the_weeks_observed(residual, observed):
    ours = factors(residual, NOISE, CORRELATION, None, observed)
    places = np.flatnonzero(observed)
    for row in range(3):
        rho, noise = CORRELATION[row, 0], NOISE[row, 0]
        covariance = noise**2 / (1 - rho**2) * rho ** np.abs(places[:, None] - places)
        expected = stats.multivariate_normal(cov=covariance).logpdf(residual[row, places])
        assert ours[row].sum() == pytest.approx(expected, rel=1e-9)
    assert (ours[:, ~observed] == 0).all()


def test_every_factor_is_the_conditional_of_that_normal(residual):
    rho, noise = CORRELATION[1, 0], NOISE[1, 0]
    places = np.flatnonzero(OBSERVED)
    covariance = noise**2 / (1 - rho**2) * rho ** np.abs(places[:, None] - places)
    joint = [
        stats.multivariate_normal(cov=covariance[:n, :n]).logpdf(residual[1, places[:n]]) for n in range(1, len(places) + 1)
    ]
    ours = factors(residual, NOISE, CORRELATION, None)[1, places]
    np.testing.assert_allclose(ours, np.diff([0.0, *joint]), rtol=1e-8)


def test_independent_factors_are_normal_and_student_densities(residual):
    normal, student = factors(residual, NOISE, None, None), factors(residual, NOISE, None, TAILS)
    np.testing.assert_allclose(normal[:, OBSERVED], stats.norm.logpdf(residual, 0, NOISE)[:, OBSERVED], rtol=1e-10)
    np.testing.assert_allclose(student[:, OBSERVED], stats.t.logpdf(residual, TAILS, 0, NOISE)[:, OBSERVED], rtol=1e-9)
    assert (normal[:, ~OBSERVED] == 0).all()
    assert (student[:, ~OBSERVED] == 0).all()


def test_heavy_tails_approach_the_normal_as_degrees_of_freedom_grow(residual):
    many = factors(residual, NOISE, CORRELATION, np.full((3, 1), 1e7))
    np.testing.assert_allclose(many, factors(residual, NOISE, CORRELATION, None), atol=1e-4)


def test_a_gap_of_student_shocks_has_the_variance_of_all_of_them():
    """After a gap of n the new part has the variance of n shocks, each carried on: simulated."""
    rho, tails, gap = 0.7, 6.0, 3
    shocks = stats.t(tails).rvs((200_000, gap), random_state=1)
    new = shocks @ rho ** np.arange(gap)[::-1]
    scale = np.sqrt((1 - rho ** (2 * gap)) / (1 - rho**2))
    assert new.std() == pytest.approx(scale * np.sqrt(tails / (tails - 2)), rel=0.01)
    observed = np.array([True, False, False, True])
    residual = np.array([[0.3, 0, 0, 0.9]])
    ours = factors(residual, np.array([[1.0]]), np.array([[rho]]), np.array([[tails]]), observed)
    assert ours[0, 3] == pytest.approx(stats.t(tails, rho**gap * 0.3, scale).logpdf(0.9), rel=1e-10)


@pytest.mark.parametrize("tails", [None, TAILS], ids=["normal", "student"])
@pytest.mark.parametrize("correlation", [None, CORRELATION], ids=["iid", "ar1"])
def test_chains_and_draws_agree(tf, residual, correlation, tails):
    turned = [None if part is None else tf.constant(part) for part in (residual, NOISE, correlation, tails)]
    theirs = factors(*turned, ops=in_tensorflow()).numpy()
    np.testing.assert_allclose(theirs, factors(residual, NOISE, correlation, tails), rtol=1e-10)
