"""Where a training by rows begins: the rows as tensors, each series' mean, and which weeks are held out to judge by."""

from typing import NamedTuple

import numpy as np
import torch

from hierforecast.errors import SettingsError
from hierforecast.hiref.columns.cuts import SHORTEST
from hierforecast.hiref.material import Material
from hierforecast.hiref.minibatch.losses import make_loss, with_dispersion
from hierforecast.hiref.minibatch.network import State, make_frame, state_of
from hierforecast.hiref.minibatch.problem import Problem, Table, predict_all
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.network import Network, make_network
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.hiref.regression.training import begin as begin_on_sums
from hierforecast.hiref.rounds import per_row
from hierforecast.options import Training


class Begun(NamedTuple):
    """Where a training begins.

    Args:
        problem: on CPU in float64.
        state: likewise.
        start: the parameters that the state was made from, which hold the scales.
        network: the same model in NumPy.
    """

    problem: Problem
    state: State
    start: Parameters
    network: Network


def begin(material: Material, training: Training, start: Parameters | None, before: int | None) -> Begun:
    """The problem and a state to start from, on CPU in float64.

    Args:
        material: with every row at hand.
        training: loss, sizes, strengths and the seed of the start.
        start: parameters to go on from; None makes them from sums.
        before: use rows of earlier periods only; None uses all.

    Raises:
        SettingsError: rows were left on disk, or strengths are unknown or still to be chosen.
    """
    refuse_missing_rows(material)
    hierarchy, columns = material.hierarchy, material.design.columns
    strengths = strengths_of(training, columns, hierarchy.levels)
    if start is None:
        moments = material.moments if before is None else material.before(before)
        rows = material.rows if before is None else int((material.recent.rows.period < before).sum())
        start = begin_on_sums(per_row(moments, rows), hierarchy, columns, training, strengths, rows=rows)
    frame = make_frame(hierarchy, columns, strengths, start)
    loss = make_loss(training, float(start.target_scale))
    state = state_of(start, len(hierarchy.series), len(frame.own))
    problem, state = settle_start(Problem(table_of(material, training, start, before), frame, loss), state)
    return Begun(problem, state, start, make_network(hierarchy, columns, strengths, start))


def table_of(material: Material, training: Training, start: Parameters, before: int | None) -> Table:
    """Rows of earlier periods than `before`, sorted by series and period, scaled, weights 1 on average; on CPU in float64."""
    recent, rows = material.recent, material.recent.rows
    chosen = np.flatnonzero(rows.period < (rows.last + 1 if before is None else before))
    chosen = chosen[np.lexsort((rows.period[chosen], rows.series[chosen]))]
    on_units = make_loss(training, 1.0).on_units
    target = recent.target[chosen] if on_units else recent.value[chosen] / float(start.target_scale)
    weight = weights_of(material, training)[chosen]
    return Table(
        X=torch.as_tensor(np.ascontiguousarray(recent.X[chosen] / start.column_scales)),
        target=torch.as_tensor(target),
        weight=torch.as_tensor(weight * (len(weight) / max(weight.sum(), 1e-300))),
        series=torch.as_tensor(rows.series[chosen].astype(np.int64)),
        period=torch.as_tensor(rows.period[chosen].astype(np.int64)),
    )


def weights_of(material: Material, training: Training) -> np.ndarray:
    """(rows,) how much the rows at hand count: as declared, and less the older they are."""
    declared, period = material.recent.weight, material.recent.rows.period
    weight = np.ones(len(period)) if declared is None else declared.astype(float)
    return weight * training.discount ** (material.recent.rows.last - period).astype(float)


def settle_start(problem: Problem, state: State) -> tuple[Problem, State]:
    """Give each series its mean, shrunk; and a loss on units its total, its dispersion and its ceiling."""
    table, loss = problem.table, problem.loss
    prediction = predict_all(problem, state, table)
    if not loss.on_units:
        rows = _sums(problem, state, torch.ones_like(prediction))
        left = _sums(problem, state, table.target - prediction)
        return problem, state | {"intercepts": state["intercepts"] + left / (rows + problem.frame.ridge_own[0])}
    loss = with_dispersion(loss, prediction, table.target, table.weight)
    sold, said = _sums(problem, state, table.target), _sums(problem, state, loss.mean(prediction))
    common = (sold.sum() / said.sum().clamp(min=1e-30)).clamp(min=1e-30)
    doubt = said.sum() / table.weight.sum().clamp(min=1e-30)  # an average row's worth
    own = (sold + common * doubt) / (common * (said + doubt))
    state = state | {
        "bias": state["bias"] + torch.log(common) / loss.scale,
        "intercepts": state["intercepts"] + torch.log(own.clamp(min=1e-6)) / loss.scale,
    }
    prediction = predict_all(problem, state, table)
    return problem._replace(loss=with_dispersion(loss, prediction, table.target, table.weight)), state


def held_out_from(table: Table, horizon: int) -> int | None:
    """First place in time of the last block, which early stopping judges by; None where the history is too short."""
    if not len(table.period):
        return None
    first, last = int(table.period.min()), int(table.period.max())
    length = min(horizon, (last + 1 - first) // SHORTEST)
    return last + 1 - length if length else None


def refuse_missing_rows(material: Material) -> None:
    """Raise a SettingsError where part of the rows is known as sums only."""
    at_hand = len(material.recent.target)
    if at_hand < material.rows:
        raise SettingsError(
            f"training.engine 'rows' needs every row in memory, but only {at_hand:,} of {material.rows:,} are; "
            "use fit(panel), or training.engine 'moments'"
        )


def _sums(problem: Problem, state: State, values: torch.Tensor) -> torch.Tensor:
    """(series,) weighted sums of (rows,) values."""
    return torch.zeros_like(state["intercepts"]).index_add(0, problem.table.series, problem.table.weight * values)
