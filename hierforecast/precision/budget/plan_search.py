"""Search for the best plan within linear limits, by exact derivatives, and tell how far it can be from the best.

    maximise F(v)   subject to   lower <= A v <= upper,  v >= 0

Newton steps within the limits: a quadratic model of F is maximised there (`quadratic`), and the way to that point is halved
until F rises enough, so no step makes a plan worse. What comes out is judged by a linear program: for concave F

    F(any plan) - F(v) <= max { F'(v) (w - v) : w within the limits }

The right side is zero exactly where the Karush-Kuhn-Tucker conditions hold, so for a Hill curve with a slope above 1, which is
not concave, it still says that v is stationary.

Source: Frank & Wolfe (1956), An algorithm for quadratic programming, Naval Research Logistics 3, doi:10.1002/nav.3800030109.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hierforecast.errors import SettingsError
from hierforecast.precision.budget.quadratic import Polytope, minimise_quadratic
from hierforecast.precision.budget.spend_limits import Rows

ENOUGH = 1e-6  # of the plan's value: what another plan could add where the search may stop
CONVERGED = 5e-4  # the same for the answer: near 0 spend a Hill curve is so steep that the bound is loose
MOST_STEPS = 100
MOST_VARIABLES = 1_500  # a step's work grows with their third power


class Judged(NamedTuple):
    """A plan's value with its exact gradient and a curvature that is nowhere positive."""

    value: float
    gradient: np.ndarray  # (variables,)
    curvature: np.ndarray  # (variables, variables), negative semidefinite


Function = Callable[[np.ndarray], Judged]


class Found(NamedTuple):
    """A plan and how good it is."""

    variables: np.ndarray
    value: float
    gap: float  # what any plan can at most have more, for concave problems


def search(objective: Function, inside: Polytope, starts: list[np.ndarray]) -> Found:
    """The best of the plans that the starts, which keep the limits, lead to; the objective is of the order of 1."""
    if len(starts[0]) > MOST_VARIABLES:
        raise SettingsError(
            f"the plan has {len(starts[0])} free numbers, the search takes up to {MOST_VARIABLES}; plan fewer weeks, or "
            'choose by "total" instead of by "week"'
        )
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the systems are small: threads cost more than they bring
        return max((_climb(objective, inside, start) for start in starts), key=lambda found: found.value)


def _climb(objective: Function, inside: Polytope, start: np.ndarray) -> Found:
    at, judged = start, objective(start)
    free = inside.most > inside.least
    for _ in range(MOST_STEPS if free.any() else 0):
        step = _newton(judged, inside, at, free) - at
        promised = float(judged.gradient @ step)
        if promised <= ENOUGH * 0.01 * max(abs(judged.value), 1e-3):
            break
        length, ahead = 1.0, objective(at + step)
        while ahead.value < judged.value + 1e-4 * length * promised and length > 1e-6:
            length /= 2
            ahead = objective(at + length * step)
        if ahead.value <= judged.value:
            break
        at, judged = at + length * step, ahead
    return Found(at, judged.value, _gap(objective, at, judged, start, inside))


