"""Laws of carry-over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.transforms.adstock import geometric


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
