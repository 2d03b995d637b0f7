import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.ensemble.simplex import optimality_gap, stacking_weights
from hierforecast.precision.ensemble.weights import equal, pseudo_bma, stack


def mixture(pointwise, weights):
    with np.errstate(divide="ignore"):
        return logsumexp(pointwise + np.log(weights), axis=1).sum()


def slsqp(pointwise, starts=4):
    """The best mixture that an independent solver finds from several starts."""
    density = np.exp(pointwise - pointwise.max(axis=1, keepdims=True))
    models = density.shape[1]
    rng = np.random.default_rng(0)
    found = [
        minimize(
            lambda w: -np.log(density @ w).mean(),
            start,
            jac=lambda w: -(density / (density @ w)[:, None]).mean(axis=0),
            bounds=[(1e-12, 1)] * models,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        ).x
        for start in [np.full(models, 1 / models), *rng.dirichlet(np.ones(models), size=starts - 1)]
    ]
    return max((w / w.sum() for w in found), key=lambda w: mixture(pointwise, w))


def models_of(case, weeks=520):
    rng = np.random.default_rng(11)
    y = rng.choice([-1.0, 2.0], size=weeks) + 0.3 * rng.normal(size=weeks)
    means = np.array([-1.0, 2.0, 0.0, 1.0, -1.2, 5.0])
    pointwise = -0.5 * ((y[:, None] - means) / 0.6) ** 2
    return {
        "mixture of two": pointwise,
        "noise": rng.normal(size=(weeks, 6)),
        "heavy": rng.standard_t(2, size=(weeks, 6)) * 3,
        "small differences": 0.01 * rng.normal(size=(weeks, 6)) + np.linspace(0, 0.001, 6),
    }[case]


@pytest.mark.parametrize("offset", [0.0, -800.0])
@pytest.mark.parametrize("case", ["mixture of two", "noise", "heavy", "small differences"])
def test_stacking_agrees_with_a_convex_solver(case, offset):
    pointwise = models_of(case) + offset
    found, expected = stack(pointwise, draws=2), slsqp(pointwise)
    assert found.gap < 1e-8
    assert mixture(pointwise, found.weights) >= mixture(pointwise, expected) - 1e-8
    np.testing.assert_allclose(found.weights, expected, atol=2e-4)
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (found.weights >= 0).all()


def test_no_weights_on_a_grid_are_better():
    pointwise = models_of("noise")[:, :3]
    best = mixture(pointwise, stack(pointwise, draws=2).weights)
    grid = [np.array([i, j, 40 - i - j]) / 40 for i in range(41) for j in range(41 - i)]
    assert best + 1e-8 >= max(mixture(pointwise, weights) for weights in grid)


def test_the_gap_bounds_what_is_lost():
    pointwise = models_of("noise")
    best = mixture(pointwise, stack(pointwise, draws=2).weights)
    for weights in np.random.default_rng(2).dirichlet(np.ones(6), size=50):
        assert optimality_gap(pointwise, weights) >= best - mixture(pointwise, weights) - 1e-9
    assert optimality_gap(pointwise, np.eye(6)[0]) > 1
    assert optimality_gap(np.array([[0.0, -800.0]]), np.array([0.0, 1.0])) == np.inf


@pytest.mark.parametrize("weeks", [1, 520])
def test_one_model_takes_all(weeks):
    pointwise = np.random.default_rng(0).normal(-800, 5, size=(weeks, 1))
    for found in (stack(pointwise, draws=50), pseudo_bma(pointwise, seed=1), equal(pointwise)):
        np.testing.assert_array_equal(found.weights, [1.0])
        np.testing.assert_array_equal(found.standard_error, [0.0])
        np.testing.assert_array_equal(found.difference_se, [0.0])
        assert found.gap == 0


def test_identical_models_share_and_do_not_dilute_the_third():
    first, third = models_of("noise")[:, :2].T
    twice = stack(np.stack([first, first, third], axis=1), draws=50)
    once = stack(np.stack([first, third], axis=1), draws=50)
    assert twice.weights[0] == pytest.approx(twice.weights[1], abs=1e-12)
    np.testing.assert_allclose([2 * twice.weights[0], twice.weights[2]], once.weights, atol=1e-5)
    np.testing.assert_allclose(stack(np.stack([first, first], axis=1), draws=50).weights, [0.5, 0.5])
    np.testing.assert_allclose(pseudo_bma(np.stack([first, first], axis=1), seed=1).weights, [0.5, 0.5])


def test_a_model_far_ahead_takes_all():
    pointwise = np.array([-800.0, -1100.0, -1500.0]) + np.random.default_rng(0).normal(size=(520, 3))
    for found in (stack(pointwise), pseudo_bma(pointwise, seed=1)):
        np.testing.assert_allclose(found.weights, [1, 0, 0], atol=1e-12)
        np.testing.assert_allclose(found.standard_error, 0, atol=1e-5)


