"""A state as one row of numbers and back: first what `regression.network` packs, then what series have of their own, then
the facts of learned curves.
"""

from typing import NamedTuple

import numpy as np
import torch

from hierforecast.hiref.minibatch.curves import CURVE
from hierforecast.hiref.minibatch.network import OWN, Frame, State, arrayed, parameters_of, state_of
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.network import Network


class Parts(NamedTuple):
    """A packed state, or a slope by one: (parameters,) of nodes, (series, 1 + own columns), and (facts,)."""

    nodes: np.ndarray
    own: np.ndarray
    curves: np.ndarray


class Packing:
    """The order of numbers.

    Args:
        network: of what nodes share.
        frame: of the problem, on its device.
        start: parameters whose names and scales are kept.
    """

    def __init__(self, network: Network, frame: Frame, start: Parameters) -> None:
        self.network, self.frame, self.start = network, frame, start

    def pack(self, state: State) -> np.ndarray:
        """(numbers,) float64 from a state, or from slopes by one."""
        nodes = self.network.pack(parameters_of(state, self.frame, self.start))
        own = [arrayed(state["intercepts"])[:, None], *([arrayed(state[OWN])] if OWN in state else [])]
        curves = arrayed(state[CURVE]) if CURVE in state else np.empty(0)
        return np.concatenate([nodes, np.hstack(own).ravel(), curves])

    def parts(self, place: np.ndarray) -> Parts:
        """The three parts of packed numbers."""
        count, shape = len(self.network.ridge), (self.frame.codes.shape[1], 1 + len(self.frame.own))
        own = place[count : count + shape[0] * shape[1]].reshape(shape)
        return Parts(place[:count], own, place[count + own.size :])

    def unpack(self, place: np.ndarray) -> State:
        """The inverse of `pack`, on the frame's device and in its type."""
        nodes, own, curves = self.parts(place)
        state = state_of(self.network.unpack(nodes, self.start), len(own), own.shape[1] - 1)
        state["intercepts"] = torch.tensor(own[:, 0])
        if OWN in state:
            state[OWN] = torch.tensor(own[:, 1:])
        if len(curves):
            state[CURVE] = torch.tensor(curves)
        return {name: tensor.to(self.frame.signs) for name, tensor in state.items()}
