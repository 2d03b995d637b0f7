import numpy as np
import pytest
from scipy import stats

from hierforecast.options import Sampling
from hierforecast.precision.sampling import energy_fraction, sample
from hierforecast.precision.sampling.chains import Chains
from hierforecast.precision.sampling.program import compiled_program

SETTINGS = Sampling(chains=4, warmup=300, draws=400, seed=1, max_tree_depth=6, steps_per_draw=1)
SHORT = SETTINGS.model_copy(update={"warmup": 60, "draws": 60})


@pytest.fixture(scope="module")
def drawn(correlated_normal, normal_data):
    return sample(correlated_normal, normal_data, np.ones(3), sampling=SETTINGS)


@pytest.fixture
def counted(monkeypatch):
    """How often the compiled program is called."""
    calls, real = [], Chains._call

    def count(self, *arguments):
        calls.append(arguments)
        return real(self, *arguments)

    monkeypatch.setattr(Chains, "_call", count)
    return calls


def test_a_correlated_normal_is_recovered(drawn, normal_data, scales):
    assert drawn.flat.shape == (4, 400, 3)
    assert not drawn.diverging.any()
    assert drawn.acceptance.mean() == pytest.approx(0.9, abs=0.06)
    assert drawn.leapfrogs.mean() < 20  # the metric was learned: without it, scales 300 apart need hundreds
    pooled = drawn.flat.reshape(-1, 3)
    standard = (pooled - normal_data[0]) / scales
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=0.12)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=0.1)
    assert np.corrcoef(pooled.T)[0, 1] == pytest.approx(0.95, abs=0.015)


def test_draws_are_distributed_as_the_density_says(correlated_normal, normal_data, scales):
    """Thinned until they are nearly independent: Kolmogorov-Smirnov, wrong in one of 10,000 true cases."""
    settings = SETTINGS.model_copy(update={"draws": 500, "steps_per_draw": 6})
    flat = sample(correlated_normal, normal_data, np.ones(3), sampling=settings, seed=11).flat.reshape(-1, 3)
    standard = (flat - normal_data[0]) / scales
    for entry in range(3):
        assert stats.kstest(standard[:, entry], stats.norm.cdf).pvalue > 1e-4
    distance = (flat - normal_data[0]) * ((flat - normal_data[0]) @ normal_data[1])
    assert stats.kstest(distance.sum(axis=1), stats.chi2(3).cdf).pvalue > 1e-4


def test_told_numbers_have_their_meaning(drawn, normal_data):
    centred = drawn.flat - normal_data[0]
    log_density = -0.5 * (centred * (centred @ normal_data[1])).sum(axis=-1)
    np.testing.assert_allclose(drawn.log_density, log_density, rtol=1e-6, atol=1e-9)
    assert (drawn.leapfrogs >= 1).all()
    assert (drawn.leapfrogs <= 2**6 - 1).all()
    assert drawn.warmup_leapfrogs > 300 * 4
    assert drawn.step_size > 0.3
    assert drawn.energy_fraction.min() > 0.5


def test_one_draw_is_kept_per_some_steps(correlated_normal, normal_data):
    """Thinning keeps every third state of the same walk, and sums or averages what was told in between."""
    every = SHORT.model_copy(update={"draws": 180})
    third = SHORT.model_copy(update={"draws": 60, "steps_per_draw": 3})
    whole, kept = (sample(correlated_normal, normal_data, np.ones(3), sampling=chosen) for chosen in (every, third))
    np.testing.assert_array_equal(kept.flat, whole.flat[:, 2::3])
    np.testing.assert_array_equal(kept.energy, whole.energy[:, 2::3])
    np.testing.assert_array_equal(kept.leapfrogs, whole.leapfrogs.reshape(4, 60, 3).sum(axis=2))
    np.testing.assert_allclose(kept.acceptance, whole.acceptance.reshape(4, 60, 3).mean(axis=2))
    np.testing.assert_allclose(kept.energy_fraction, whole.energy_fraction)  # over every step


def test_seeds_decide_the_draws_and_progress_is_told(correlated_normal, normal_data):
    seen = []
    arguments = (correlated_normal, normal_data, np.ones(3))
    one = sample(*arguments, sampling=SHORT, progress=lambda *told: seen.append(told))
    again, other = sample(*arguments, sampling=SHORT), sample(*arguments, sampling=SHORT, seed=2)
    np.testing.assert_array_equal(one.flat, again.flat)
    assert (one.flat != other.flat).any(axis=(0, 1)).all()
    assert [told for told in seen if told[0] == "warm-up"][-1] == ("warm-up", 60, 60)
    assert seen[-1] == ("draws", 60, 60)
    done = [told[1] for told in seen if told[0] == "warm-up"]
    assert done == sorted(done)
    starts = one.flat[:, 0]
    assert len(np.unique(starts[:, 0])) == 4  # chains do not walk in step


