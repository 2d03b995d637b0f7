"""Adam over shuffled batches, judged after every epoch on weeks it does not learn from.

The learning rate falls along a half cosine from its declared value to a hundredth of it. The gradient of a batch stands
for all rows: its losses are scaled up, the penalties are added whole, and both are divided by the number of rows.
"""

import math
from typing import Any, NamedTuple

import torch

from hierforecast.hiref.minibatch.checkpoint import Checkpoint
from hierforecast.hiref.minibatch.device import precise
from hierforecast.hiref.minibatch.network import State
from hierforecast.hiref.minibatch.problem import Problem, Table, mean_loss
from hierforecast.options import RowsEngine

LEAST_RATE = 0.01  # of the declared one, at the end
_AVERAGES = ("exp_avg", "exp_avg_sq")


class Descent(NamedTuple):
    """A finished descent.

    Args:
        state: the parameters after the best epoch; after the last where nothing was held out.
        curve: per epoch {"epoch", "train_loss", "held_out_loss"}, mean loss per row without penalties; the held-out
            loss is None where nothing was held out.
        best_epoch: counted from 1.
    """

    state: State
    curve: list[dict[str, Any]]
    best_epoch: int


class _Progress(NamedTuple):
    best: State
    curve: list[dict[str, Any]]
    best_epoch: int
    stopped: bool


def descend(
    problem: Problem,
    state: State,
    options: RowsEngine,
    *,
    epochs: int,
    held: Table | None = None,
    checkpoint: Checkpoint | None = None,
    seed: int,
) -> Descent:
    """Minimise from a state on, at most `epochs` times over all rows.

    Args:
        problem: on the device, in the type to work in.
        state: where to start; left as it is.
        options: batch size, learning rate, patience.
        epochs: at most.
        held: rows to judge by; None goes through all epochs.
        checkpoint: where every epoch is kept, and from where a killed descent goes on.
        seed: of the shuffling; each epoch has its own, so that a resumed descent shuffles alike.
    """
    moving = {name: tensor.detach().clone().requires_grad_() for name, tensor in state.items()}
    optimizer = torch.optim.Adam(moving.values(), lr=options.learning_rate)
    progress = _Progress(_copy(moving), [], 0, False)
    saved = checkpoint.read() if checkpoint else None
    if saved:
        progress = _restore(moving, optimizer, *saved)
    while len(progress.curve) < epochs and not progress.stopped:
        train_loss = _one_epoch(problem, moving, optimizer, options, len(progress.curve), epochs, seed)
        held_loss = mean_loss(problem, moving, held) if held is not None else None
        progress = _judge(progress, moving, train_loss, held_loss, options.patience)
        if checkpoint:
            checkpoint.write(*_keep(moving, optimizer, progress))
    return Descent(progress.best, progress.curve, progress.best_epoch)


def _one_epoch(
    problem: Problem, state: State, optimizer: torch.optim.Adam, options: RowsEngine, epoch: int, epochs: int, seed: int
) -> float:
    generator = torch.Generator().manual_seed((seed << 16) + epoch)
    device = problem.table.target.device
    total, done = torch.zeros((), device=device, dtype=precise(device)), 0
    for batch in problem.shuffled(options.batch_rows, generator):
        size = len(batch.rows)
        if size == 0:
            continue  # series that have rows only after the cut
        rate = learning_rate(options.learning_rate, (epoch + done / problem.rows) / epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        lost = problem.lost(state, problem.table, batch)
        (lost / size + problem.held_back(state) / problem.rows).backward()
        optimizer.step()
        total, done = total + lost.detach(), done + size
    return float(total) / max(float(problem.table.weight.sum()), 1e-30)


def learning_rate(first: float, share: float) -> float:
    """The rate when a share 0 .. 1 of the epochs is done."""
    return first * (LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * min(share, 1.0))) / 2)


def _judge(progress: _Progress, state: State, train_loss: float, held_loss: float | None, patience: int) -> _Progress:
    epoch = len(progress.curve) + 1
    curve = [*progress.curve, {"epoch": epoch, "train_loss": train_loss, "held_out_loss": held_loss}]
    least = min((entry["held_out_loss"] for entry in progress.curve), default=math.inf) if held_loss is not None else math.inf
    if held_loss is None or held_loss < least:
        return _Progress(_copy(state), curve, epoch, False)
    return _Progress(progress.best, curve, progress.best_epoch, epoch - progress.best_epoch >= patience)


def _copy(state: State) -> State:
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def _keep(state: State, optimizer: torch.optim.Adam, progress: _Progress) -> tuple[State, dict[str, Any]]:
    tensors = {f"now.{name}": tensor for name, tensor in state.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best.items()}
    for name, tensor in state.items():
        tensors |= {f"{average}.{name}": optimizer.state[tensor][average] for average in _AVERAGES}
    steps = int(next(iter(optimizer.state.values()))["step"])
    facts = {"epoch": len(progress.curve), "steps": steps, "best_epoch": progress.best_epoch}
    return tensors, facts | {"stopped": progress.stopped, "curve": progress.curve}


def _restore(state: State, optimizer: torch.optim.Adam, tensors: State, facts: dict[str, Any]) -> _Progress:
    best = {}
    for name, tensor in state.items():
        with torch.no_grad():
            tensor.copy_(tensors[f"now.{name}"])
        averages = {average: tensors[f"{average}.{name}"].to(tensor.device) for average in _AVERAGES}
        optimizer.state[tensor] = {"step": torch.tensor(float(facts["steps"])), **averages}
        best[name] = tensors[f"best.{name}"].to(tensor.device)
    return _Progress(best, facts["curve"], facts["best_epoch"], facts["stopped"])
