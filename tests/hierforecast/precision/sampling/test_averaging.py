import numpy as np
import pytest

from hierforecast.precision.sampling.averaging import average, begin_averaging


def averaged(tf, *, scale, target, steps=400, learns=(True, True), noise=0.05):
    """Chains whose acceptance falls with the step size as exp(-(step / scale)^2)."""
    rng = np.random.default_rng(0)
    state = begin_averaging(0.1, 2)
    state = state._replace(**{name: tf.constant(value) for name, value in state._asdict().items()})
    for _ in range(steps):
        acceptance = np.exp(-((np.exp(state.log_step.numpy()) / scale) ** 2)) + noise * rng.normal(size=2)
        state = average(state, tf.constant(np.clip(acceptance, 0, 1)), tf.constant(target, tf.float64), tf.constant(learns))
    return state


@pytest.mark.parametrize("target", [0.65, 0.9])
def test_the_average_finds_the_target_whatever_the_scale_and_for_each_chain(tf, target):
    scale = np.array([0.02, 3.0])
    state = averaged(tf, scale=scale, target=target)
    wanted = scale * np.sqrt(-np.log(target))
    np.testing.assert_allclose(np.exp(state.log_step_average), wanted, rtol=0.08)


def test_a_chain_that_does_not_learn_stays_as_it_is(tf):
    state = averaged(tf, scale=1.0, target=0.9, steps=30, learns=(True, False))
    begun = begin_averaging(0.1, 2)
    for name, value in state._asdict().items():
        assert value[1] == getattr(begun, name)[1]
    assert state.count[0] == 30
    assert state.log_step_average[0] != begun.log_step_average[0]


def test_the_first_update_is_the_formula_of_its_source(tf):
    """Hoffman and Gelman 2014, section 3.2.1, by hand."""
    state = begin_averaging(0.1, 1)
    state = state._replace(**{name: tf.constant(value) for name, value in state._asdict().items()})
    state = average(state, tf.constant([0.5], tf.float64), tf.constant(0.8, tf.float64), tf.constant([True]))
    error = 0.3 / 11
    assert float(state.log_step[0]) == pytest.approx(np.log(1.0) - error / 0.05)
    assert float(state.log_step_average[0]) == pytest.approx(float(state.log_step[0]))  # the first weight is one
