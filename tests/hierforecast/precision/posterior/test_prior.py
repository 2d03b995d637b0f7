"""Draws of the prior and its density are two pieces of code, so each is held against known laws and against the other."""

import numpy as np
import pytest
from scipy import stats

from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.parameters import block_sizes, constrain, split_blocks
from hierforecast.precision.posterior.prior import log_prior, prior_draws

DRAWS = 4000


def follows(values, law):
    """Whether independent values come from a law: Kolmogorov-Smirnov, wrong in one of 10,000 true cases."""
    return stats.kstest(values, law.cdf).pvalue > 1e-4


@pytest.fixture
def drawn(form, trained):
    """A form's model and arrays, and its prior's flat vectors and parameters."""
    one, data = trained(form)
    flat = prior_draws(data, form.model, draws=DRAWS, seed=8)
    return one, data, flat, constrain(flat, data, form.model)


def test_scores_of_every_entry_average_as_they_must(tf, form, drawn):
    """E[d log p / dx] = 0 and E[x d log p / dx] = -1 under p for every entry x, whatever the law p."""
    _, data, flat, _ = drawn
    position = tf.constant(flat)
    with tf.GradientTape() as tape:
        tape.watch(position)
        value = log_prior(position, constrain(position, data, form.model, in_tensorflow()), data, form.model)
    slope = tape.gradient(value, position).numpy()
    for score, expected in ((slope, 0.0), (flat * slope, -1.0)):
        distance = np.abs(score.mean(axis=0) - expected) / (score.std(axis=0) / np.sqrt(DRAWS))
        assert distance.max() < 4.5


@pytest.mark.parametrize("form", ["refresh", "all_refresh"], indirect=True)
def test_an_old_posterior_gives_back_its_mean_and_covariance(drawn):
    _, data, flat, _ = drawn
    white = (flat - data.old.mean) @ data.old.root
    assert np.abs(white.mean(axis=0)).max() < 5 / np.sqrt(DRAWS)
    np.testing.assert_allclose(np.cov(white.T), np.eye(white.shape[1]), atol=6 / np.sqrt(DRAWS))
    assert follows(white[:, 0], stats.norm())


@pytest.mark.parametrize("form", ["own_effects"], indirect=True)
def test_half_lives_and_own_effects_have_their_lognormal_laws(drawn):
    _, _, _, parameters = drawn
    half_life = -np.log(2) / np.log(parameters.decay)
    assert follows(half_life[:, 0], stats.lognorm(0.4, scale=3.0))  # TV's own
    assert follows(half_life[:, 2], stats.lognorm(0.6, scale=0.9))  # the default of weeks
    assert follows(parameters.strength[:, 0], stats.lognorm(0.9, scale=0.6))
    for place in (1, 2):
        assert follows(parameters.strength[:, place], stats.lognorm(0.3, scale=0.2))
    assert abs(np.corrcoef(parameters.strength[:, 1], parameters.strength[:, 2])[0, 1]) < 0.07  # own priors are not pooled


@pytest.mark.parametrize("form", ["beta"], indirect=True)
def test_decays_have_their_beta_laws(drawn):
    parameters = drawn[-1]
    for place, shape in enumerate([(2, 3), (3, 2), (3, 2), (1, 4)]):
        assert follows(parameters.decay[:, place], stats.beta(*shape))


@pytest.mark.parametrize("form", ["pooled_logit"], indirect=True)
def test_pooled_decays_of_a_channel_are_more_alike(drawn):
    logit = np.log(drawn[-1].decay / (1 - drawn[-1].decay))
    assert np.median(logit[:, 0]) == pytest.approx(np.log(0.3 / 0.7), abs=0.06)
    together = np.corrcoef(logit.T)
    assert together[1, 2] > together[0, 1] + 0.1


@pytest.mark.parametrize("form", ["horseshoe"], indirect=True)
def test_a_horseshoe_has_its_half_cauchy_scales_and_its_slab(form, drawn):
    _, data, flat, parameters = drawn
    x = split_blocks(flat, data, form.model)
    assert follows(np.exp(x["shrinkage"][:, 0]), stats.halfcauchy())
    assert follows(np.exp(x["local"][:, 1]), stats.halfcauchy())
    assert follows(np.exp(x["slab"][:, 0]), stats.invgamma(2, scale=2))
    assert follows(np.exp(x["size"][:, 2]), stats.halfnorm())
    # Given the slab c, an effect is below c |z|; most are far below.
    slab = np.exp(0.5 * x["slab"])
    assert (parameters.strength < slab * np.exp(x["size"])).all()
    assert np.median(parameters.strength) < 0.25


@pytest.mark.parametrize("form", ["plain"], indirect=True)
def test_effects_spread_by_as_much_as_every_level_adds(drawn):
    one, _, _, parameters = drawn
    priors = one.priors
    assert np.median(parameters.strength[:, 0]) == pytest.approx(priors.effect_median, rel=0.06)
    level = np.log(priors.scale_median)
    square = np.exp(2 * level + 2 * priors.scale_sd**2)  # E[scale^2] of a LogNormal
    variance = np.log(parameters.strength).var(axis=0)
    np.testing.assert_allclose(variance, priors.effect_sd**2 + 3 * square, rtol=0.12)
    # Siblings share all levels above their own.
    covariance = np.cov(np.log(parameters.strength[:, 1:3]).T)[0, 1]
    assert covariance == pytest.approx(priors.effect_sd**2 + 2 * square, rel=0.12)


@pytest.mark.parametrize("form", ["ar1_student"], indirect=True)
def test_correlations_and_tails_have_their_laws(drawn):
    _, _, _, parameters = drawn
    assert follows(np.arctanh(parameters.correlation[:, 0]), stats.norm(0, 0.5))
    assert follows(parameters.tails[:, 0] - 2, stats.lognorm(0.7, scale=8.0))
    assert follows(parameters.noise[:, 0], stats.lognorm(0.7, scale=0.5))


@pytest.mark.parametrize("form", ["plain", "two_levels", "at_platform", "own_effects"], indirect=True)
def test_centring_changes_coordinates_and_not_the_model(form, drawn):
    """Drawn from the prior, effects are the same whatever the degree of centring; only their entries differ."""
    _, data, _, _ = drawn
    lowest = f"level_{len(data.parents) - 1}"
    effects, entries = [], []
    for degree in (0.0, 0.6, 1.0):
        other = data._replace(centring=np.full(data.units, degree))
        flat = prior_draws(other, form.model, draws=500, seed=1)
        effects.append(constrain(flat, other, form.model).strength)
        entries.append(split_blocks(flat, other, form.model)[lowest])
    np.testing.assert_allclose(effects[1], effects[0], rtol=1e-9)
    np.testing.assert_allclose(effects[2], effects[0], rtol=1e-9)
    assert np.abs(entries[2] - entries[0]).max() > 0.1


def test_seeds_decide_the_draws(form, trained):
    _, data = trained(form)
    one, again, other = (prior_draws(data, form.model, draws=3, seed=seed) for seed in (1, 1, 2))
    assert one.shape == (3, sum(block_sizes(data, form.model).values()))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(axis=0).all()