def test_a_finished_run_is_taken_from_its_checkpoint(correlated_normal, normal_data, tmp_path, counted):
    arguments = (correlated_normal, normal_data, np.ones(3))
    free = sample(*arguments, sampling=SHORT)
    needed = len(counted)
    kept = sample(*arguments, sampling=SHORT, checkpoint=tmp_path)
    assert len(list(tmp_path.glob("call-*"))) == needed
    again = sample(*arguments, sampling=SHORT, checkpoint=tmp_path)
    assert len(counted) == 2 * needed
    for one in (kept, again):
        for ours, theirs in zip(one, free, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("lost", [1, 3])
def test_an_interrupted_run_goes_on_with_the_draws_it_would_have_had(correlated_normal, normal_data, tmp_path, counted, lost):
    arguments = (correlated_normal, normal_data, np.ones(3))
    free = sample(*arguments, sampling=SHORT)

    class StopError(Exception):
        """The plug."""

    def pull(stage, done, steps):
        if len(list(tmp_path.glob("call-*"))) == lost:
            raise StopError

    with pytest.raises(StopError):
        sample(*arguments, sampling=SHORT, checkpoint=tmp_path, progress=pull)
    counted.clear()
    resumed = sample(*arguments, sampling=SHORT, checkpoint=tmp_path)
    assert len(counted) == len(list(tmp_path.glob("call-*"))) - lost
    np.testing.assert_array_equal(resumed.flat, free.flat)
    assert resumed.warmup_leapfrogs == free.warmup_leapfrogs


@pytest.mark.parametrize("changed", ["data", "settings", "seed", "spread", "density"])
def test_a_checkpoint_of_another_run_is_not_used(correlated_normal, normal_data, tmp_path, counted, changed, monkeypatch):
    program = compiled_program(correlated_normal, SHORT.max_tree_depth)  # not the other density's, which takes time
    monkeypatch.setattr("hierforecast.precision.sampling.chains.compiled_program", lambda *_: program)
    arguments = {"log_density": correlated_normal, "data": normal_data, "spread": np.ones(3), "sampling": SHORT, "seed": 1}
    sample(**arguments, checkpoint=tmp_path)
    needed = len(counted)

    def another(flat, data):
        return correlated_normal(flat, data)

    another.__qualname__ = "another"
    other = (
        arguments
        | {
            "data": {"data": (normal_data[0] + 0.1, normal_data[1])},
            "settings": {"sampling": SHORT.model_copy(update={"target_acceptance": 0.91})},
            "seed": {"seed": 2},
            "spread": {"spread": np.array([1.0, 1.0, 0.9])},
            "density": {"log_density": another},
        }[changed]
    )
    free = sample(**other)
    counted.clear()
    found = sample(**other, checkpoint=tmp_path)
    assert len(counted) == needed
    np.testing.assert_array_equal(found.flat, free.flat)


def test_a_truncated_call_is_taken_again(correlated_normal, normal_data, tmp_path, counted):
    arguments = (correlated_normal, normal_data, np.ones(3))
    whole = sample(*arguments, sampling=SHORT, checkpoint=tmp_path)
    last = sorted(tmp_path.glob("call-*"))[-2]
    last.write_bytes(last.read_bytes()[:-20])
    counted.clear()
    again = sample(*arguments, sampling=SHORT, checkpoint=tmp_path)
    assert len(counted) == 1
    np.testing.assert_array_equal(again.flat, whole.flat)


def test_eight_schools_are_fine_without_a_funnel(tf):
    """Standardised effects; the posterior's means and sds are those of the public reference draws."""
    arviz = pytest.importorskip("arviz", reason="the precision extra is not installed")

    def eight_schools(flat, data):
        outcome, sd = data
        mu, log_tau, z = 5 * flat[:, :1], flat[:, 1:2], flat[:, 2:]
        effect = mu + tf.exp(log_tau) * z
        likelihood = -0.5 * tf.reduce_sum(((outcome - effect) / sd) ** 2, axis=-1)
        half_cauchy = log_tau[:, 0] - tf.math.log1p(tf.exp(2 * log_tau[:, 0]) / 25)
        return likelihood + half_cauchy - 0.5 * (flat[:, 0] ** 2 + tf.reduce_sum(z**2, axis=-1))

    data = (np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0]))
    settings = Sampling(chains=4, warmup=500, draws=1000, seed=3, target_acceptance=0.95)
    drawn = sample(eight_schools, data, np.ones(10), sampling=settings)
    assert drawn.diverging.sum() <= 2
    mu, tau = 5 * drawn.flat[..., 0], np.exp(drawn.flat[..., 1])
    assert mu.mean() == pytest.approx(4.4, abs=0.3)
    assert mu.std() == pytest.approx(3.3, abs=0.3)
    assert tau.mean() == pytest.approx(3.6, abs=0.35)
    assert tau.std() == pytest.approx(3.2, abs=0.6)
    assert max(float(arviz.rhat(drawn.flat[..., entry])) for entry in range(10)) < 1.015


def test_energy_fraction_tells_a_random_walk_from_free_moves():
    rng = np.random.default_rng(0)
    free = rng.normal(size=(4, 500))
    assert energy_fraction(free).min() > 1.5
    stuck = free.copy()
    stuck[1] = rng.normal(size=500).cumsum()
    assert energy_fraction(stuck).argmin() == 1
    assert energy_fraction(stuck).min() < 0.2
    assert np.isnan(energy_fraction(np.zeros((4, 500)))).all()
