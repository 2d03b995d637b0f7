"""The minimum is found: at once where the curvature is known, and in a curved valley without it."""

import numpy as np

from hierforecast.hiref.regression.minimum import minimise


def test_known_curvature_needs_one_step():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(30, 30))
    bend, aim = half @ half.T + np.eye(30), rng.normal(size=30)
    inverse = np.linalg.inv(bend)
    found = minimise(
        lambda x: ((x - aim) @ bend @ (x - aim) / 2, bend @ (x - aim)),
        np.zeros(30),
        lambda _: inverse.__matmul__,
        iterations=50,
        tolerance=1e-12,
        renew=20,
    )
    np.testing.assert_allclose(found.place, aim, atol=1e-8)
    assert found.converged
    assert found.trace[1] < 1e-12 * found.trace[0]


def test_the_bottom_of_a_curved_valley_is_found():
    def valley(x):
        a, b = x
        value = (1 - a) ** 2 + 100 * (b - a**2) ** 2
        return value, np.array([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)])

    found = minimise(valley, np.array([-1.2, 1.0]), lambda _: lambda x: x, iterations=200, tolerance=1e-14, renew=1000)
    np.testing.assert_allclose(found.place, [1.0, 1.0], atol=1e-5)
    assert np.all(np.diff(found.trace) <= 0)


def test_too_few_iterations_are_told():
    found = minimise(
        lambda x: (float((x**4).sum()), 4 * x**3), np.ones(3), lambda _: lambda x: x, iterations=2, tolerance=0.0, renew=9
    )
    assert not found.converged
