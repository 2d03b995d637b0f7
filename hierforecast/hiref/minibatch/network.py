"""The model's equations on tensors, as plain functions of a dictionary of what moves and a tuple of what stays.

The same equations in NumPy, with their meaning, are in `regression.effects`. Everything is in scaled units: the target
in noise sds, each column in its own sd. A series' intercept, which moments profile out, is a parameter here.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.minibatch.strengths import strengths_of
from hierforecast.hiref.regression.effects import Columns, Parameters
from hierforecast.options import Training

State = dict[str, Tensor]  # bias, weights, theta, loadings, intercepts, table.0 ... of every level, curves where learned

TABLE = "table.{place}"


class Frame(NamedTuple):
    """What training does not move.

    Args:
        codes: (levels, series) nodes.
        signs: (columns,) +1, -1, or 0 where free.
        mask: (columns, width) 1 where an effect may vary with an embedding.
        strengths: (levels,) ridge of each level's embeddings.
        wide: (width,) the same, once per number of an embedding.
        own: () ridge of series intercepts.
    """

    codes: Tensor
    signs: Tensor
    mask: Tensor
    strengths: Tensor
    wide: Tensor
    own: Tensor

    def cast(self, device: torch.device, dtype: torch.dtype) -> "Frame":
        """The same elsewhere, numbers in another type; codes stay whole."""
        return Frame(self.codes.to(device), *(tensor.to(device, dtype) for tensor in self[1:]))


def make_frame(hierarchy: Hierarchy, columns: Columns, training: Training) -> Frame:
    """The frame of a hierarchy and its columns, on CPU in float64."""
    strengths = strengths_of(training, hierarchy.levels)
    per_level = torch.tensor(strengths.levels, dtype=torch.float64)
    varies = torch.tensor([[level in by for level in hierarchy.levels] for by in columns.by], dtype=torch.float64)
    size = training.embedding_size
    return Frame(
        codes=torch.as_tensor(hierarchy.series.T.astype(np.int64)).contiguous(),
        signs=torch.as_tensor(columns.signs, dtype=torch.float64),
        mask=varies.reshape(len(columns.by), len(hierarchy.levels)).repeat_interleave(size, dim=1),
        strengths=per_level,
        wide=per_level.repeat_interleave(size),
        own=torch.tensor(strengths.intercepts, dtype=torch.float64),
    )


def state_of(parameters: Parameters, intercepts: np.ndarray) -> State:
    """Parameters and (series,) scaled intercepts as tensors, on CPU in float64."""
    arrays = {name: getattr(parameters, name) for name in ("bias", "weights", "theta", "loadings")}
    tables = {TABLE.format(place=place): table for place, table in enumerate(parameters.embeddings.values())}
    return {
        name: torch.tensor(np.asarray(a, dtype=float)) for name, a in (arrays | {"intercepts": intercepts} | tables).items()
    }


def parameters_of(state: State, frame: Frame, start: Parameters) -> Parameters:
    """The inverse of `state_of`; names, signs and scales are those of `start`."""
    arrays = {name: tensor.detach().cpu().double().numpy() for name, tensor in state.items()}
    return start._replace(
        bias=arrays["bias"],
        weights=arrays["weights"],
        theta=arrays["theta"],
        loadings=arrays["loadings"] * frame.mask.cpu().double().numpy(),
        embeddings={level: arrays[TABLE.format(place=place)] for place, level in enumerate(start.embeddings)},
    )


def series_terms(state: State, frame: Frame, series: Tensor) -> tuple[Tensor, Tensor]:
    """Baseline with intercept (n,) and effects (n, columns) of (n,) series, which may repeat."""
    codes = frame.codes.index_select(1, series)
    tables = [state[TABLE.format(place=place)].index_select(0, code) for place, code in enumerate(codes)]
    z = torch.cat(tables, dim=1)  # (n, width)
    raw = state["theta"] + z @ (state["loadings"] * frame.mask).T
    baseline = state["bias"] + z @ state["weights"] + state["intercepts"].index_select(0, series)
    return baseline, torch.where(frame.signs == 0, raw, frame.signs * softplus(raw))


def penalty(state: State, frame: Frame) -> Tensor:
    """Half the ridge-weighted squares of all that tells nodes and series apart, (); bias and main effects go free."""
    shared = (frame.wide * (state["weights"].square() + (state["loadings"] * frame.mask).square().sum(dim=0))).sum()
    squares = [state[TABLE.format(place=place)].square().sum() for place in range(len(frame.codes))]
    return (shared + (frame.strengths * torch.stack(squares)).sum() + frame.own * state["intercepts"].square().sum()) / 2
