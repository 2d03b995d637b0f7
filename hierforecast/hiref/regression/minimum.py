"""L-BFGS with a preconditioner: the smallest value of a smooth function, for functions whose curvature is roughly known.

The two-loop recursion starts from the inverse of that rough curvature in place of a multiple of 1, which is what saves
most iterations; for a quadratic function it then goes about as preconditioned conjugate gradients do.

Source: Nocedal & Wright (2006), Numerical Optimization, 2nd ed., algorithms 7.4 and 3.1, doi:10.1007/978-0-387-40065-5.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

MEMORY = 12  # pairs of steps and slopes that are kept
SUFFICIENT = 1e-4  # share of the promised decrease that a step must bring
QUIET = 2  # iterations in a row that bring little, before it is over

ValueAndSlope = Callable[[np.ndarray], tuple[float, np.ndarray]]
Precondition = Callable[[np.ndarray], np.ndarray]


class Minimum(NamedTuple):
    """Where it ended.

    Args:
        place: (parameters,).
        trace: value at the start and after every iteration.
        converged: whether it stopped by itself.
    """

    place: np.ndarray
    trace: list[float]
    converged: bool


def minimise(
    function: ValueAndSlope,
    start: np.ndarray,
    curvature_at: Callable[[np.ndarray], Precondition],
    *,
    iterations: int,
    tolerance: float,
    renew: int,
) -> Minimum:
    """Minimise from a start on.

    Args:
        function: value and slope at a place.
        start: (parameters,).
        curvature_at: gives at a place the product of a slope with the inverse of the rough curvature there.
        iterations: at most.
        tolerance: decrease per iteration that is not worth going on for.
        renew: iterations after which the rough curvature is taken anew.
    """
    place, (value, slope) = start, function(start)
    trace, quiet, pairs, precondition = [value], 0, [], curvature_at(start)
    for iteration in range(iterations):
        if iteration and iteration % renew == 0:
            pairs, precondition = [], curvature_at(place)
        direction = -_two_loops(slope, pairs, precondition)
        promised = float(slope @ direction)
        if promised >= 0:  # rounding is all that is left
            return Minimum(place, trace, True)
        step = _step(function, place, value, promised, direction)
        if step is None:
            if not pairs:
                return Minimum(place, trace, True)
            pairs = []
            continue
        moved, (value, new_slope) = step
        pairs = _remember(pairs, moved - place, new_slope - slope)
        place, slope = moved, new_slope
        quiet = quiet + 1 if trace[-1] - value < tolerance else 0
        trace.append(value)
        if quiet == QUIET:
            return Minimum(place, trace, True)
    return Minimum(place, trace, False)


def _two_loops(slope: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray, float]], precondition: Precondition) -> np.ndarray:
    left, shares = slope.copy(), []
    for step, change, product in reversed(pairs):
        share = (step @ left) / product
        shares.append(share)
        left -= share * change
    found = precondition(left)
    if pairs:
        _, change, product = pairs[-1]
        found = found * (product / (change @ precondition(change)))
    for (step, change, product), share in zip(pairs, reversed(shares), strict=True):
        found = found + step * (share - (change @ found) / product)
    return found


def _step(
    function: ValueAndSlope, place: np.ndarray, value: float, promised: float, direction: np.ndarray
) -> tuple[np.ndarray, tuple[float, np.ndarray]] | None:
    """A step that brings enough, shorter and shorter along a parabola; None where there is none."""
    length = 1.0
    for _ in range(20):
        moved = place + length * direction
        found = function(moved)
        if found[0] <= value + SUFFICIENT * length * promised:
            return moved, found
        bend = (found[0] - value - length * promised) / length**2
        shorter = -promised / (2.0 * bend) if np.isfinite(bend) and bend > 0 else 0.0
        length = min(max(shorter, 0.1 * length), 0.5 * length)
    return None


def _remember(
    pairs: list[tuple[np.ndarray, np.ndarray, float]], step: np.ndarray, change: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    product = float(step @ change)
    if product <= 1e-12 * np.sqrt((step @ step) * (change @ change)):
        return pairs
    return [*pairs, (step, change, product)][-MEMORY:]