def _newton(judged: Judged, inside: Polytope, at: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The best plan under the quadratic model, (variables,)."""
    curved = -judged.curvature[np.ix_(free, free)]
    slope = judged.gradient[free] + curved @ at[free]
    best = at.copy()
    best[free] = minimise_quadratic(curved, slope, inside.only(free, at), at[free])
    return best


def _gap(objective: Function, at: np.ndarray, judged: Judged, start: np.ndarray, inside: Polytope) -> float:
    """The smallest of the program's bounds, taken at the plan and a little towards the start.

    Concave curves lie below each of their tangents. Where a curve is very steep at no spend the tangent there says little.
    """
    bounds = [np.inf]
    for share in (0.0, 1e-4, 1e-3):
        near = at + share * (start - at)
        there = judged if share == 0 else objective(near)
        best = corner(inside, there.gradient)
        if best is not None:
            bounds.append(there.value - judged.value + float(there.gradient @ (best - near)))
        if bounds[-1] <= ENOUGH * abs(judged.value):
            break
    return max(min(bounds), 0.0)


def corner(inside: Polytope, direction: np.ndarray) -> np.ndarray | None:
    """The plan within the limits that goes furthest in a direction; None where there is no end."""
    from scipy.optimize import linprog

    solved = linprog(
        -direction / (np.abs(direction).max() or 1.0),
        A_ub=inside.rows,
        b_ub=inside.at_most,
        A_eq=inside.equal,
        b_eq=inside.equal_to,
        bounds=np.column_stack([inside.least, inside.most]),
        method="highs",
    )
    return None if solved.x is None else np.clip(solved.x, inside.least, inside.most)


def nearest_plan(inside: Polytope, wanted: np.ndarray) -> np.ndarray:
    """The plan within the limits with the smallest squared distance."""
    free = inside.most > inside.least
    near = inside.least.copy()
    if free.any():
        start = np.clip(wanted, inside.least, inside.most)
        near[free] = minimise_quadratic(np.eye(int(free.sum())), wanted[free], inside.only(free, near), start[free])
    return near


def polytope_of(rows: Rows) -> Polytope:
    """The limits as the search takes them. Raises SettingsError where no plan keeps all of them."""
    _refuse_contradictions(rows)
    count = rows.matrix.shape[1]
    least, most = np.zeros(count), np.full(count, np.inf)
    cells = (rows.matrix > 0).sum(axis=1)
    for row in np.flatnonzero(cells == 1):
        place = int(np.argmax(rows.matrix[row]))
        least[place] = max(least[place], (rows.lower[row] - rows.kept[row]) / rows.matrix[row, place])
        most[place] = min(most[place], (rows.upper[row] - rows.kept[row]) / rows.matrix[row, place])
    several = cells > 1
    size = rows.matrix[several].sum(axis=1)
    matrix = rows.matrix[several] / size[:, None]
    lower, upper = ((side[several] - rows.kept[several]) / size for side in (rows.lower, rows.upper))
    same = lower == upper
    above, below = np.isfinite(upper) & ~same, (lower > 0) & ~same  # spend is never negative
    return Polytope(
        equal=matrix[same],
        equal_to=upper[same],
        rows=np.vstack([matrix[above], -matrix[below]]),
        at_most=np.concatenate([upper[above], -lower[below]]),
        least=least,
        most=np.maximum(most, least),
    )


def _refuse_contradictions(rows: Rows) -> None:
    """Name the rows that cannot be kept together: those a program with the least breaking has to break."""
    from scipy.optimize import linprog

    count, size = len(rows.names), rows.size
    matrix = rows.matrix / size[:, None]
    eye = np.eye(count)
    upper = np.isfinite(rows.upper)
    solved = linprog(
        np.concatenate([np.zeros(matrix.shape[1]), np.ones(count)]),
        A_ub=np.vstack([np.hstack([matrix, -eye])[upper], np.hstack([-matrix, -eye])]),
        b_ub=np.concatenate([((rows.upper - rows.kept) / size)[upper], -(rows.lower - rows.kept) / size]),
        method="highs",
    )
    broken = solved.x[matrix.shape[1] :] if solved.x is not None else np.ones(count)
    if broken.max(initial=0.0) > 1e-9:
        worst = int(np.argmax(broken))
        at = rows.spend(solved.x[: matrix.shape[1]])[worst] if solved.x is not None else float("nan")
        raise SettingsError(
            f"the bounds and the budget contradict each other: {rows.names[worst]!r} must spend {rows.lower[worst]:,.6g} .. "
            f"{rows.upper[worst]:,.6g}, but with the other bounds no plan comes nearer than {at:,.6g}; widen one of them"
        )
