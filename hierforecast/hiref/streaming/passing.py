"""The second reading of a data set: moments of every row, and the rows of the last periods themselves.

Batches of a series come in the order of time and hand its carry-over on, so a file may end, and another go on, in the
middle of a series. What two readings of different series found adds up, on one machine or on many.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.carry import Carry
from hierforecast.hiref.columns.design import Design
from hierforecast.hiref.columns.rows import read_dates, sort_rows
from hierforecast.hiref.link import Link
from hierforecast.hiref.material import read_units, read_weights
from hierforecast.hiref.moments.sums import add_rows
from hierforecast.hiref.rounds import Round
from hierforecast.hiref.streaming.files import DataFile, read_batches
from hierforecast.hiref.streaming.keys import names_of, places_in, read_keys


class Plan(NamedTuple):
    """What is made of every row.

    Args:
        hierarchy: the series to expect.
        design: how columns are made; its facts are known, its ranges not yet.
        link: with its stand-in for zero.
        cuts: first period of each held-out block, ascending.
        recent_from: the first period whose rows are kept.
    """

    hierarchy: Hierarchy
    design: Design
    link: Link
    cuts: tuple[int, ...]
    recent_from: int


class Piece(NamedTuple):
    """Kept rows of one batch, sorted by series and period; fields as in `Recent`.

    Args:
        series: (rows,) places among the pass's series.
        period: (rows,) since the origin.
        dates: (rows,).
        X: (rows, columns).
        target: (rows,) in units.
        value: (rows,) on the link scale.
        weight: (rows,) or None.
    """

    series: np.ndarray
    period: np.ndarray
    dates: np.ndarray
    X: np.ndarray
    target: np.ndarray
    value: np.ndarray
    weight: np.ndarray | None


class Passed(NamedTuple):
    """What came of some rows.

    Args:
        products: (series, blocks, columns + 2, columns + 2) moments of the rows before, between and after the cuts.
        carry: what the series take along.
        pieces: kept rows.
        rows: how many were read and count, those of weight 0 left out.
    """

    products: np.ndarray
    carry: Carry
    pieces: tuple[Piece, ...]
    rows: int


def pass_over_files(files: Sequence[DataFile], plan: Plan, carry: Carry | None = None) -> Passed:
    """Read files, one after another in the order of time.

    Args:
        files: the order in which series go on from one to the next.
        plan: what to make of them.
        carry: what earlier rows of the plan's series left; None where there were none.

    Raises:
        PanelError: a driver is missing, empty or infinite, or rows are repeated or out of order; the message names the file.
    """
    passed = nothing_passed(plan, carry)
    for file in files:
        for frame in read_batches(file, plan.design.panel.columns, plan.design.panel):
            try:
                passed = pass_over_frame(frame, plan, passed)
            except PanelError as error:
                raise PanelError(f"in {file.path!r}: {error}") from None
    return passed


def nothing_passed(plan: Plan, carry: Carry | None = None) -> Passed:
    """The start of a pass."""
    count, size = len(plan.hierarchy.series), len(plan.design.columns.names) + 2
    carry = plan.design.new_carry(count) if carry is None else carry
    return Passed(np.zeros((count, len(plan.cuts) + 1, size, size)), carry, (), 0)


def pass_over_frame(frame: pd.DataFrame, plan: Plan, passed: Passed) -> Passed:
    """Take in the rows of one batch, all with a known target. `passed.products` is added to in place: it can be large."""
    batch, carry = read_batch(frame, plan, passed.carry)
    block = np.searchsorted(np.array(plan.cuts, dtype=np.int64), batch.period, side="right")
    kinds = batch.series * (len(plan.cuts) + 1) + block  # series by block: rows stay sorted
    add_rows(passed.products.reshape(-1, *passed.products.shape[2:]), batch.X, batch.value, kinds, weights=batch.weight)
    kept = batch.period >= plan.recent_from
    pieces = (*passed.pieces, _some(batch, kept)) if kept.any() else passed.pieces
    rows = len(batch.target) if batch.weight is None else int(np.count_nonzero(batch.weight))
    return Passed(passed.products, carry, pieces, passed.rows + rows)


def sum_round_over_files(files: Sequence[DataFile], plan: Plan, near: Round, before: int | None) -> np.ndarray:
    """The sums of one round of reweighting, (series, columns + 2, columns + 2): one more reading of the rows.

    Args:
        files: in the order of time.
        plan: the plan that the files were passed over with.
        near: the round, its series numbered as in the plan.
        before: only rows of periods before this one count; None counts all.
    """
    count, size = len(plan.hierarchy.series), len(plan.design.columns.names) + 2
    products, carry = np.zeros((count, size, size)), plan.design.new_carry(count)
    for file in files:
        for frame in read_batches(file, plan.design.panel.columns, plan.design.panel):
            batch, carry = read_batch(frame, plan, carry)
            if before is not None:
                batch = _some(batch, batch.period < before)
            if len(batch.target):
                found = near.working(batch.X, batch.series, batch.period, batch.target, batch.weight)
                near_rows = {"weights": found.weight, "stretch": found.stretch, "stretched": near.calendar}
                add_rows(products, batch.X, found.response, batch.series, **near_rows)
    return products


def read_batch(frame: pd.DataFrame, plan: Plan, carry: Carry) -> tuple[Piece, Carry]:
    """The rows of one batch in sorted order, and what their series carry on. Raises PanelError as `pass_over_files`."""
    design, settings = plan.design, plan.design.panel
    keys = read_keys(frame, settings.levels)
    series, names = places_in(plan.hierarchy, keys.hierarchy), names_of(keys.hierarchy)
    rows = sort_rows(keys.series, read_dates(frame, settings.period), names, settings.frequency, origin=design.origin)
    units = read_units(frame, rows, settings)
    value = plan.link.forward(units)
    weight = read_weights(frame, rows, settings)
    X, carry = design.training_columns(frame, rows, series, carry, value=value)
    return Piece(series[rows.series], rows.period, rows.dates, X, units, value, weight), carry


def placed(passed: Passed, places: np.ndarray, count: int) -> Passed:
    """The same with series s standing at ``places[s]`` of `count`."""
    products = np.zeros((count, *passed.products.shape[1:]))
    products[places] = passed.products
    pieces = tuple(piece._replace(series=places[piece.series]) for piece in passed.pieces)
    return Passed(products, passed.carry.renumber(places, count), pieces, passed.rows)


def _some(batch: Piece, chosen: np.ndarray) -> Piece:
    if chosen.all():
        return batch
    fields = batch._asdict()
    X = np.asfortranarray(fields.pop("X").T[:, chosen].T)
    return Piece(X=X, **{name: values if values is None else values[chosen] for name, values in fields.items()})
