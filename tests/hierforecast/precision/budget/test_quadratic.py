"""The interior point method agrees with SciPy's solvers."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from hierforecast.precision.budget.quadratic import Polytope, minimise_quadratic


def problem(seed, size=8):
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.2, 1.0, size)
    share /= share.sum()
    rows = np.zeros((2, size))
    rows[0, :3], rows[1, 3:6] = 1 / 3, -1 / 3
    inside = Polytope(share[None], np.array([1.0]), rows, np.array([1.1, -0.8]), np.zeros(size), np.full(size, 2.0))
    root = rng.normal(size=(size, size))
    return root @ root.T / size, rng.normal(size=size), inside


@pytest.mark.parametrize("seed", range(8))
def test_quadratic_program_is_as_good_as_slsqp(seed):
    curvature, slope, inside = problem(seed)
    found = minimise_quadratic(curvature, slope, inside, np.ones(8))
    matrix, limit = inside.inequalities()
    assert (matrix @ found <= limit + 1e-8).all()
    assert inside.equal @ found == pytest.approx(inside.equal_to, abs=1e-9)

    def cost(x):
        return x @ curvature @ x / 2 - slope @ x

    limits = [
        {"type": "ineq", "fun": lambda x: inside.at_most - inside.rows @ x},
        {"type": "eq", "fun": lambda x: inside.equal @ x - inside.equal_to},
    ]
    known = minimize(cost, np.ones(8), bounds=[(0, 2)] * 8, constraints=limits, method="SLSQP", options={"ftol": 1e-12})
    assert cost(found) <= known.fun + 1e-7


@pytest.mark.parametrize("seed", range(8))
def test_without_curvature_it_is_a_linear_program(seed):
    _, slope, inside = problem(seed)
    found = minimise_quadratic(np.zeros((8, 8)), slope, inside, np.ones(8))
    known = linprog(
        -slope, A_ub=inside.rows, b_ub=inside.at_most, A_eq=inside.equal, b_eq=inside.equal_to, bounds=(0, 2), method="highs"
    )
    assert -slope @ found == pytest.approx(known.fun, abs=1e-7)
