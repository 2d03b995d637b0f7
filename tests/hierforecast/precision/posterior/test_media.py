import numpy as np
import pytest

from hierforecast.precision import LiftTest
from hierforecast.precision.calibration import arrange_lifts
from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.media import log_lifts, media_brought
from hierforecast.precision.posterior.parameters import block_sizes, constrain


@pytest.fixture
def drawn(tf, form, trained):
    one, data = trained(form)
    flat = np.random.default_rng(6).normal(size=(3, sum(block_sizes(data, form.model).values())))
    return one, data, flat, constrain(tf.constant(flat), data, form.model, in_tensorflow())


def test_media_bring_what_the_oracle_says(form, drawn, oracle):
    one, data, flat, parameters = drawn
    brought = media_brought(parameters, data, form.model)
    for row, total, beta in zip(flat, brought.total.numpy(), brought.beta.numpy(), strict=True):
        expected = oracle(one, data, row)
        np.testing.assert_allclose(beta, expected.beta, rtol=1e-8)
        curves = [expected.curve(place, media) for place, media in enumerate(one._trained.table.media)]
        np.testing.assert_allclose(total, expected.beta @ curves, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("form", ["roi", "roi_window", "roi_hill_at_platform", "all"], indirect=True)
def test_returns_times_spend_are_what_media_bring_in_the_observed_weeks(form, drawn, oracle):
    one, data, flat, parameters = drawn
    table, seen = one._trained.table, one._trained.observed
    beta = media_brought(parameters, data, form.model).beta.numpy()
    returns = parameters.strength.numpy()[:, data.unit]
    for row in range(3):
        expected = oracle(one, data, flat[row])
        curves = np.array([expected.curve(place, media)[seen].sum() for place, media in enumerate(table.media)])
        units = one._trained.scaling.target_sd * beta[row] * curves
        np.testing.assert_allclose(units / table.spend[:, seen].sum(axis=1), returns[row], rtol=1e-8)


@pytest.mark.parametrize("form", ["lifts", "lifts_window_log_roi", "all"], indirect=True)
def test_lift_tests_weigh_as_normals_of_their_errors(form, drawn, oracle):
    one, data, flat, parameters = drawn
    ours = log_lifts(parameters, media_brought(parameters, data, form.model).beta, data, form.model).numpy()
    theirs = [oracle(one, data, row).log_lifts for row in flat]
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8)


@pytest.mark.parametrize("form", ["plain", "window_hill"], indirect=True)
def test_a_test_of_a_platform_is_the_sum_over_its_tacticals(form, drawn):
    """With what every tactical brings known, the density of a platform's lift peaks at their sum."""
    one, data, _, parameters = drawn

    def lift_of(node):
        test = LiftTest(node, "2023-03-06", "2023-05-29", 0.0, one._trained.scaling.target_sd)
        lifts = arrange_lifts([test], one.hierarchy, one._trained.table, one._trained.scaling, form.model)
        with_tests = data._replace(lifts=lifts)
        beta = media_brought(parameters, with_tests, form.model).beta
        return np.sqrt(-2 * log_lifts(parameters, beta, with_tests, form.model).numpy())  # |lift| in target sd

    np.testing.assert_allclose(lift_of("Google"), lift_of("brand") + lift_of("generic"), rtol=1e-9)
    np.testing.assert_allclose(lift_of("Web"), lift_of("Google") + lift_of("feed"), rtol=1e-9)
