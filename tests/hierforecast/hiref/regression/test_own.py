"""Profiled moments are the minimum over own parts, and what is read off afterwards is where that minimum lies."""

import numpy as np
from scipy.optimize import lsq_linear

from hierforecast.hiref.regression.own import profile_own, read_own

PLACES, STRENGTHS = np.array([0, 2]), np.array([2.0, 9.0, 5.0, 9.0])
FREE = np.zeros(4)


def rows_of_two_series():
    rng = np.random.default_rng(3)
    X = np.concatenate([np.ones((2, 30, 1)), rng.normal(size=(2, 30, 3))], axis=2)
    y = rng.normal(size=(2, 30)) - 1.5 * X[:, :, 2]
    data = np.concatenate([X, y[:, :, None]], axis=2)
    return X, y, np.einsum("sri,srj->sij", data, data), rng.normal(size=(2, 4))


def penalised(X, y, effects, own):
    left = y - X @ (effects + own)
    return left @ left + (STRENGTHS[PLACES] * own[PLACES] ** 2).sum()


def test_profiled_moments_say_the_least_penalised_error():
    X, y, products, effects = rows_of_two_series()
    profiled = profile_own(products, PLACES, STRENGTHS)
    own = read_own(products, effects, FREE, PLACES, STRENGTHS)
    for series in range(2):
        residual = np.append(-effects[series], 1.0)
        wanted = penalised(X[series], y[series], effects[series], own[series])
        np.testing.assert_allclose(residual @ profiled[series] @ residual, wanted)
        nearby = own[series] + np.array([0.01, 0.0, -0.02, 0.0])
        assert penalised(X[series], y[series], effects[series], nearby) > wanted
    assert not own[:, [1, 3]].any()


def test_bounded_own_parts_are_the_best_that_keep_the_sign():
    X, y, products, effects = rows_of_two_series()
    effects[:, 2] = 0.2  # the data say about -1.5, which sign "+" forbids
    signs = np.array([0.0, 0.0, 1.0, 0.0])
    own = read_own(products, effects, signs, PLACES, STRENGTHS)
    np.testing.assert_allclose(own[:, 2], -0.2)
    for series in range(2):
        stacked = np.vstack([X[series][:, PLACES], np.diag(np.sqrt(STRENGTHS[PLACES]))])
        target = np.append(y[series] - X[series] @ effects[series], np.zeros(2))
        wanted = lsq_linear(stacked, target, bounds=([-np.inf, -0.2], np.inf)).x
        np.testing.assert_allclose(own[series][PLACES], wanted, atol=1e-5)
