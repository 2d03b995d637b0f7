"""How the loss bends, roughly, by one pass over the rows: what L-BFGS is told of the problem beforehand.

With h the second slope of a row's loss, J = [1, x] that of its prediction by effects, and D = [1, c_f'(raw)], series s has

    E[s] = sum weight h J J'     by effects,     D E D by raw effects, which nodes share,    E D across.

What a series has of its own, K, is taken out of the bend of nodes (its Schur complement) and put back afterwards, so that
both move together. Curves bend as the baseline does.
"""

import numpy as np
import torch

from hierforecast.hiref.minibatch.curves import DOUBT
from hierforecast.hiref.minibatch.network import State, arrayed, raw_terms
from hierforecast.hiref.minibatch.packing import Packing
from hierforecast.hiref.minibatch.problem import Problem, in_order
from hierforecast.hiref.moments.sums import sum_moments
from hierforecast.hiref.regression.minimum import Precondition


def curvature_at(problem: Problem, packing: Packing, place: np.ndarray) -> Precondition:
    """Product with a rough inverse of the curvature at packed numbers."""
    frame, state = problem.frame, packing.unpack(place)
    bent, pulled = _bends(problem, state)
    raw = arrayed(raw_terms(state, frame, torch.arange(len(bent), device=frame.codes.device)))
    signs = np.append(0.0, arrayed(frame.signs))
    follows = np.where(signs == 0, 1.0, signs / (1.0 + np.exp(-np.clip(raw, -50.0, 50.0))))  # D, (series, 1 + columns)
    own = np.append(0, 1 + frame.own.cpu().numpy())
    inner = np.linalg.inv(bent[:, own][:, :, own] + np.diag(arrayed(frame.ridge_own)))
    across = bent[:, own] * follows[:, None, :]
    by_raw = bent * follows[:, :, None] * follows[:, None, :] - across.transpose(0, 2, 1) @ inner @ across
    # Where c_f is nearly flat, its own bend is what keeps steps short.
    diagonal = np.arange(len(signs))
    by_raw[:, diagonal, diagonal] += (signs != 0) * np.abs(pulled * follows * (1.0 - np.abs(follows)))
    nodes = packing.parts(place).nodes
    of_nodes = packing.network.curvature(nodes, by_raw)
    of_curves = 1.0 / DOUBT**2 + float(bent[:, 0, 0].sum())

    def apply(slope: np.ndarray) -> np.ndarray:
        parts = packing.parts(slope)
        alone = (inner @ parts.own[:, :, None])[:, :, 0]
        raw_pull = (across.transpose(0, 2, 1) @ alone[:, :, None])[:, :, 0]
        step = of_nodes(parts.nodes - packing.network.slopes(nodes, raw_pull))
        # Raw effects are bilinear, so this difference is exactly their change along the step.
        moved = (packing.network.raw(nodes + step) - packing.network.raw(nodes - step)) / 2
        follow = alone - (inner @ (across @ moved[:, :, None]))[:, :, 0]
        return np.concatenate([step, follow.ravel(), parts.curves / of_curves])

    return apply


def _bends(problem: Problem, state: State) -> tuple[np.ndarray, np.ndarray]:
    """(series, 1 + columns, 1 + columns) E, and (series, 1 + columns) slopes of the losses by effects."""
    table, count = problem.table, problem.frame.codes.shape[1]
    bend = torch.empty_like(table.target)
    pulled = torch.zeros((count, 1 + table.X.shape[1]), dtype=table.X.dtype, device=table.X.device)
    for batch in in_order(table):
        with torch.no_grad():
            prediction = problem.predict(state, table, batch)
        prediction.requires_grad_()
        lost = (table.weight[batch.rows] * problem.loss.rows(prediction, table.target[batch.rows])).sum()
        (slope,) = torch.autograd.grad(lost, prediction)
        bend[batch.rows] = table.weight[batch.rows] * problem.loss.curvature(prediction.detach())
        X = table.X[batch.rows]
        jacobian = torch.cat([X.new_ones(len(X), 1), X], dim=1)
        pulled.index_add_(0, table.series[batch.rows], slope[:, None] * jacobian)
    nothing = np.zeros(len(table.target))
    sums = sum_moments(arrayed(table.X), nothing, table.series.cpu().numpy(), count, weights=arrayed(bend))
    return sums.products[:, :-1, :-1], arrayed(pulled)
