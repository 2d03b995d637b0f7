import numpy as np
import pytest
from scipy import stats

from hierforecast.precision.adstock import geometric
from hierforecast.precision.posterior import block_sizes, constrain, log_density, log_likelihood, split_blocks
from hierforecast.precision.training import model_data

tf = pytest.importorskip("tensorflow", reason="the precision extra is not installed")


@pytest.fixture(scope="module")
def data(make_model, made):
    model = make_model()
    model._train(made.panel, None)  # includes planned weeks, which must not count
    return model_data(model._trained, model.hierarchy, model._numbers)[0]


@pytest.fixture(scope="module")
def flat(data):
    return np.random.default_rng(1).normal(size=(5, sum(block_sizes(data).values())))


def as_tensors(data):
    return tf.nest.map_structure(lambda array: tf.constant(array, tf.float64), data)


def numpy_mean(drawn, data):
    """The mean of the target, (draws, weeks), written as the model's equation."""
    carried = geometric(data.media, drawn.decay)
    centred = carried - carried[:, :, data.observed > 0].mean(axis=-1, keepdims=True)
    return drawn.intercept + (drawn.beta[..., None] * centred).sum(axis=1) + drawn.control @ data.controls.T


def numpy_log_posterior(flat, data):
    drawn, x, priors = constrain(flat, data), split_blocks(flat, data), data.priors
    total = stats.norm.logpdf(data.target, numpy_mean(drawn, data), drawn.noise)[:, data.observed > 0].sum(axis=1)
    for name in ("intercept", "noise", "global_effect", "scales", "level_0", "level_1", "half_life", "control"):
        total = total + stats.norm.logpdf(x[name]).sum(axis=1)
    parents = drawn.effects[-2] @ data.parents[-1] - priors.effect_location
    scale = drawn.scales[:, -1:]
    centre, spread = data.centring * parents, scale**data.centring
    return total + stats.norm.logpdf(x["level_2"], centre, spread).sum(axis=1)


def test_the_density_is_the_model_written_in_numpy_up_to_a_constant(flat, data):
    ours = log_density(tf.constant(flat), as_tensors(data)).numpy()
    np.testing.assert_allclose(np.diff(ours), np.diff(numpy_log_posterior(flat, data)), rtol=1e-9)


def test_the_likelihood_per_week_is_the_normal_density_of_observed_weeks(flat, data):
    drawn = constrain(flat, data)
    ours = log_likelihood(tf.nest.map_structure(tf.constant, drawn), as_tensors(data)).numpy()
    expected = stats.norm.logpdf(data.target, numpy_mean(drawn, data), drawn.noise)
    seen = data.observed > 0
    np.testing.assert_allclose(ours[:, seen], expected[:, seen], rtol=1e-9)
    assert not seen.all()
    assert (ours[:, ~seen] == 0).all()


def test_a_batch_of_chains_is_each_chain_by_itself(flat, data):
    batched = log_density(tf.constant(flat), as_tensors(data)).numpy()
    single = [log_density(tf.constant(row[None]), as_tensors(data)).numpy()[0] for row in flat]
    np.testing.assert_allclose(batched, single, rtol=1e-12)


def test_centring_changes_coordinates_and_not_the_model(data):
    """Drawn from the prior, tactical effects have the same distribution at any degree of centring."""
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(20_000, sum(block_sizes(data).values())))
    x = split_blocks(flat, data)  # views into flat
    means = []
    for degree in (0.0, 0.6, 1.0):
        centred = data._replace(centring=np.full(4, degree))
        drawn = constrain(flat, centred)
        parents = drawn.effects[-2] @ data.parents[-1] - data.priors.effect_location
        prior = flat.copy()
        split_blocks(prior, centred)["level_2"][:] = degree * parents + drawn.scales[:, -1:] ** degree * x["level_2"]
        means.append(np.quantile(constrain(prior, centred).effects[-1], [0.05, 0.5, 0.95], axis=0))
    np.testing.assert_allclose(means[1], means[0], atol=1e-9)
    np.testing.assert_allclose(means[2], means[0], atol=1e-9)


def test_a_strong_medium_is_centred_and_a_silent_one_hardly(make_model, made):
    model = make_model()
    panel = made.panel.assign(feed=np.random.default_rng(9).gamma(2.0, size=len(made.panel)))  # unrelated to the target
    model._train(panel, None)
    centring = model_data(model._trained, model.hierarchy, model._numbers)[0].centring
    assert (centring >= 0).all()
    assert (centring < 1).all()
    assert centring[0] > 0.8
    assert centring[3] < 0.5
