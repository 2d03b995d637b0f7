"""L-BFGS over all rows at once, for smooth losses: from near the answer to it, so that both engines mean the same.

Slopes come from the rows, in pieces, on their device; steps are made as on moments, see `regression.minimum`.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.hiref.minibatch.curvature import curvature_at
from hierforecast.hiref.minibatch.network import State, arrayed
from hierforecast.hiref.minibatch.packing import Packing
from hierforecast.hiref.minibatch.problem import Problem, in_order
from hierforecast.hiref.regression.minimum import minimise

RENEW = 20  # iterations after which the rough curvature is taken anew


class Polished(NamedTuple):
    """The answer: state, sum of losses and penalties, iterations used, and whether it stopped by itself."""

    state: State
    objective: float
    iterations: int
    converged: bool


def polish(problem: Problem, state: State, packing: Packing, iterations: int, tolerance: float) -> Polished:
    """Minimise the sum of losses and penalties; `problem` and `state` in the type to work in.

    Args:
        problem: all rows.
        state: where to start.
        packing: of that state.
        iterations: at most.
        tolerance: as `Training.tolerance`, in losses of squares: twice what a row's loss here counts.
    """
    ended = minimise(
        lambda place: value_and_slope(problem, packing, place),
        packing.pack(state),
        lambda place: curvature_at(problem, packing, place),
        iterations=iterations,
        tolerance=tolerance * problem.rows / 2,
        renew=RENEW,
    )
    return Polished(packing.unpack(ended.place), ended.trace[-1], len(ended.trace) - 1, ended.converged)


def value_and_slope(problem: Problem, packing: Packing, place: np.ndarray) -> tuple[float, np.ndarray]:
    """The sum of losses and penalties, and its slope by the packed numbers."""
    moving = {name: tensor.requires_grad_() for name, tensor in packing.unpack(place).items()}
    held_back = problem.held_back(moving)
    held_back.backward()
    total = float(held_back.detach())
    for batch in in_order(problem.table):
        lost = problem.lost(moving, problem.table, batch)
        lost.backward()
        total += float(arrayed(lost))
    return total, packing.pack({name: tensor.grad for name, tensor in moving.items()})
