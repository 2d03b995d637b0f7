"""Where a training by rows begins: the rows as tensors, each series' mean, and which weeks are held out to judge by."""

import numpy as np
import torch

from hierforecast.hiref.material import SHORTEST, Material
from hierforecast.hiref.minibatch.losses import make_loss, with_dispersion
from hierforecast.hiref.minibatch.network import State
from hierforecast.hiref.minibatch.problem import Problem, Table, predict_all
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.options import Training


def table_of(material: Material, training: Training, start: Parameters, before: int | None) -> Table:
    """Rows of earlier periods than `before`, sorted by series and period, scaled, on CPU in float64."""
    recent, rows = material.recent, material.recent.rows
    chosen = np.flatnonzero(rows.period < (rows.last + 1 if before is None else before))
    chosen = chosen[np.lexsort((rows.period[chosen], rows.series[chosen]))]
    on_units = make_loss(training, 1.0).on_units
    target = recent.target[chosen] if on_units else recent.value[chosen] / float(start.target_scale)
    weight = weights_of(material)[chosen]
    return Table(
        X=torch.as_tensor(np.ascontiguousarray(recent.X[chosen] / start.column_scales)),
        target=torch.as_tensor(target),
        weight=torch.as_tensor(weight),
        series=torch.as_tensor(rows.series[chosen].astype(np.int64)),
        period=torch.as_tensor((rows.period[chosen] - rows.first).astype(np.int64)),
    )


def weights_of(material: Material) -> np.ndarray:
    """(rows,) weights of the rows at hand; 1 where none are declared."""
    weight = getattr(material.recent, "weight", None)
    return np.ones(len(material.recent.target)) if weight is None else np.asarray(weight, dtype=float)


def settle_start(problem: Problem, state: State) -> tuple[Problem, State]:
    """Give each series its mean, shrunk; and a loss on units its total, its dispersion and its ceiling."""
    table, loss = problem.table, problem.loss
    prediction = predict_all(problem, state, table)
    if not loss.on_units:
        rows = _sums(problem, state, torch.ones_like(prediction))
        left = _sums(problem, state, table.target - prediction)
        return problem, state | {"intercepts": state["intercepts"] + left / (rows + problem.frame.own)}
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


def _sums(problem: Problem, state: State, values: torch.Tensor) -> torch.Tensor:
    """(series,) weighted sums of (rows,) values."""
    return torch.zeros_like(state["intercepts"]).index_add(0, problem.table.series, problem.table.weight * values)
