"""Signs hold for the total effect of every series, whatever the parameters; torch and NumPy say the same."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hierforecast.hiref.regression.effects import Parameters, constrain, effects_of, unconstrain
from hierforecast.hiref.regression.network import Network

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


def test_torch_and_numpy_give_the_same_effects_and_loss():
    parameters, codes = random_parameters(4, 0.7), all_series(unseen=False)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(len(codes), 30, 5))
    data[:, :, 0] = 1.0
    products = np.einsum("sri,srj->sij", data, data)
    network = Network(parameters, codes, np.full(len(codes), 30.0), np.ones((3, 2 * WIDTH)))
    baseline, effect = (part.detach().numpy() for part in network())

    unscaled = parameters._replace(column_scales=np.ones(3), target_scale=np.asarray(1.0))
    twin = effects_of(unscaled, codes)
    np.testing.assert_allclose(baseline, twin.baseline)
    np.testing.assert_allclose(effect, twin.total)
    residuals = data[:, :, 4] - twin.baseline[:, None] - np.einsum("srk,sk->sr", data[:, :, 1:4], twin.total)
    loss = network.squared_error(torch.as_tensor(products))
    np.testing.assert_allclose(float(loss.detach()), (residuals**2).sum())
    now = network.parameters_now()
    np.testing.assert_allclose(now.loadings, parameters.loadings)
    np.testing.assert_allclose(now.embeddings["brand"], parameters.embeddings["brand"])


def test_gradients_are_those_of_the_loss():
    parameters, codes = random_parameters(5, 0.5), all_series(unseen=False)
    data = np.random.default_rng(1).normal(size=(len(codes), 20, 5))
    products = torch.as_tensor(np.einsum("sri,srj->sij", data, data))
    network = Network(parameters, codes, np.full(len(codes), 20.0), np.ones((3, 2 * WIDTH)))
    network.squared_error(products).backward()
    step = 1e-4
    for parameter in network.parameters():
        place = (0,) * parameter.dim()
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[place] += sign * step
                values.append(float(network.squared_error(products)))
                parameter[place] -= sign * step
        assert float(parameter.grad[place]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4, abs=1e-5)


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
