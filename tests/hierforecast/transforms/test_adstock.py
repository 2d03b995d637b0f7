"""Laws of carry-over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.transforms.adstock import geometric, weibull_weights, weighted


def test_a_pulse_decays_by_the_stated_share():
    carried = geometric(np.array([1.0, 0.0, 0.0, 0.0]), 0.5)
    np.testing.assert_allclose(carried, [0.5, 0.25, 0.125, 0.0625])


@given(st.floats(0, 0.95), st.integers(1, 19), st.integers(0, 1000))
def test_cutting_time_anywhere_changes_nothing_when_the_state_is_carried(decay, cut, seed):
    exposure = np.random.default_rng(seed).gamma(1.0, 1.0, (20, 3))
    whole = geometric(exposure, decay)
    before = geometric(exposure[:cut], decay)
    after = geometric(exposure[cut:], decay, initial=before[-1])
    np.testing.assert_allclose(np.concatenate([before, after]), whole)


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9])
def test_a_constant_exposure_keeps_its_size(decay):
    np.testing.assert_allclose(geometric(np.full((5, 2), 7.0), decay, initial=7.0), 7.0)


@given(st.floats(0.3, 5), st.floats(0.2, 20), st.integers(1, 30))
def test_weibull_weights_share_out_one_exposure(shape, scale, periods):
    weights = weibull_weights(shape, scale, periods)
    assert weights.shape == (periods,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0)


def test_weibull_of_shape_one_is_geometric():
    decay = 0.6
    weights = weibull_weights(1.0, -1 / np.log(decay), 60)
    np.testing.assert_allclose(weights[:20], (1 - decay) * decay ** np.arange(20), rtol=1e-9)
    exposure = np.random.default_rng(0).gamma(1.0, 1.0, (40, 2))
    np.testing.assert_allclose(weighted(exposure, weights), geometric(exposure, decay), rtol=1e-9)


def test_a_weibull_shape_above_one_peaks_after_the_exposure():
    assert weibull_weights(3.0, 4.0, 13).argmax() == 3


@given(st.integers(1, 19), st.integers(1, 25), st.integers(0, 1000))
def test_cutting_time_changes_nothing_when_the_last_exposures_are_carried(cut, reach, seed):
    exposure = np.random.default_rng(seed).gamma(1.0, 1.0, (20, 3))
    weights = weibull_weights(1.5, 3.0, reach)
    padded = np.concatenate([np.zeros((reach - 1, 3)), exposure[:cut]])
    after = weighted(exposure[cut:], weights, before=padded[len(padded) - (reach - 1) :])
    np.testing.assert_allclose(np.concatenate([weighted(exposure[:cut], weights), after]), weighted(exposure, weights))
