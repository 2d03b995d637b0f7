from dataclasses import replace

import numpy as np
import pytest

from hierforecast.precision import MixModel
from hierforecast.precision.posterior.density import density_of, week_factors
from hierforecast.precision.posterior.parameters import block_sizes
from hierforecast.precision.training import model_data


@pytest.fixture
def arranged(form, trained):
    """A form's model, its arrays, and five random flat vectors."""
    one, data = trained(form)
    size = sum(block_sizes(data, form.model).values())
    return one, data, np.random.default_rng(1).normal(size=(5, size))


def test_the_density_is_the_model_written_in_numpy_up_to_a_constant(tf, form, arranged, oracle):
    one, data, flat = arranged
    ours = density_of(form.model)(tf.constant(flat), data).numpy()
    theirs = [oracle(one, data, row).log_posterior for row in flat]
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-9, atol=1e-7)


def test_a_batch_of_chains_is_each_chain_by_itself(tf, form, arranged):
    _, data, flat = arranged
    batched = density_of(form.model)(tf.constant(flat), data).numpy()
    single = [density_of(form.model)(tf.constant(row[None]), data).numpy()[0] for row in flat[:2]]
    np.testing.assert_allclose(batched[:2], single, rtol=1e-11)


def test_gradients_are_finite_and_those_of_the_density(tf, form, arranged):
    _, data, flat = arranged
    flat = tf.constant(np.concatenate([flat, 2.5 * flat]))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        value = density_of(form.model)(flat, data)
    gradient = tape.gradient(value, flat).numpy()
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    way = np.random.default_rng(2).normal(size=flat.shape)
    step = 1e-6
    ahead, behind = (density_of(form.model)(flat + sign * step * way, data).numpy() for sign in (1, -1))
    along = (gradient * way).sum(axis=1)
    np.testing.assert_allclose((ahead - behind)[:5] / (2 * step), along[:5], rtol=1e-4, atol=1e-3)


def test_factors_of_weeks_add_up_to_the_joint_density_and_unobserved_weeks_count_nothing(tf, form, arranged, oracle):
    one, data, flat = arranged
    factors = week_factors(form.model)(tf.constant(flat), data).numpy()
    seen = one._trained.observed
    assert not seen.all()
    assert (factors[:, ~seen] == 0).all()
    joint = [oracle(one, data, row).log_likelihood for row in flat]
    np.testing.assert_allclose(factors.sum(axis=1), joint, rtol=1e-9)


def test_units_of_target_media_and_spend_change_nothing(tf, form, arranged, made, make_model):
    """What the sampler sees is the same, so all that follows is, in other units."""
    one, data, flat = arranged
    times = {"revenue": 1e3, "feed": 1e3, "spot": 1e-3} | {column: 1e3 for column in made.panel if column.endswith("_spend")}
    panel = made.panel.assign(**{column: made.panel[column] * factor for column, factor in times.items()})
    lifts = tuple(replace(test, lift=1e3 * test.lift, sd=1e3 * test.sd) for test in form.lifts)
    other = make_model(form.hierarchy, model=form.model, priors=form.priors)
    other._train(panel, one._trained.observed, lifts)
    other._training = other._training._replace(old=one._trained.old)
    scaled, _ = model_data(other._trained, other.hierarchy, other._numbers, form.model)
    ours, theirs = (density_of(form.model)(tf.constant(flat), arrays).numpy() for arrays in (data, scaled))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_equal_forms_share_one_density():
    assert density_of(MixModel(memory=8)) is density_of(MixModel(memory=8))
    assert density_of(MixModel(memory=8)) is not density_of(MixModel(memory=9))
    assert density_of(MixModel(memory=8)).__qualname__ != density_of(MixModel(memory=9)).__qualname__
