import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierforecast.precision.adstock import (
    decay_from_half_life,
    geometric,
    geometric_tf,
    half_life_from_decay,
    lagged,
    window_weights_tf,
)

DECAYS = np.concatenate([np.random.default_rng(1).uniform(0, 1, (3, 5)), [[0.0, 0.01, 0.5, 0.99, 0.9999]]])


def recursion(exposure, decay):
    """a[t] = (1 - decay) x[t] + decay a[t-1], week by week."""
    carried, state = np.empty(len(exposure)), 0.0
    for week, now in enumerate(exposure):
        state = carried[week] = (1 - decay) * now + decay * state
    return carried


def test_one_exposure_decays_and_adds_up_to_itself():
    exposure = np.zeros((1, 200))
    exposure[0, 0] = 8.0
    carried = geometric(exposure, np.array([0.5]))[0]
    np.testing.assert_allclose(carried[:4], [4.0, 2.0, 1.0, 0.5])
    assert carried.sum() == pytest.approx(8.0)


@given(decay=st.floats(0, 0.9999), weeks=st.integers(1, 130))
def test_exact_memory_is_the_plain_recursion(decay, weeks):
    exposure = np.random.default_rng(weeks).gamma(2.0, size=weeks)
    np.testing.assert_allclose(geometric(exposure, decay), recursion(exposure, decay), rtol=1e-10, atol=1e-14)


@given(decay=st.floats(0, 0.9999), weeks=st.integers(1, 60), memory=st.integers(1, 80))
def test_a_window_is_a_plain_convolution(decay, weeks, memory):
    exposure = np.random.default_rng(weeks).gamma(2.0, size=weeks)
    weights = decay ** np.arange(memory)
    expected = np.convolve(exposure, weights / weights.sum())[:weeks]
    np.testing.assert_allclose(geometric(exposure, decay, memory=memory), expected, rtol=1e-8)


def test_a_memory_longer_than_the_weeks_only_weighs_otherwise():
    exposure, decay = np.random.default_rng(0).gamma(2.0, size=20), np.array([0.3, 0.9])
    whole = geometric(exposure, decay)
    for memory in (20, 21, 35):
        np.testing.assert_allclose(
            geometric(exposure, decay, memory=memory), whole / (1 - decay[:, None] ** memory), rtol=1e-12
        )
    np.testing.assert_allclose(geometric(exposure, decay, memory=5000), whole, rtol=1e-12)


def test_leading_dimensions_broadcast():
    exposure = np.random.default_rng(0).gamma(2.0, size=(5, 30))
    carried = geometric(exposure, DECAYS)
    assert carried.shape == (4, 5, 30)
    np.testing.assert_allclose(carried[2, 3], recursion(exposure[3], DECAYS[2, 3]), rtol=1e-11)
    one = geometric(exposure[0], DECAYS[:, 0], memory=4)
    assert one.shape == (4, 30)


def test_the_exposure_is_left_as_it_was():
    exposure = np.ones((2, 10))
    geometric(exposure, np.array([0.5, 0.5]))
    geometric(exposure, np.array([0.5, 0.5]), memory=3)
    assert (exposure == 1).all()


@given(st.floats(0.05, 50))
def test_half_life_is_where_half_is_left(half_life):
    decay = decay_from_half_life(half_life)
    assert decay**half_life == pytest.approx(0.5)
    assert half_life_from_decay(decay) == pytest.approx(half_life)


def test_nothing_carried_over_is_a_half_life_of_none():
    assert half_life_from_decay(0.0) == 0.0


@pytest.mark.parametrize("weeks", [1, 2, 7, 64, 65, 156])
def test_the_tensorflow_twin_agrees_with_exact_memory(tf, weeks):
    exposure = np.random.default_rng(weeks).gamma(2.0, size=(5, weeks))
    twin = geometric_tf(tf.constant(exposure), tf.constant(DECAYS)).numpy()
    assert twin.shape == (4, 5, weeks)
    np.testing.assert_allclose(twin, geometric(exposure, DECAYS), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("memory", [1, 2, 13, 40])
def test_lagged_exposures_times_weights_are_the_window(tf, memory):
    exposure = np.random.default_rng(memory).gamma(2.0, size=(5, 30))
    weights = window_weights_tf(tf.constant(DECAYS), memory).numpy()
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)
    twin = np.einsum("ctk,tkw->ctw", weights, lagged(exposure, memory))
    np.testing.assert_allclose(twin, geometric(exposure, DECAYS, memory=memory), rtol=1e-10)
