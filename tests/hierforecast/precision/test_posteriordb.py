"""The sampler against public reference draws: posteriors that others have computed, far from a marketing mix model.

Scales are sampled as logarithms, so each density carries the logarithm of d scale / d log scale = scale.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from hierforecast.options import Sampling
from hierforecast.precision.sampling import sample

tf = pytest.importorskip("tensorflow", reason="the precision extra is not installed")
arviz = pytest.importorskip("arviz", reason="the precision extra is not installed")
pytestmark = pytest.mark.slow

REFERENCES = json.loads((Path(__file__).parent / "references" / "posteriordb.json").read_text())["posteriors"]


def normal(x, mean, sd):
    """Log density, but for a constant."""
    return -0.5 * tf.square((x - mean) / sd) - tf.math.log(sd)


def half_cauchy(log_x, scale):
    """Log density of log x, but for a constant: the last term is the Jacobian."""
    return -tf.math.log1p(tf.square(tf.exp(log_x) / scale)) + log_x


def eight_schools(flat, data):
    """mu, log tau, and a standardised effect per school."""
    y, sigma = data
    mu, log_tau, z = flat[:, :1], flat[:, 1], flat[:, 2:]
    theta = mu + tf.exp(log_tau)[:, None] * z
    likelihood = tf.reduce_sum(normal(y, theta, sigma), axis=-1)
    prior = -0.5 * tf.reduce_sum(tf.square(z), axis=-1) - 0.5 * tf.square(mu[:, 0] / 5)
    return likelihood + prior + half_cauchy(log_tau, 5.0)


def eight_schools_reported(flat):
    mu, tau = flat[..., 0], np.exp(flat[..., 1])
    theta = mu[..., None] + tau[..., None] * flat[..., 2:]
    return {**{f"theta[{school + 1}]": theta[..., school] for school in range(8)}, "mu": mu, "tau": tau}


def kidscore(flat, data):
    """A coefficient each for one, the mother's degree and her IQ, and log sigma; flat priors on the coefficients."""
    score, design = data
    log_sigma = flat[:, 3]
    fitted = tf.matmul(flat[:, :3], design, transpose_b=True)
    return tf.reduce_sum(normal(score, fitted, tf.exp(log_sigma)[:, None]), axis=-1) + half_cauchy(log_sigma, 2.5)


def kidscore_reported(flat):
    return {**{f"beta[{place + 1}]": flat[..., place] for place in range(3)}, "sigma": np.exp(flat[..., 3])}


def autoregression(flat, data):
    """alpha, a coefficient per lag, and log sigma."""
    now, lagged = data
    log_sigma = flat[:, 6]
    fitted = flat[:, :1] + tf.matmul(flat[:, 1:6], lagged, transpose_b=True)
    likelihood = tf.reduce_sum(normal(now, fitted, tf.exp(log_sigma)[:, None]), axis=-1)
    return likelihood - 0.5 * tf.reduce_sum(tf.square(flat[:, :6] / 10), axis=-1) + half_cauchy(log_sigma, 2.5)


def autoregression_reported(flat):
    betas = {f"beta[{lag}]": flat[..., lag] for lag in range(1, 6)}
    return {"alpha": flat[..., 0], **betas, "sigma": np.exp(flat[..., 6])}


def eight_schools_data(raw):
    return np.array(raw["y"], float), np.array(raw["sigma"], float)


def kidscore_data(raw):
    return np.array(raw["kid_score"], float), np.column_stack([np.ones(434), raw["mom_hs"], raw["mom_iq"]])


def autoregression_data(raw):
    y, lags = np.array(raw["y"]), raw["K"]
    return y[lags:], np.column_stack([y[lags - lag : -lag] for lag in range(1, lags + 1)])


POSTERIORS = {
    "eight_schools_noncentered": (eight_schools, eight_schools_data, eight_schools_reported, np.ones(10)),
    "kidscore_momhsiq": (kidscore, kidscore_data, kidscore_reported, np.ones(4)),
    "arK": (autoregression, autoregression_data, autoregression_reported, np.ones(7)),
}


@pytest.fixture(scope="module", params=POSTERIORS)
def drawn(request):
    """A posterior's reference summary, our draws of what it reports, and what the sampler told."""
    density, data, reported, spread = POSTERIORS[request.param]
    reference = REFERENCES[request.param]
    settings = Sampling(chains=4, warmup=1000, draws=2000, target_acceptance=0.95, seed=11)
    draws = sample(density, data(reference["data"]), spread, sampling=settings)
    return reference["summary"], reported(draws.flat), draws


def test_means_lie_within_the_monte_carlo_errors_of_the_reference(drawn):
    summary, ours, _ = drawn
    assert ours.keys() == summary.keys()
    ours_off = arviz.mcse(arviz.convert_to_dataset(ours), method="mean")
    errors = {name: np.hypot(summary[name]["mcse"], float(ours_off[name])) for name in ours}
    off = {name: (draws.mean() - summary[name]["mean"]) / errors[name] for name, draws in ours.items()}
    assert max(map(abs, off.values())) < 4, off
    # An error bar that is wide because the chains did not mix would excuse anything.
    assert all(errors[name] < 0.03 * summary[name]["sd"] for name in ours)


def test_sds_are_those_of_the_reference(drawn):
    summary, ours, _ = drawn
    ratio = {name: draws.std() / summary[name]["sd"] for name, draws in ours.items()}
    assert max(abs(value - 1) for value in ratio.values()) < 0.1, ratio


def test_chains_mix_and_nothing_diverges(drawn):
    _, ours, draws = drawn
    assert float(arviz.rhat(arviz.convert_to_dataset(ours)).to_array().max()) < 1.01
    assert not draws.diverging.any()
