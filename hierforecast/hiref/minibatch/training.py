"""Fitting by rows: a start from sums, Adam judged on the last weeks, then all rows at once where the loss is smooth.

Under a log link, squared and Huber losses are fitted twice, the second time weighing each series by how precise its
sales are, as on moments. A smooth loss ends at the minimum of loss and penalties, whichever way it came there; Adam's
early stopping then only saves time. The quantile loss, and any loss without `polish`, ends where the held-out weeks were
told best.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from hierforecast.hiref.intervals.noise import noise_of
from hierforecast.hiref.material import Material
from hierforecast.hiref.minibatch.checkpoint import Checkpoint, fingerprint_of
from hierforecast.hiref.minibatch.descent import Descent, descend
from hierforecast.hiref.minibatch.device import choose_device, precise
from hierforecast.hiref.minibatch.network import State, arrayed, own_of, parameters_of
from hierforecast.hiref.minibatch.packing import Packing
from hierforecast.hiref.minibatch.polish import polish
from hierforecast.hiref.minibatch.problem import Problem, Table, mean_loss, predict_all
from hierforecast.hiref.minibatch.start import begin, held_out_from
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.training import Trained
from hierforecast.options import Training

REWEIGHTED = ("squared", "huber")  # the others know from their own form how precise a row is
TRIAL, FINAL = "before-{before}", "final"  # stages of a checkpoint


class Minimum(NamedTuple):
    """Where a training ended.

    Args:
        state: the parameters, in the widest type of the device.
        objective: sum of losses and penalties.
        iterations: epochs and L-BFGS iterations.
        converged: whether it stopped by itself.
        descent: Adam's part, or None where there was none.
    """

    state: State
    objective: float
    iterations: int
    converged: bool
    descent: Descent | None


def train_rows(
    material: Material,
    training: Training,
    *,
    start: Parameters | None = None,
    before: int | None = None,
    epochs: int | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Minimise the declared loss over rows plus the penalties of `regression.training`.

    Args:
        material: with every row at hand.
        training: loss, sizes, strengths, seed and `rows`.
        start: parameters to go on from, e.g. of a fit on fewer weeks; None makes a start from sums.
        before: use rows of earlier periods only; None uses all.
        epochs: go through exactly so many and hold nothing out, e.g. the best number of an earlier fit.
        checkpoint: folder in which every epoch is kept, and from which a killed training goes on.

    Returns:
        As on moments. `trace` holds the learning curve, device, types, dispersion and the best epoch.

    Raises:
        SettingsError: the device is absent, or rows were left on disk.
        ModelFolderError: the checkpoint belongs to another training.
    """
    device = choose_device(training.rows.device)
    warm = start is not None
    problem, state, start, network = begin(material, training, start, before)
    kept = open_checkpoint(checkpoint, FINAL if before is None else TRIAL.format(before=before), training, problem, state)
    problem, state = problem.cast(device, precise(device)), cast(state, device, precise(device))
    packing = Packing(network, problem.frame, start)
    held_out = None if epochs else held_out_from(problem.table, material.design.panel.horizon)
    # From an answer that was polished on fewer weeks, Adam would only stray.
    straight = warm and polishes(problem, training)
    ended = minimise(problem, state, packing, training, held_out, epochs, kept, straight=straight)
    if material.link.name == "log" and problem.loss.name in REWEIGHTED:
        weighted = weigh_series(problem, ended.state)
        kept = kept and Checkpoint(kept.folder.with_name(f"{kept.folder.name}-weighted"), kept.fingerprint)
        again = minimise(weighted, ended.state, packing, training, held_out, epochs, kept, straight=polishes(problem, training))
        ended = again._replace(iterations=ended.iterations + again.iterations, descent=again.descent or ended.descent)
    return _trained(problem, ended, start)