@pytest.mark.parametrize("ahead", [1, 156, 300])
def test_models_of_disjoint_weeks_weigh_as_their_weeks(ahead):
    pointwise = np.full((520, 2), -800.0)
    pointwise[:ahead, 0], pointwise[ahead:, 1] = -2.0, -1.0
    found = stack(pointwise)
    share = ahead / 520
    np.testing.assert_allclose(found.weights, [share, 1 - share], atol=1e-6)
    np.testing.assert_allclose(found.standard_error, np.sqrt(share * (1 - share) / 521), rtol=0.25)  # a Beta's, over weeks


def test_stacking_recovers_the_mixture_that_made_the_weeks():
    rng = np.random.default_rng(6)
    from_first = rng.random(5_000) < 0.3
    y = np.where(from_first, -1.5, 1.5) + rng.normal(size=5_000)
    found = stack(-0.5 * (y[:, None] - [-1.5, 1.5]) ** 2, draws=20)
    np.testing.assert_allclose(found.weights, [0.3, 0.7], atol=4 * found.standard_error[0])
    assert found.standard_error[0] < 0.02


def test_many_problems_at_once_are_as_one_by_one():
    pointwise = models_of("noise")
    counts = np.random.default_rng(3).dirichlet(np.ones(520), size=3) * 520
    together = stacking_weights(pointwise, counts, tolerance=1e-8)
    alone = np.concatenate([stacking_weights(pointwise, row[None], tolerance=1e-8) for row in counts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_week_counted_twice_is_a_week_given_twice():
    pointwise = models_of("noise", weeks=60)
    counts = np.arange(60) % 3
    weighted = stacking_weights(pointwise, counts[None].astype(float), tolerance=1e-9)[0]
    np.testing.assert_allclose(weighted, stack(np.repeat(pointwise, counts, axis=0), draws=2).weights, atol=1e-5)


def test_differences_are_paired_by_week():
    rng = np.random.default_rng(8)
    weekly = 10 * rng.normal(size=200)
    pointwise = np.stack([weekly, weekly - 1 + 0.1 * rng.normal(size=200)], axis=1)
    found = equal(pointwise)
    np.testing.assert_allclose(found.elpd, pointwise.sum(axis=0))
    assert found.elpd_difference[0] == found.difference_se[0] == 0
    assert found.elpd_difference[1] == pytest.approx(-200, abs=6)
    assert found.difference_se[1] == pytest.approx(0.1 * np.sqrt(200), rel=0.15)
    np.testing.assert_array_equal(found.weights, [0.5, 0.5])
    assert found.gap > 1


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # ArviZ 0.23 on pandas 3.1
@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_pseudo_bma_is_that_of_arviz():
    arviz = pytest.importorskip("arviz", reason="the precision extra is not installed")
    pointwise = 0.1 * np.random.default_rng(9).normal(size=(100, 3))
    draws = {
        str(model): arviz.from_dict(
            log_likelihood={"y": np.tile(column, (4, 250, 1)) + 1e-6 * np.random.default_rng(1).normal(size=(4, 250, 100))},
            posterior={"a": np.random.default_rng(0).normal(size=(4, 250))},
        )
        for model, column in enumerate(pointwise.T)
    }
    table = arviz.compare(draws, method="BB-pseudo-BMA", b_samples=20_000, seed=5)
    found = pseudo_bma(pointwise, draws=20_000, seed=5)
    np.testing.assert_allclose(found.weights, table["weight"].loc[["0", "1", "2"]], atol=0.01)
    np.testing.assert_allclose(found.difference_se, table["dse"].loc[["0", "1", "2"]], atol=1e-3)
    np.testing.assert_allclose(found.elpd, table["elpd_loo"].loc[["0", "1", "2"]], atol=1e-3)


def test_a_seed_decides_the_bootstrap():
    pointwise = models_of("noise", weeks=60)
    np.testing.assert_array_equal(pseudo_bma(pointwise, seed=4).weights, pseudo_bma(pointwise, seed=4).weights)
    assert (pseudo_bma(pointwise, seed=4).weights != pseudo_bma(pointwise, seed=5).weights).all()
    first, second = stack(pointwise, draws=50, seed=4), stack(pointwise, draws=50, seed=5)
    np.testing.assert_array_equal(first.weights, second.weights)
    assert (first.standard_error != second.standard_error).any()


@pytest.mark.parametrize("scheme", [stack, lambda table: pseudo_bma(table, seed=0), equal])
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused(scheme, poison):
    pointwise = np.zeros((10, 2))
    pointwise[3, 1] = poison
    with pytest.raises(PanelError, match="at week 3, model 1"):
        scheme(pointwise)


def test_too_few_bootstraps_are_refused():
    with pytest.raises(SettingsError, match="draws is 1"):
        pseudo_bma(np.zeros((10, 2)), draws=1, seed=0)
    with pytest.raises(SettingsError, match="draws is 0"):
        stack(np.zeros((10, 2)), draws=0)
