"""A convex quadratic program by a primal-dual interior point method, for plans of up to some thousand numbers.

    minimise  x'Qx / 2 - q'x    subject to   E x = e,  C x <= c

Mehrotra's predictor and corrector on the Karush-Kuhn-Tucker system; Q may be zero, which makes it a linear program.

Source: Mehrotra (1992), On the implementation of a primal-dual interior point method, SIAM Journal on Optimization 2(4),
doi:10.1137/0802028.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

MOST_STEPS = 60
SMALL = 1e-10  # of numbers near 1: residuals and complementarity at which it stops
FIRM = 1e-11  # keeps the system solvable where equations repeat each other


class Polytope(NamedTuple):
    """E x = e, C x <= c and least <= x <= most, every row of the order of 1."""

    equal: np.ndarray  # (equations, variables)
    equal_to: np.ndarray  # (equations,)
    rows: np.ndarray  # (rows, variables)
    at_most: np.ndarray  # (rows,)
    least: np.ndarray  # (variables,) finite
    most: np.ndarray  # (variables,) may be infinite

    def inequalities(self) -> tuple[np.ndarray, np.ndarray]:
        """C and c with the bounds of single variables among them."""
        eye, capped = np.eye(len(self.least)), np.isfinite(self.most)
        matrix = np.vstack([self.rows, eye[capped], -eye])
        return matrix, np.concatenate([self.at_most, self.most[capped], -self.least])

    def only(self, free: np.ndarray, fixed: np.ndarray) -> "Polytope":
        """The same for some variables, the others at their (variables,) values."""
        rest = np.where(free, 0.0, fixed)
        return Polytope(
            self.equal[:, free],
            self.equal_to - self.equal @ rest,
            self.rows[:, free],
            self.at_most - self.rows @ rest,
            self.least[free],
            self.most[free],
        )


def minimise_quadratic(curvature: np.ndarray, slope: np.ndarray, inside: Polytope, start: np.ndarray) -> np.ndarray:
    """The x of the smallest x'Qx / 2 - q'x, (variables,).

    Args:
        curvature: Q, (variables, variables), positive semidefinite.
        slope: q, (variables,).
        inside: the limits; there is a plan that keeps them.
        start: (variables,) a plan to start near.
    """
    matrix, limit = inside.inequalities()
    x, y = start.astype(float), np.zeros(len(inside.equal))
    room = np.maximum(limit - matrix @ x, 0.1)
    price = np.full(len(limit), max(float(np.abs(slope).max(initial=0.0)), 1e-3))
    for _ in range(MOST_STEPS):
        wrong = _Wrong(
            dual=curvature @ x - slope + inside.equal.T @ y + matrix.T @ price,
            primal=inside.equal @ x - inside.equal_to,
            gap=matrix @ x + room - limit,
        )
        centre = float(room @ price) / len(room)
        if max(centre, *(float(np.abs(part).max(initial=0.0)) for part in wrong)) < SMALL:
            break
        solve = _solver(curvature, matrix, price / room, inside.equal)
        _, _, droom, dprice = _step(solve, matrix, room, price, wrong, np.zeros(len(room)))
        ahead = room + _longest(room, droom) * droom, price + _longest(price, dprice) * dprice
        shrink = (float(ahead[0] @ ahead[1]) / len(room) / centre) ** 3
        dx, dy, droom, dprice = _step(solve, matrix, room, price, wrong, centre * shrink - droom * dprice)
        length = 0.995 * min(_longest(room, droom), _longest(price, dprice))
        x, y, room, price = x + length * dx, y + length * dy, room + length * droom, price + length * dprice
    return np.clip(x, inside.least, inside.most)


class _Wrong(NamedTuple):
    """By how much the Karush-Kuhn-Tucker conditions fail."""

    dual: np.ndarray
    primal: np.ndarray
    gap: np.ndarray


Solver = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def _step(
    solve: Solver, matrix: np.ndarray, room: np.ndarray, price: np.ndarray, wrong: _Wrong, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The Newton step of x, y, room and price towards room * price = target."""
    pull, stiff = price - target / room, price / room
    dx, dy = solve(-wrong.dual + matrix.T @ (pull - stiff * wrong.gap), -wrong.primal)
    droom = -wrong.gap - matrix @ dx
    return dx, dy, droom, -pull - stiff * droom


def _solver(curvature: np.ndarray, matrix: np.ndarray, stiff: np.ndarray, equal: np.ndarray) -> Solver:
    """Factor the system once for two right hand sides."""
    from scipy.linalg import lu_factor, lu_solve

    size, equations = curvature.shape[0], len(equal)
    inner = curvature + (matrix.T * stiff) @ matrix
    inner[np.diag_indices(size)] += FIRM * max(1.0, 1e-4 * float(inner.diagonal().max()))
    factors = lu_factor(np.block([[inner, equal.T], [equal, -FIRM * np.eye(equations)]]))

    def solve(upper: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = lu_solve(factors, np.concatenate([upper, lower]))
        return found[:size], found[size:]

    return solve


def _longest(at: np.ndarray, step: np.ndarray) -> float:
    """The longest share of a step, up to 1, that leaves all >= 0."""
    falls = step < 0
    return min(1.0, float((-at[falls] / step[falls]).min(initial=np.inf)))
