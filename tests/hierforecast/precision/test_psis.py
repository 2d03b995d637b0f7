import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.psis import psis_loo, smoothed_log_weights

RNG = np.random.default_rng(1)
LOG_RATIOS = {
    "normal": RNG.normal(size=(1000, 40)),
    "far from 0": 800 + 2 * RNG.normal(size=(1000, 40)),
    "exponential": 3 * RNG.exponential(size=(1000, 40)),
    "heavy": RNG.standard_t(2, size=(1000, 40)),
    "heavier": 20 * RNG.standard_t(1, size=(1000, 40)),
    "short": -300 * RNG.exponential(size=(1000, 40)),
    "underflow": np.where(RNG.random((1000, 40)) < 0.9, -705, 0) + RNG.normal(size=(1000, 40)),
    "narrow": 1e-12 * RNG.normal(size=(1000, 40)),
    "ties": RNG.normal(size=(1000, 40)).round(1),
    "few draws": RNG.normal(size=(40, 40)),
    "too few draws": RNG.normal(size=(15, 40)),
}


@pytest.fixture(scope="module")
def arviz():
    return pytest.importorskip("arviz", reason="the precision extra is not installed")


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # ArviZ overflows on the heavier ones
@pytest.mark.parametrize("efficiency", [1.0, 0.3])
@pytest.mark.parametrize("name", LOG_RATIOS)
def test_weights_and_k_are_those_of_arviz(arviz, name, efficiency):
    ratios = LOG_RATIOS[name]
    log_weights, pareto_k = smoothed_log_weights(ratios, relative_efficiency=efficiency)
    expected, expected_k = arviz.psislw(ratios.T.copy(), efficiency)
    np.testing.assert_allclose(pareto_k, expected_k, rtol=0, atol=1e-10)
    np.testing.assert_allclose(np.sort(log_weights, axis=0), np.sort(expected.T, axis=0), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(logsumexp(log_weights, axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(
        logsumexp(log_weights - ratios, axis=0), logsumexp(expected.T - ratios, axis=0), rtol=1e-10, atol=1e-10
    )


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
@pytest.mark.parametrize("offset", [0.0, -800.0])
def test_loo_is_that_of_arviz(arviz, offset):
    log_likelihood = offset - RNG.exponential(size=(4, 250, 30)) ** 2
    data = arviz.from_dict(log_likelihood={"y": log_likelihood}, posterior={"a": log_likelihood[..., 0]})
    expected = arviz.loo(data, pointwise=True, reff=0.7)
    loo = psis_loo(log_likelihood.reshape(1000, 30), relative_efficiency=0.7)
    np.testing.assert_allclose(loo.pointwise, expected.loo_i.to_numpy(), rtol=0, atol=1e-8)
    np.testing.assert_allclose(loo.pareto_k, expected.pareto_k.to_numpy(), rtol=0, atol=1e-8)
    got = (loo.elpd, loo.standard_error, loo.effective_parameters, loo.largest_k)
    np.testing.assert_allclose(got, (expected.elpd_loo, expected.se, expected.p_loo, expected.good_k), rtol=0, atol=1e-8)


def test_loo_of_a_normal_mean_is_exact():
    """y_t ~ N(mean, 2^2), mean ~ N(0, 10^2): the posterior without week t is normal and known."""
    rng = np.random.default_rng(3)
    y = rng.normal(4.0, 2.0, size=50)
    precision = 1 / 100 + len(y) / 4
    draws = rng.normal(y.sum() / 4 / precision, precision**-0.5, size=20_000)
    loo = psis_loo(norm.logpdf(y, draws[:, None], 2.0))
    without = precision - 1 / 4
    exact = norm.logpdf(y, (y.sum() - y) / 4 / without, np.sqrt(4 + 1 / without))
    np.testing.assert_allclose(loo.pointwise, exact, atol=0.01)
    assert loo.elpd == pytest.approx(exact.sum(), abs=0.03)
    assert loo.effective_parameters == pytest.approx(1.0, abs=0.35)
    assert loo.warnings() == ()


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_k_is_the_shape_of_a_pareto_tail(shape):
    ratios = shape * np.random.default_rng(4).exponential(size=(50_000, 20))
    assert smoothed_log_weights(ratios).pareto_k.mean() == pytest.approx(shape, abs=0.05)


def test_a_constant_per_week_changes_nothing():
    ratios = LOG_RATIOS["heavy"]
    plain, moved = smoothed_log_weights(ratios), smoothed_log_weights(ratios + np.linspace(-900, 900, 40))
    np.testing.assert_allclose(plain.pareto_k, moved.pareto_k, atol=1e-9)
    np.testing.assert_allclose(plain.log_weights, moved.log_weights, atol=1e-9)


def test_inputs_are_left_as_they_were():
    ratios = LOG_RATIOS["heavy"].copy()
    smoothed_log_weights(ratios)
    np.testing.assert_array_equal(ratios, LOG_RATIOS["heavy"])


def test_equal_ratios_weigh_equally_and_need_no_warning():
    loo = psis_loo(np.full((100, 2), -800.0))
    np.testing.assert_allclose(loo.pointwise, -800.0)
    assert loo.warnings() == ()


def test_influential_weeks_are_named_worst_first():
    log_likelihood = np.random.default_rng(5).normal(scale=0.1, size=(1000, 8))
    for week in range(7):
        log_likelihood[:, week] = -(week + 1) * np.random.default_rng(week).exponential(size=1000)
    (sentence,) = psis_loo(log_likelihood).warnings([f"2024-W{week}" for week in range(8)])
    assert sentence.startswith("Pareto k is above 0.67 in 7 of 8 weeks: 2024-W6 (k = ")
    assert "2024-W7" not in sentence and " and 2 more; " in sentence
    assert "weeks: 6 (k = " in psis_loo(log_likelihood).warnings()[0]


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("function", [psis_loo, smoothed_log_weights])
def test_what_is_not_a_number_is_refused(function, poison):
    values = np.zeros((100, 3))
    values[7, 2] = poison
    with pytest.raises(PanelError, match=r"is -?(nan|inf) at draw 7, week 2 \(1 such entries\)"):
        function(values)


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((0, 3)), np.zeros((5, 0)), np.zeros((1, 3)), [["a"]]])
def test_other_shapes_are_refused(values):
    with pytest.raises(PanelError, match=r"log_likelihood .* wanted"):
        psis_loo(values)


@pytest.mark.parametrize("efficiency", [0.0, -1.0, np.nan, np.inf])
def test_an_impossible_efficiency_is_refused(efficiency):
    with pytest.raises(SettingsError, match="relative_efficiency is"):
        psis_loo(np.zeros((100, 3)), relative_efficiency=efficiency)
