import numpy as np
import pytest

from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.density import _mean
from hierforecast.precision.posterior.media import media_brought
from hierforecast.precision.posterior.parameters import constrain
from hierforecast.precision.response import (
    Coefficients,
    Saturation,
    control_draws,
    media_draws,
    saturate,
    saturate_with,
    saturation_slope,
)
from hierforecast.precision.training import model_data

RNG = np.random.default_rng(4)
HALF, SLOPE = RNG.gamma(3.0, 0.5, (6, 1)), RNG.uniform(0.5, 3.0, (6, 1))
CARRIED = np.concatenate([[0.0], np.geomspace(1e-3, 30, 40)])
KINDS = ["none", "log", "hill"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_typical_week_has_an_effect_of_one(kind):
    np.testing.assert_allclose(saturate(kind, np.ones((6, 1)), HALF, SLOPE), 1.0, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_exposure_brings_nothing_and_more_brings_more(kind):
    value = saturate(kind, np.broadcast_to(CARRIED, (6, len(CARRIED))), HALF, SLOPE)
    np.testing.assert_allclose(value[:, 0], 0.0, atol=1e-12)
    assert (np.diff(value, axis=1) > 0).all()


def test_half_saturation_is_half_of_all_that_a_hill_curve_can_bring():
    at_half = saturate("hill", HALF, HALF, SLOPE)
    np.testing.assert_allclose(at_half, 0.5 * saturate("hill", np.full_like(HALF, 1e15), HALF, SLOPE), rtol=1e-6)


def test_logs_have_diminishing_returns():
    slope = saturation_slope("log", CARRIED, HALF, SLOPE)
    assert (np.diff(slope, axis=1) < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_finite_differences(kind):
    carried = np.broadcast_to(CARRIED[1:], (6, len(CARRIED) - 1))
    step = 1e-5 * carried
    ahead, behind = (saturate(kind, carried + sign * step, HALF, SLOPE) for sign in (1, -1))
    np.testing.assert_allclose((ahead - behind) / (2 * step), saturation_slope(kind, carried, HALF, SLOPE), rtol=1e-6)


def test_a_flat_hill_curve_is_told_to_be_infinitely_steep_at_none():
    assert saturation_slope("hill", np.array([0.0]), np.array(1.0), np.array(0.8))[0] == np.inf
    assert saturation_slope("hill", np.array([0.0]), np.array(1.0), np.array(1.5))[0] == 0.0


@pytest.mark.parametrize("kind", ["log", "hill"])
def test_chains_and_draws_agree_and_gradients_at_no_exposure_are_finite(tf, kind):
    half, slope, carried = tf.constant(HALF), tf.constant(SLOPE), tf.constant(CARRIED[None])
    with tf.GradientTape() as tape:
        tape.watch([half, slope, carried])
        value = saturate_with(in_tensorflow(), kind, carried, half, slope)
    np.testing.assert_allclose(value, saturate(kind, CARRIED[None], HALF, SLOPE), rtol=1e-11, atol=1e-15)
    by_half, by_slope, _ = tape.gradient(value, [half, slope, carried])
    assert np.isfinite(by_half).all()
    assert by_slope is None or np.isfinite(by_slope).all()


def test_components_of_every_form_add_up_to_the_fitted_mean_draw_by_draw(form, fit_form):
    one = fit_form(form)
    coefficients, weeks = one.coefficients, one._weeks(None)
    parts = coefficients.baseline[:, None] + sum(media_draws(place, coefficients, weeks) for place in range(4))
    parts = parts + sum(control_draws(component, coefficients, weeks) for component in dict.fromkeys(weeks.components))
    np.testing.assert_allclose(parts, one.fitted_draws, rtol=1e-10)


def test_some_draws_are_the_draws_of_their_places():
    draws = 5
    whole = Coefficients(
        baseline=np.arange(5.0),
        beta=np.arange(10.0).reshape(draws, 2),
        decay=np.full((draws, 2), 0.5),
        saturation=Saturation("hill", np.arange(10.0).reshape(draws, 2), np.ones((draws, 2))),
        memory=4,
        control=np.zeros((draws, 0)),
        noise=np.arange(5.0),
        correlation=np.zeros(draws),
        tails=np.full(draws, np.inf),
    )
    some = whole.take(np.array([3, 0]))
    np.testing.assert_array_equal(some.baseline, [3, 0])
    np.testing.assert_array_equal(some.saturation.half, [[6, 7], [0, 1]])
    assert (some.memory, some.saturation.kind) == (4, "hill")


def test_the_fitted_mean_of_every_form_is_the_samplers_own(form, fit_form, tf):
    """In NumPy from named draws, and inside the sampler from its flat vectors: the same mean, in units."""
    one = fit_form(form)
    training = one._trained
    data, _ = model_data(training, one.hierarchy, one._numbers, form.model)
    flat = one._draws["unconstrained"]["flat"].to_numpy()[1]
    drawn = constrain(tf.constant(flat), data, form.model, in_tensorflow())
    mean = _mean(drawn, media_brought(drawn, data, form.model).total, data).numpy()
    ours = training.scaling.target_mean + training.scaling.target_sd * mean
    np.testing.assert_allclose(one.fitted_draws[len(flat) :], ours, rtol=1e-7)
