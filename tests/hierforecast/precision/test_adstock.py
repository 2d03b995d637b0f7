import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.precision.adstock import decay_from_half_life, geometric, half_life_from_decay


def test_one_exposure_decays_and_adds_up_to_itself():
    exposure = np.zeros((1, 200))
    exposure[0, 0] = 8.0
    carried = geometric(exposure, np.array([0.5]))[0]
    np.testing.assert_allclose(carried[:4], [4.0, 2.0, 1.0, 0.5])
    assert carried.sum() == pytest.approx(8.0)


@given(decay=st.floats(0, 0.98), cut=st.integers(1, 29))
def test_later_weeks_continue_from_the_state(decay, cut):
    exposure = np.random.default_rng(0).gamma(2.0, size=(3, 30))
    decays = np.array([decay, 0.0, 0.9])
    whole = geometric(exposure, decays)
    later = geometric(exposure[:, cut:], decays, whole[:, cut - 1])
    np.testing.assert_allclose(later, whole[:, cut:], rtol=1e-12)


@given(st.floats(0.05, 50))
def test_half_life_is_where_half_is_left(half_life):
    decay = decay_from_half_life(half_life)
    assert decay**half_life == pytest.approx(0.5)
    assert half_life_from_decay(decay) == pytest.approx(half_life)


@pytest.mark.parametrize("weeks", [1, 2, 7, 64, 65, 156])
def test_the_tensorflow_twin_agrees_with_exact_memory(weeks):
    tf = pytest.importorskip("tensorflow", reason="the precision extra is not installed")
    from hierforecast.precision.adstock import geometric_tf

    rng = np.random.default_rng(weeks)
    exposure = rng.gamma(2.0, size=(5, weeks))
    decay = np.concatenate([rng.uniform(0, 1, (3, 5)), [[0.0, 0.01, 0.5, 0.99, 0.9999]]])
    twin = geometric_tf(tf.constant(exposure), tf.constant(decay)).numpy()
    assert twin.shape == (4, 5, weeks)
    np.testing.assert_allclose(twin, geometric(exposure, decay), rtol=1e-11)
