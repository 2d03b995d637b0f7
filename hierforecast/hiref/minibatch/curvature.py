"""How much the loss bends along each parameter, by one pass over the rows: what L-BFGS is told of the problem beforehand.

For row i with second slope h of its loss and Jacobian J of its prediction, the bend along a parameter is about

    sum_i weight h J^2 + ridge

(the diagonal of Gauss-Newton). With J0 = [1, x c_f'(raw)] the Jacobian by raw effects, that of an embedding is J0 times
w and P, and that of w and P is J0 times the embedding.
"""

import torch
from torch import Tensor

from hierforecast.hiref.minibatch.curves import CURVE, DOUBT
from hierforecast.hiref.minibatch.network import OWN, TABLE, State, loadings, node_rows, raw_terms
from hierforecast.hiref.minibatch.problem import Problem, in_order
from hierforecast.hiref.regression.network import TINY


@torch.no_grad()
def bends(problem: Problem, state: State) -> State:
    """The bend along every parameter, in its shape."""
    frame = problem.frame
    of_raw, of_tables = _sums_by_series(problem, state)
    everyone = torch.arange(len(of_raw), device=of_raw.device)
    total = of_raw.sum(dim=0)
    found = {"bias": total[0] + TINY, "theta": total[1:] + TINY, "intercepts": of_raw[:, 0] + frame.ridge_own[0]}
    if OWN in state:
        found[OWN] = of_raw[:, 1 + frame.own] + frame.ridge_own[1:]
    if CURVE in state:
        found[CURVE] = torch.full_like(state[CURVE], 1.0 / DOUBT**2) + total[0]
    if not frame.full:
        z = torch.cat(node_rows(state, frame, everyone), dim=1)
        shared = of_raw.T @ z.square() * frame.mask + frame.ridge
        found |= {"weights": shared[0], "loadings": shared[1:]}
    start = 0
    for place, code in enumerate(frame.codes):
        table = state[TABLE.format(place=place)]
        part = of_raw * frame.mask[place] if frame.full else of_tables[:, start : start + table.shape[1]]
        ridge = frame.ridge[place] if frame.full else frame.ridge_tables[place]
        found[TABLE.format(place=place)] = torch.zeros_like(table).index_add(0, code, part) + ridge
        start += table.shape[1]
    return found


def _sums_by_series(problem: Problem, state: State) -> tuple[Tensor, Tensor]:
    """(series, 1 + columns) of weight h J0^2, and (series, width) of weight h (J0 [w; P])^2, empty where P is fixed."""
    frame, table = problem.frame, problem.table
    count, shared = frame.codes.shape[1], None if frame.full else loadings(state, frame)
    of_raw = torch.zeros((count, frame.signs.shape[0] + 1), dtype=table.X.dtype, device=table.X.device)
    of_tables = torch.zeros((count, 0 if shared is None else shared.shape[1]), dtype=table.X.dtype, device=table.X.device)
    for batch in in_order(table):
        series, X = table.series[batch.rows], table.X[batch.rows]
        raw = raw_terms(state, frame, batch.series)[:, 1:]
        slope = torch.where(frame.signs == 0, torch.ones_like(raw), frame.signs * torch.sigmoid(raw))
        moved = X * slope.index_select(0, torch.searchsorted(batch.series, series))
        jacobian = torch.cat([torch.ones_like(moved[:, :1]), moved], dim=1)
        bend = (table.weight[batch.rows] * problem.loss.curvature(problem.predict(state, table, batch)))[:, None]
        of_raw.index_add_(0, series, bend * jacobian.square())
        if shared is not None:
            of_tables.index_add_(0, series, bend * (jacobian @ shared).square())
    return of_raw, of_tables
