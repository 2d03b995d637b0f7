from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from hierforecast.precision.pointwise import pointwise_log_likelihood
from hierforecast.precision.posterior.density import week_factors
from hierforecast.precision.response import Coefficients, Saturation
from hierforecast.precision.training import model_data

WEEKS = 14
OBSERVED = ~np.isin(np.arange(WEEKS), [0, 4, 5, 9, 13])
PLACES = np.flatnonzero(OBSERVED)
NOISE, CORRELATION, TAILS = np.array([0.7, 1.5, 2.0]), np.array([0.8, -0.5, 0.3]), np.array([3.0, 6.0, 40.0])


@pytest.fixture(scope="module")
def actual():
    values = np.random.default_rng(2).normal(100, 2, WEEKS)
    values[~OBSERVED] = np.nan
    return values


@pytest.fixture(scope="module")
def fitted():
    return 100 + np.random.default_rng(3).normal(0, 1, (3, WEEKS))


def coefficients(correlation=None, tails=None):
    nothing = np.zeros((3, 1))
    return Coefficients(
        baseline=np.zeros(3),
        beta=nothing,
        decay=nothing,
        saturation=Saturation("none", nothing, nothing),
        memory=None,
        control=nothing,
        noise=NOISE,
        correlation=np.zeros(3) if correlation is None else correlation,
        tails=np.full(3, np.inf) if tails is None else tails,
    )


def covariance(draw):
    distance = np.abs(PLACES[:, None] - PLACES)
    return NOISE[draw] ** 2 / (1 - CORRELATION[draw] ** 2) * CORRELATION[draw] ** distance


def test_independent_weeks_have_the_same_density_given_the_past_and_the_rest(actual, fitted):
    normal = pointwise_log_likelihood(coefficients(), fitted, actual, OBSERVED)
    expected = stats.norm.logpdf(actual, fitted, NOISE[:, None])[:, OBSERVED]
    np.testing.assert_allclose(normal.given_past, expected, rtol=1e-10)
    np.testing.assert_array_equal(normal.given_rest, normal.given_past)
    student = pointwise_log_likelihood(coefficients(tails=TAILS), fitted, actual, OBSERVED)
    expected = stats.t.logpdf(actual, TAILS[:, None], fitted, NOISE[:, None])[:, OBSERVED]
    np.testing.assert_allclose(student.given_past, expected, rtol=1e-9)
    np.testing.assert_array_equal(student.given_rest, student.given_past)


def test_correlated_normal_weeks_have_the_conditionals_of_the_multivariate_normal(actual, fitted):
    found = pointwise_log_likelihood(coefficients(CORRELATION), fitted, actual, OBSERVED)
    residual = (actual - fitted)[:, OBSERVED]
    for draw in range(3):
        precision = np.linalg.inv(covariance(draw))
        variance = 1 / np.diag(precision)
        mean = residual[draw] - variance * (precision @ residual[draw])
        expected = stats.norm.logpdf(residual[draw], mean, np.sqrt(variance))
        np.testing.assert_allclose(found.given_rest[draw], expected, rtol=1e-8)
        joint = stats.multivariate_normal(cov=covariance(draw)).logpdf(residual[draw])
        assert found.given_past[draw].sum() == pytest.approx(joint, rel=1e-10)
    assert np.abs(found.given_rest - found.given_past).max() > 0.1  # the two must not be mixed up