def minimise(
    problem: Problem,
    state: State,
    packing: Packing,
    training: Training,
    held_out: int | None,
    epochs: int | None,
    checkpoint: Checkpoint | None,
    *,
    straight: bool = False,
) -> Minimum:
    """Adam in float32, then, where the settings ask for it and the loss is smooth, L-BFGS over all rows.

    Args:
        problem: on the device, in its widest type.
        state: likewise, where to start.
        packing: of that state.
        training: options of both.
        held_out: place in time from which on rows judge Adam and teach it nothing; None holds nothing out.
        epochs: of Adam; None takes the declared most.
        checkpoint: of Adam's epochs.
        straight: leave Adam out.
    """
    descent = None
    if not straight:
        fast, held = split_off(problem.cast(problem.table.target.device, torch.float32), held_out)
        began = cast(state, problem.table.target.device, torch.float32)
        most = epochs or training.rows.epochs
        descent = descend(fast, began, training.rows, epochs=most, held=held, checkpoint=checkpoint, seed=training.seed)
        state = cast(descent.state, problem.table.target.device, problem.table.target.dtype)
    used = len(descent.curve) if descent else 0
    if polishes(problem, training):
        found = polish(problem, state, packing, training.iterations, training.tolerance)
        return Minimum(found.state, found.objective, used + found.iterations, found.converged, descent)
    with torch.no_grad():
        lost = mean_loss(problem, state, problem.table) * float(problem.table.weight.sum())
        objective = lost + float(problem.held_back(state))
    stopped = epochs is not None or used < training.rows.epochs
    return Minimum(state, objective, used, stopped, descent)


def polishes(problem: Problem, training: Training) -> bool:
    """Whether L-BFGS has the last word."""
    return training.rows.polish and problem.loss.smooth


def split_off(problem: Problem, held_out: int | None) -> tuple[Problem, Table | None]:
    """The problem without rows from place `held_out` in time on, and those rows."""
    if held_out is None:
        return problem, None
    early = problem.table.period < held_out
    return problem._replace(table=problem.table.take(early)), problem.table.take(~early)


def weigh_series(problem: Problem, state: State) -> Problem:
    """The same rows, each series weighed by one over its noise variance; weights keep their sum."""
    table, series = problem.table, problem.table.series.cpu().numpy()
    left = (table.target - predict_all(problem, state, table)).cpu().double().numpy()
    weight, count = table.weight.cpu().double().numpy(), problem.frame.codes.shape[1]
    counts = np.bincount(series, weight, count)
    weights = 1.0 / noise_of(np.bincount(series, weight * left**2, count), counts) ** 2
    weights = weights / max((weights * counts).sum(), 1e-300) * counts.sum()
    return problem._replace(table=table._replace(weight=table.weight * torch.as_tensor(weights[series]).to(table.weight)))


def cast(state: State, device: torch.device, dtype: torch.dtype) -> State:
    """The same state elsewhere, in another type."""
    return {name: tensor.detach().to(device, dtype) for name, tensor in state.items()}


def open_checkpoint(folder: Path | None, stage: str, training: Training, problem: Problem, state: State) -> Checkpoint | None:
    """The checkpoint of one stage, bound to these settings, rows and start; None where no folder is given."""
    if folder is None:
        return None
    numbers = (*problem.table, *(state[name] for name in sorted(state)))
    return Checkpoint(Path(folder) / stage, fingerprint_of(training.model_dump(mode="json"), *numbers))


def _trained(problem: Problem, ended: Minimum, start: Parameters) -> Trained:
    device, descent = problem.table.target.device, ended.descent
    scale, own = float(start.target_scale), own_of(ended.state, problem.frame)
    return Trained(
        parameters=parameters_of(ended.state, problem.frame, start),
        intercepts=arrayed(ended.state["intercepts"]) * scale,
        own=None if own is None else own * scale / start.column_scales,
        loss=2.0 * ended.objective / max(float(problem.table.weight.sum()), 1e-30),
        iterations=ended.iterations,
        converged=ended.converged,
        trace={
            "device": device.type,
            "numbers": f"float32 in batches, {str(precise(device)).removeprefix('torch.')} over all rows",
            "dispersion": problem.loss.dispersion,
            "best_epoch": descent.best_epoch if descent else 0,
            "learning_curve": descent.curve if descent else [],
        },
    )
