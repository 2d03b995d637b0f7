"""What is to be minimised: rows on the device, the frame, the loss, and the batches they are taken in."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hierforecast.hiref.minibatch.curves import CURVE, Exposures, shape_columns
from hierforecast.hiref.minibatch.losses import Loss
from hierforecast.hiref.minibatch.network import Frame, State, penalty, series_terms

AT_ONCE = 262_144  # rows of full-batch work held in memory together with their gradients
LEAST_BATCHES = 16  # a small panel is cut into so many, so that an epoch is more than one step


class Table(NamedTuple):
    """Rows sorted by series and period.

    Args:
        X: (rows, columns) in column sds.
        target: (rows,) as the loss wants it: noise sds on the link scale, or units.
        weight: (rows,).
        series: (rows,) int64.
        period: (rows,) int64 since the origin, which is where exposures begin; read only where curves are learned.
    """

    X: Tensor
    target: Tensor
    weight: Tensor
    series: Tensor
    period: Tensor

    def cast(self, device: torch.device, dtype: torch.dtype) -> "Table":
        """The same elsewhere, numbers in another type."""
        numbers = (tensor.to(device, dtype) for tensor in self[:3])
        return Table(*numbers, self.series.to(device), self.period.to(device))

    def take(self, rows: Tensor | slice) -> "Table":
        """Some rows."""
        return Table(*(tensor[rows] for tensor in self))


class Batch(NamedTuple):
    """Rows, and the (n,) distinct, ascending series they belong to; None where each row looks up its own nodes."""

    rows: Tensor | slice
    series: Tensor | None


class Problem(NamedTuple):
    """A training.

    Args:
        table: rows to learn from.
        frame: what does not move.
        loss: per row.
        exposures: of drivers whose curves are learned, or None.
    """

    table: Table
    frame: Frame
    loss: Loss
    exposures: Exposures | None = None

    @property
    def rows(self) -> int:
        """Rows to learn from."""
        return len(self.table.target)

    def cast(self, device: torch.device, dtype: torch.dtype) -> "Problem":
        """The same elsewhere, numbers in another type."""
        exposures = self.exposures.cast(device, dtype) if self.exposures else None
        return Problem(self.table.cast(device, dtype), self.frame.cast(device, dtype), self.loss, exposures)

    def predict(self, state: State, table: Table, batch: Batch) -> Tensor:
        """(rows of the batch,) predictions in noise sds."""
        X, series = table.X[batch.rows], table.series[batch.rows]
        if batch.series is None:
            baseline, effects = series_terms(state, self.frame, series)
            return baseline + (X * effects).sum(dim=1)
        baseline, effects = series_terms(state, self.frame, batch.series)
        local = torch.searchsorted(batch.series, series)
        if self.exposures:
            X = shape_columns(state, self.exposures, batch.series, X, local, table.period[batch.rows])
        return baseline.index_select(0, local) + (X * effects.index_select(0, local)).sum(dim=1)

    def lost(self, state: State, table: Table, batch: Batch) -> Tensor:
        """Weighted sum of losses over a batch, ()."""
        losses = self.loss.rows(self.predict(state, table, batch), table.target[batch.rows])
        return (table.weight[batch.rows] * losses).sum()

    def held_back(self, state: State) -> Tensor:
        """What ridge, and the doubt about curves far from where they started, add to the sum of losses, ()."""
        total = penalty(state, self.frame)
        if self.exposures:
            total = total + self.exposures.doubt(state[CURVE])
        return total

    def shuffled(self, batch_rows: int, generator: torch.Generator) -> Iterator[Batch]:
        """Every row once, in batches; by whole series where curves are learned, since carry-over needs their past."""
        device = self.table.target.device
        size = min(batch_rows, -(-self.rows // LEAST_BATCHES))
        if self.exposures is None:
            for rows in torch.randperm(self.rows, generator=generator).to(device).split(size):
                yield Batch(rows, None)
            return
        count = self.frame.codes.shape[1]
        starts = torch.searchsorted(self.table.series, torch.arange(count + 1, device=device))
        at_once = max(size * count // self.rows, 1)
        for chosen in torch.randperm(count, generator=generator).to(device).split(at_once):
            series = chosen.sort().values
            yield Batch(ranges(starts[series], starts[series + 1]), series)


def in_order(table: Table) -> Iterator[Batch]:
    """Every row once, in pieces that fit into memory, with gradients too."""
    for start in range(0, len(table.target), AT_ONCE):
        rows = slice(start, min(start + AT_ONCE, len(table.target)))
        first, last = int(table.series[rows.start]), int(table.series[rows.stop - 1])
        yield Batch(rows, torch.arange(first, last + 1, device=table.series.device))


def ranges(starts: Tensor, ends: Tensor) -> Tensor:
    """``start, start + 1 .. end - 1`` of each pair, one after another."""
    lengths = ends - starts
    before = torch.cumsum(lengths, 0) - lengths
    return torch.arange(int(lengths.sum()), device=starts.device) + (starts - before).repeat_interleave(lengths)


@torch.no_grad()
def mean_loss(problem: Problem, state: State, table: Table) -> float:
    """Weighted mean loss over rows, without penalties; pieces are added up in float64."""
    total = sum(float(problem.lost(state, table, batch)) for batch in in_order(table))
    return total / max(float(table.weight.sum()), 1e-30)


@torch.no_grad()
def predict_all(problem: Problem, state: State, table: Table) -> Tensor:
    """(rows,) predictions in noise sds."""
    return torch.cat([problem.predict(state, table, batch) for batch in in_order(table)])
