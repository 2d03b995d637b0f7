"""Fitting the regression to moments: a start near the answer, then preconditioned L-BFGS on the whole data at once.

What every series has of its own needs no parameters: it is profiled out of the moments beforehand and read off them
afterwards, see `own`.
"""

from typing import Any, NamedTuple

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Columns, Parameters, bend
from hierforecast.hiref.regression.factoring import factor_embeddings
from hierforecast.hiref.regression.initial import FULL, initial_parameters
from hierforecast.hiref.regression.minimum import Precondition, minimise
from hierforecast.hiref.regression.network import Network, make_network
from hierforecast.hiref.regression.own import own_places, profile_own, read_own
from hierforecast.hiref.regression.ridge import Strengths, strengths_of
from hierforecast.options import Training

CONVEX = 60  # iterations at most with full embeddings, from whose answer those of low rank begin
RENEW = 20  # iterations after which the rough curvature is taken anew


class Trained(NamedTuple):
    """A fit.

    Args:
        parameters: what was found.
        intercepts: (series,) each series' own, on the link scale.
        loss: mean penalised squared error per row, in units of the noise variance of the starting fit.
        iterations: L-BFGS iterations used.
        converged: whether it stopped by itself.
        trace: further facts about how it went, JSON-ready: `loss_trace`, the loss at the start and after every iteration;
            of the rows engine the learning curve.
        own: (series, columns) what each series adds to its effects, on the link scale per unit of a column; None where
            no column varies at the bottom.
    """

    parameters: Parameters
    intercepts: np.ndarray
    loss: float
    iterations: int
    converged: bool
    trace: dict[str, Any] | None = None
    own: np.ndarray | None = None


def train(
    moments: Moments,
    hierarchy: Hierarchy,
    columns: Columns,
    training: Training,
    *,
    start: Parameters | None = None,
    rows: float | None = None,
) -> Trained:
    """Minimise squared error / 2 + ridge / 2 * squares of all that tells nodes and series apart.

    Args:
        moments: of all rows, columns in the order of `columns`.
        hierarchy: the nodes and series behind the moments.
        columns: signs and levels per column.
        training: sizes, strengths and the seed of the start.
        start: parameters to go on from, e.g. of a fit on fewer weeks; None makes a start from the moments.
        rows: behind the moments; None takes the sum of their weights. To be given where the first side is no constant.

    Raises:
        SettingsError: strengths name an unknown group, or are still to be chosen.
    """
    rows = max(float(moments.counts.sum()) if rows is None else rows, 1.0)
    strengths = strengths_of(training, columns, hierarchy.levels)
    start = start or begin(moments, hierarchy, columns, training, strengths, rows=rows)
    products = moments.scaled(start.column_scales, float(start.target_scale))
    places = own_places(columns)
    loss = _Loss(profile_own(products, places, strengths.own), make_network(hierarchy, columns, strengths, start), start.signs)
    ended = minimise(
        loss.value_and_slope,
        loss.network.pack(start),
        loss.curvature,
        iterations=training.iterations,
        tolerance=training.tolerance * rows / 2,
        renew=RENEW,
    )
    found = loss.network.unpack(ended.place, start)
    own = read_own(products, loss.effects(ended.place), loss.signs, places, strengths.own) * float(start.target_scale)
    return Trained(
        parameters=found,
        intercepts=own[:, 0],
        loss=2 * ended.trace[-1] / rows,
        iterations=len(ended.trace) - 1,
        converged=ended.converged,
        trace={"loss_trace": [2 * value / rows for value in ended.trace]},
        own=own[:, 1:] / start.column_scales if len(places) > 1 else None,
    )


def begin(
    moments: Moments, hierarchy: Hierarchy, columns: Columns, training: Training, strengths: Strengths, *, rows: float
) -> Parameters:
    """A start from moments alone: of low rank, the answer with full embeddings, cut to its leading directions.

    `rows` are those behind the moments, see `train`.
    """
    if training.embedding_size == FULL:
        return initial_parameters(moments, hierarchy, columns, strengths, rows=rows)
    full = training.model_copy(update={"embedding_size": FULL, "iterations": min(CONVEX, training.iterations)})
    found = train(moments, hierarchy, columns, full, rows=rows).parameters
    return factor_embeddings(found, training.embedding_size, strengths)


class _Loss:
    """Penalised squared error / 2 as a function of what training moves.

    Args:
        products: (series, columns + 2, columns + 2) scaled, own parts profiled out.
        network: parameters of either kind.
        signs: (columns,).
    """

    def __init__(self, products: np.ndarray, network: Network, signs: np.ndarray) -> None:
        self._gram = products[:, :-1, :-1]
        self._bent = np.empty(self._gram.shape)  # used again and again: fresh memory of this size is slow to come by
        self._right = products[:, :-1, -1].copy()
        self._squares = float(products[:, -1, -1].sum())
        self.network = network
        self.signs = np.append(0.0, signs)
        self._signed = _as_slice(np.flatnonzero(self.signs))
        self._any_signed = bool(self.signs.any())

    def effects(self, place: np.ndarray) -> np.ndarray:
        """(series, 1 + columns) scaled baselines and effects."""
        return self._constrain(self.network.raw(place))[0]

    def value_and_slope(self, place: np.ndarray) -> tuple[float, np.ndarray]:
        effects, slope = self._constrain(self.network.raw(place))
        pulled = (self._gram @ effects[:, :, None])[:, :, 0] - self._right
        penalty = self.network.ridge * place
        value = (self._squares + np.vdot(effects, pulled) - np.vdot(effects, self._right) + place @ penalty) / 2
        if self._any_signed:
            pulled[:, self._signed] *= slope
        return float(value), self.network.slopes(place, pulled) + penalty

    def curvature(self, place: np.ndarray) -> Precondition:
        """As if series' effects were unrelated to each other but by what they share; positive by taking sizes."""
        if not self._any_signed:
            return self.network.curvature(place, np.ascontiguousarray(self._gram))
        effects, slope = self._constrain(self.network.raw(place))
        pulled = (self._gram @ effects[:, :, None])[:, :, 0] - self._right
        factor = np.ones(self._right.shape)
        factor[:, self._signed] = slope
        np.multiply(self._gram, factor[:, :, None], out=self._bent)
        self._bent *= factor[:, None, :]
        # Where c_f is nearly flat, its own bend is what keeps steps short.
        diagonal = np.einsum("skk->sk", self._bent)
        diagonal[:, self._signed] += np.abs(pulled[:, self._signed] * slope * (1.0 - np.abs(slope)))
        return self.network.curvature(place, self._bent)

    def _constrain(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Effects, in the place of `raw`, and (series, signed columns) by how much they follow it."""
        raw[:, self._signed], slope = bend(raw[:, self._signed], self.signs[self._signed])
        return raw, slope


def _as_slice(places: np.ndarray) -> np.ndarray | slice:
    """Ascending places as a slice where they are neighbours, which is read without a copy."""
    together = len(places) > 0 and places[-1] - places[0] == len(places) - 1
    return slice(int(places[0]), int(places[-1]) + 1) if together else places
