"""L-BFGS over all rows at once, for smooth losses: from near the answer to it, so that both engines mean the same.

What moves is each parameter times the square root of the loss' bend along it, so that a step means about the same for
all of them, and most iterations are saved.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hierforecast.hiref.minibatch.curvature import bends
from hierforecast.hiref.minibatch.network import State
from hierforecast.hiref.minibatch.problem import Problem, in_order

ENOUGH = 1e-8  # per row: what an iteration must take off the loss to be worth another


class Polished(NamedTuple):
    """The answer: state, sum of losses and penalties, L-BFGS iterations used, and whether it stopped by itself."""

    state: State
    objective: float
    iterations: int
    converged: bool


def polish(problem: Problem, state: State, iterations: int) -> Polished:
    """Minimise the sum of losses and penalties; `problem` and `state` in the type to work in."""
    behind = {name: torch.sqrt(bend) for name, bend in bends(problem, state).items()}
    moving = {name: (tensor.detach() * behind[name]).requires_grad_() for name, tensor in state.items()}
    optimizer = torch.optim.LBFGS(
        moving.values(),
        max_iter=iterations,
        history_size=20,
        max_eval=2 * iterations,
        tolerance_grad=1e-6,
        tolerance_change=ENOUGH * problem.rows,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        optimizer.zero_grad()
        total = problem.held_back(_unscaled(moving, behind))
        total.backward()
        total = total.detach()
        for batch in in_order(problem.table):
            lost = problem.lost(_unscaled(moving, behind), problem.table, batch)
            lost.backward()
            total = total + lost.detach()
        return total

    optimizer.step(objective)
    reached = optimizer.state[next(iter(moving.values()))]
    stopped = int(reached["n_iter"]) < iterations and int(reached["func_evals"]) < 2 * iterations
    found = {name: tensor.detach() for name, tensor in _unscaled(moving, behind).items()}
    return Polished(found, float(objective()), int(reached["n_iter"]), stopped)


def _unscaled(moving: State, behind: State) -> State:
    return {name: tensor / behind[name] for name, tensor in moving.items()}
