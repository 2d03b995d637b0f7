"""Signs hold for the total effect of every series, whatever the parameters; both kinds of embeddings say what they mean."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hierforecast.hiref.regression.effects import Parameters, constrain, effects_of, spelled_out, unconstrain

SIGNS = np.array([1.0, -1.0, 0.0])
SIZES = {"region": 4, "brand": 3}
WIDTH = 2


def random_parameters(seed: int, scale: float) -> Parameters:
    rng = np.random.default_rng(seed)
    return Parameters(
        bias=np.asarray(rng.normal(0, scale)),
        weights=rng.normal(0, scale, 2 * WIDTH),
        theta=rng.normal(0, scale, 3),
        loadings=rng.normal(0, scale, (3, 2 * WIDTH)),
        embeddings={level: rng.normal(0, scale, (count, WIDTH)) for level, count in SIZES.items()},
        signs=SIGNS,
        column_scales=rng.gamma(2.0, 1.0, 3),
        target_scale=np.asarray(rng.gamma(2.0, 1.0)),
    )


def all_series(*, unseen: bool) -> np.ndarray:
    first = -1 if unseen else 0
    return np.array([[region, brand] for region in range(first, 4) for brand in range(first, 3)])


@given(st.integers(0, 10_000), st.floats(0.1, 20))
@settings(max_examples=200)
def test_no_series_breaks_a_sign_at_any_parameters(seed, scale):
    effects = effects_of(random_parameters(seed, scale), all_series(unseen=True))
    assert (effects.total[:, 0] >= 0).all()
    assert (effects.total[:, 1] <= 0).all()
    assert effects.main[0] >= 0 >= effects.main[1]


def test_free_effects_take_both_signs():
    totals = [effects_of(random_parameters(seed, 1.0), all_series(unseen=False)).total[:, 2] for seed in range(5)]
    assert (np.concatenate(totals) > 0).any()
    assert (np.concatenate(totals) < 0).any()


@given(st.integers(0, 10_000), st.floats(0.1, 20))
@settings(max_examples=100)
def test_no_series_breaks_a_sign_by_what_it_adds_of_its_own(seed, scale):
    parameters, codes = random_parameters(seed, scale), all_series(unseen=False)
    own = np.random.default_rng(seed + 1).normal(0, scale, (len(codes), 3))
    effects, shared = effects_of(parameters, codes, own), effects_of(parameters, codes)
    assert (effects.total[:, 0] >= 0).all()
    assert (effects.total[:, 1] <= 0).all()
    np.testing.assert_array_equal(effects.total[:, 2], shared.total[:, 2] + own[:, 2])
    kept = (shared.total + own) * SIGNS > 0
    np.testing.assert_array_equal(effects.total[kept], (shared.total + own)[kept])


def full_parameters(seed: int) -> Parameters:
    rng = np.random.default_rng(seed)
    identity = np.tile(np.eye(4), 2)
    return random_parameters(seed, 1.0)._replace(
        weights=identity[0],
        loadings=identity[1:],
        embeddings={level: rng.normal(0, 1.0, (count, 4)) for level, count in SIZES.items()},
    )


def test_full_embeddings_are_the_effects_themselves():
    parameters, codes = full_parameters(3), all_series(unseen=False)
    unit = parameters._replace(column_scales=np.ones(3), target_scale=np.asarray(1.0), signs=np.zeros(3))
    region, brand = (table[code] for table, code in zip(parameters.embeddings.values(), codes.T, strict=True))
    effects = effects_of(unit, codes)
    np.testing.assert_allclose(effects.baseline, parameters.bias + region[:, 0] + brand[:, 0])
    np.testing.assert_allclose(effects.total, parameters.theta + region[:, 1:] + brand[:, 1:])


def test_the_kind_of_embeddings_is_known_from_the_parameters():
    assert full_parameters(1).full
    assert not random_parameters(1, 1.0).full


def test_spelling_out_gives_what_nodes_add():
    parameters, codes = random_parameters(7, 1.0), all_series(unseen=False)
    tables = spelled_out(parameters)
    unit = parameters._replace(column_scales=np.ones(3), target_scale=np.asarray(1.0), signs=np.zeros(3))
    added = tables["region"][codes[:, 0]] + tables["brand"][codes[:, 1]]
    effects = effects_of(unit, codes)
    np.testing.assert_allclose(parameters.bias + added[:, 0], effects.baseline)
    np.testing.assert_allclose(parameters.theta + added[:, 1:], effects.total)


def test_unseen_nodes_have_the_average_effect():
    parameters = random_parameters(6, 1.0)
    effects = effects_of(parameters, np.array([[-1, -1]]))
    np.testing.assert_allclose(effects.total[0], effects.main)
    np.testing.assert_allclose(effects.baseline, parameters.bias * parameters.target_scale)


def test_unconstrain_is_the_inverse_and_moves_wrong_signs_to_the_least():
    effect = np.array([1.3, -0.4, -2.0])
    np.testing.assert_allclose(constrain(unconstrain(effect, SIGNS, least=0.01), SIGNS), effect)
    wrong = np.array([-1.0, 2.0, 0.5])
    np.testing.assert_allclose(constrain(unconstrain(wrong, SIGNS, least=0.01), SIGNS), [0.01, -0.01, 0.5])