def test_correlated_student_weeks_agree_with_integrals_of_the_joint_density(actual, fitted):
    """log p(r_t | rest) = log joint(r) - log of the integral of the joint over r_t, brute force."""
    observed = OBSERVED & (np.arange(WEEKS) < 8)
    places = np.flatnonzero(observed)
    found = pointwise_log_likelihood(coefficients(CORRELATION, TAILS), fitted, actual, observed)
    residual = (actual - fitted)[:, observed]

    def joint(values, draw):
        rho, noise, tails = CORRELATION[draw], NOISE[draw], TAILS[draw]
        density = stats.t.pdf(values[0], tails, 0, noise / np.sqrt(1 - rho**2))
        for now in range(1, len(values)):
            gap = places[now] - places[now - 1]
            scale = noise * np.sqrt((1 - rho ** (2 * gap)) / (1 - rho**2))
            density *= stats.t.pdf(values[now], tails, rho**gap * values[now - 1], scale)
        return density

    for draw in range(3):
        assert found.given_past[draw].sum() == pytest.approx(np.log(joint(residual[draw], draw)), rel=1e-9)
        for week in range(len(places)):

            def along(value, week=week, draw=draw):
                return joint([*residual[draw, :week], value, *residual[draw, week + 1 :]], draw)

            pieces = [(-np.inf, -5.0), (-5.0, 5.0), (5.0, np.inf)]
            whole = sum(integrate.quad(along, *piece, epsabs=0, epsrel=1e-9, limit=200)[0] for piece in pieces)
            expected = np.log(joint(residual[draw], draw) / whole)
            assert found.given_rest[draw, week] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rho", [0.3, 0.97])
@pytest.mark.parametrize("tails", [2.2, 10.0])
@pytest.mark.parametrize("residuals", [(20.0, 0.0, -20.0), (0.0, 15.0, 0.0), (0.0, 0.0, 20.0)])
def test_neighbours_that_disagree_by_an_outlier_are_integrated_over_both_their_peaks(rho, tails, residuals):
    before, now, after = residuals
    nothing = np.zeros((1, 1))
    one = coefficients()._replace(beta=nothing, decay=nothing, control=nothing, baseline=np.zeros(1), noise=np.ones(1))
    one = one._replace(correlation=np.array([rho]), tails=np.array([tails]))
    found = pointwise_log_likelihood(one, np.zeros((1, 3)), np.array(residuals), np.ones(3, bool)).given_rest[0, 1]

    def product(value):
        return stats.t.pdf(value, tails, rho * before) * stats.t.pdf(after, tails, rho * value)

    left, right = sorted([rho * before, after / rho])
    places = [-np.inf, left - 5, left, (left + right) / 2, right, right + 5, np.inf]
    pieces = pairwise(places)
    whole = sum(integrate.quad(product, *piece, epsabs=0, epsrel=1e-9, limit=200)[0] for piece in pieces)
    assert found == pytest.approx(np.log(product(now) / whole), abs=1e-5)


def test_units_shift_every_density_by_the_same_logarithm(actual, fitted):
    times = 50.0
    for correlation, tails in ((CORRELATION, None), (CORRELATION, TAILS), (None, TAILS)):
        one = coefficients(correlation, tails)
        other = one._replace(noise=times * one.noise)
        ours = pointwise_log_likelihood(one, fitted, actual, OBSERVED)
        theirs = pointwise_log_likelihood(other, times * fitted, times * actual, OBSERVED)
        np.testing.assert_allclose(theirs.given_past, ours.given_past - np.log(times), atol=1e-8)
        np.testing.assert_allclose(theirs.given_rest, ours.given_rest - np.log(times), atol=1e-5)


def test_the_density_of_a_form_is_that_of_its_sampler(form, fit_form, tf):
    """Factors in units are the sampler's scaled ones, less the logarithm of the target's sd."""
    one = fit_form(form)
    data, _ = model_data(one._trained, one.hierarchy, one._numbers, form.model)
    flat = one._draws["unconstrained"]["flat"].to_numpy().reshape(-1, one._draws["unconstrained"].sizes["entry"])
    scaled = week_factors(form.model)(tf.constant(flat), data).numpy()[:, one._trained.observed]
    sd = one._trained.scaling.target_sd
    np.testing.assert_allclose(one.pointwise.given_past, scaled - np.log(sd), rtol=1e-6, atol=1e-6)
