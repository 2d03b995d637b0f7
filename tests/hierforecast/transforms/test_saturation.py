"""Laws of diminishing returns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.transforms.saturation import hill, logarithmic, power


@given(st.floats(0.01, 1e3), st.floats(0.2, 5))
def test_hill_is_one_half_at_half_and_stays_between_zero_and_one(half, slope):
    values = hill(np.array([-1.0, 0.0, half, 1e30]), half, slope)
    np.testing.assert_allclose(values[:3], [0.0, 0.0, 0.5])
    assert 0.99 < values[3] <= 1.0


@given(st.floats(0.01, 1e3))
def test_both_curves_rise_and_flatten(half):
    exposure = np.linspace(0, 10 * half, 50)
    for curve in (hill(exposure, half), logarithmic(exposure, half)):
        steps = np.diff(curve)
        assert (steps > 0).all()
        assert (np.diff(steps) < 0).all()


@given(st.floats(0.05, 0.95), st.floats(1.1, 10))
def test_power_has_one_elasticity_everywhere(exponent, factor):
    exposure = np.array([0.1, 1.0, 50.0])
    np.testing.assert_allclose(power(factor * exposure, exponent), factor**exponent * power(exposure, exponent))
    np.testing.assert_allclose(power(np.array([-3.0, 0.0]), exponent), 0.0)
