"""The model's equations on tensors, as plain functions of a dictionary of what moves and a tuple of what stays.

The same equations in NumPy, with their meaning, are in `regression.effects`. Everything is in scaled units: the target
in noise sds, each column in its own sd. What a series has of its own, which moments profile out, is a parameter here.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.regression.effects import Columns, Parameters
from hierforecast.hiref.regression.network import TINY
from hierforecast.hiref.regression.ridge import Strengths

# bias, theta, intercepts and table.0 ... of every level; weights and loadings where embeddings are of low rank; own where
# columns vary at the bottom; curves where some are learned.
State = dict[str, Tensor]

TABLE, OWN = "table.{place}", "own"


class Frame(NamedTuple):
    """What training does not move. Embeddings are of low rank or full, see `regression.effects`.

    Args:
        codes: (levels, series) nodes.
        own: (own columns,) places of columns of which every series has an effect of its own.
        signs: (columns,) +1, -1, or 0 where free.
        mask: 1 where an embedding may move baseline or effect: (1 + columns, width), of full ones (levels, 1 + columns).
        ridge_tables: (levels,) of embeddings of low rank.
        ridge: of what `mask` lies over: of w and P, or of full embeddings.
        ridge_own: (1 + own columns,) of what series have of their own; first their intercept.
        full: whether embeddings are full.
    """

    codes: Tensor
    own: Tensor
    signs: Tensor
    mask: Tensor
    ridge_tables: Tensor
    ridge: Tensor
    ridge_own: Tensor
    full: bool

    def cast(self, device: torch.device, dtype: torch.dtype) -> "Frame":
        """The same elsewhere, numbers in another type; codes and places stay whole."""
        numbers = (tensor.to(device, dtype) for tensor in self[2:-1])
        return Frame(self.codes.to(device), self.own.to(device), *numbers, self.full)


def make_frame(hierarchy: Hierarchy, columns: Columns, strengths: Strengths, start: Parameters) -> Frame:
    """The frame of a hierarchy and its columns, for embeddings of the kind and sizes of `start`; on CPU in float64."""
    varies = np.vstack([np.ones(len(hierarchy.levels), dtype=bool), columns.varies(hierarchy.levels)])  # (1 + columns, levels)
    sizes = [table.shape[1] for table in start.embeddings.values()]
    mask, ridge = varies.T, strengths.columns
    if not start.full:
        mask, ridge = (np.repeat(part, sizes, axis=1) for part in (varies, strengths.columns.T))
    own = np.flatnonzero(columns.own)
    return Frame(
        codes=torch.as_tensor(hierarchy.series.T.astype(np.int64)).contiguous(),
        own=torch.as_tensor(own.astype(np.int64)),
        signs=_numbers(columns.signs),
        mask=_numbers(mask),
        ridge_tables=_numbers(strengths.nodes),
        ridge=_numbers(ridge),
        ridge_own=_numbers(strengths.own[np.concatenate([[0], 1 + own])]),
        full=start.full,
    )


def state_of(parameters: Parameters, series: int, own_columns: int) -> State:
    """Parameters as tensors, on CPU in float64; what each of so many series has of its own begins at 0."""
    arrays = {"bias": parameters.bias, "theta": parameters.theta, "intercepts": np.zeros(series)}
    if not parameters.full:
        arrays |= {"weights": parameters.weights, "loadings": parameters.loadings}
    if own_columns:
        arrays[OWN] = np.zeros((series, own_columns))
    arrays |= {TABLE.format(place=place): table for place, table in enumerate(parameters.embeddings.values())}
    return {name: _numbers(array) for name, array in arrays.items()}


def parameters_of(state: State, frame: Frame, start: Parameters) -> Parameters:
    """The inverse of `state_of`; names, signs and scales are those of `start`."""
    arrays, mask = {name: arrayed(tensor) for name, tensor in state.items()}, arrayed(frame.mask)
    tables = [arrays[TABLE.format(place=place)] for place in range(len(start.embeddings))]
    if frame.full:
        tables = [table * row for table, row in zip(tables, mask, strict=True)]
    found = start._replace(
        bias=arrays["bias"], theta=arrays["theta"], embeddings=dict(zip(start.embeddings, tables, strict=True))
    )
    return found if frame.full else found._replace(weights=arrays["weights"], loadings=arrays["loadings"] * mask[1:])


def own_of(state: State, frame: Frame) -> np.ndarray | None:
    """(series, columns) what series add to their effects, scaled; None where no column varies at the bottom."""
    if OWN not in state:
        return None
    spread = np.zeros((len(state["intercepts"]), len(frame.signs)))
    spread[:, frame.own.cpu().numpy()] = arrayed(state[OWN])
    return spread


def series_terms(state: State, frame: Frame, series: Tensor) -> tuple[Tensor, Tensor]:
    """Baseline with intercept (n,) and effects (n, columns) of (n,) series, which may repeat."""
    raw = raw_terms(state, frame, series)
    baseline, raw = raw[:, 0] + state["intercepts"].index_select(0, series), raw[:, 1:]
    effects = torch.where(frame.signs == 0, raw, frame.signs * softplus(raw))
    if OWN in state:
        effects = effects.index_add(1, frame.own, state[OWN].index_select(0, series))
        effects = torch.where(frame.signs == 0, effects, frame.signs * torch.relu(frame.signs * effects))
    return baseline, effects


def raw_terms(state: State, frame: Frame, series: Tensor) -> Tensor:
    """Baseline and effects before c_f, of nodes alone, (n, 1 + columns)."""
    shared = torch.cat([state["bias"][None], state["theta"]])
    if frame.full:
        tables = node_rows(state, frame, series)
        return shared + sum(table * row for table, row in zip(tables, frame.mask, strict=True))
    return shared + torch.cat(node_rows(state, frame, series), dim=1) @ loadings(state, frame).T


def node_rows(state: State, frame: Frame, series: Tensor) -> list[Tensor]:
    """Per level, (n, size) the embeddings of the series' nodes."""
    codes = frame.codes.index_select(1, series)
    return [state[TABLE.format(place=place)].index_select(0, code) for place, code in enumerate(codes)]


def loadings(state: State, frame: Frame) -> Tensor:
    """w above P, (1 + columns, width)."""
    return torch.cat([state["weights"][None], state["loadings"]]) * frame.mask


def penalty(state: State, frame: Frame) -> Tensor:
    """Half the ridge-weighted squares of all that tells nodes and series apart, (); what all share goes all but free."""
    tables = [state[TABLE.format(place=place)] for place in range(len(frame.codes))]
    total = TINY * (state["bias"].square() + state["theta"].square().sum())
    total = total + frame.ridge_own[0] * state["intercepts"].square().sum()
    if OWN in state:
        total = total + (frame.ridge_own[1:] * state[OWN].square()).sum()
    if frame.full:
        return (total + sum((row * table.square()).sum() for row, table in zip(frame.ridge, tables, strict=True))) / 2
    squares = torch.stack([table.square().sum() for table in tables])
    return (total + (frame.ridge * loadings(state, frame).square()).sum() + (frame.ridge_tables * squares).sum()) / 2


def arrayed(tensor: Tensor) -> np.ndarray:
    """As a NumPy array in float64."""
    return tensor.detach().cpu().double().numpy()


def _numbers(array: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(array, dtype=float))
