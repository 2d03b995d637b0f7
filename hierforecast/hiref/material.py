"""What a fit is made from, wherever its rows lie: nodes, columns, sums over all rows, and the recent rows themselves.

A frame gives all of its rows as recent ones. Files give sums over every row and only the last periods as rows, so that
memory does not grow with history; what follows in `fitting` is the same for both.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, SettingsError, nearest
from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.cells import read_column, refuse_no_frame
from hierforecast.hiref.columns.cuts import cuts_of
from hierforecast.hiref.columns.design import Design, fit_design
from hierforecast.hiref.columns.rows import Rows, read_numbers, read_rows, refuse_unusable
from hierforecast.hiref.link import Link, make_link
from hierforecast.hiref.moments.sums import Moments, sum_moments
from hierforecast.hiref.rounds import Round, is_reweighted
from hierforecast.options import Training
from hierforecast.schema import SalesPanel


class Recent(NamedTuple):
    """Rows at hand, sorted by series and period; `series` of `rows` are those of the hierarchy.

    Args:
        rows: which series and period.
        X: (rows, columns) of the design.
        target: (rows,) in units.
        value: (rows,) on the link scale.
        weight: (rows,) >= 0, how much each row counts; None where all count alike.
    """

    rows: Rows
    X: np.ndarray
    target: np.ndarray
    value: np.ndarray
    weight: np.ndarray | None = None

    def only(self, chosen: np.ndarray) -> "Recent":
        """The rows where (rows,) booleans hold."""
        if chosen.all():
            return self
        X = np.asfortranarray(self.X.T[:, chosen].T)
        weight = None if self.weight is None else self.weight[chosen]
        return Recent(self.rows.only(chosen), X, self.target[chosen], self.value[chosen], weight)


class Material(NamedTuple):
    """Everything a fit learns from.

    Args:
        hierarchy: nodes and series of training.
        design: how columns are made.
        link: with its stand-in for zero.
        cuts: first period of each held-out block, ascending; none where the history is too short to hold out any.
        blocks: moments of the rows before the first cut, between cuts, and from the last cut on; their sum is all rows.
            None where all rows are recent: they are then summed when somebody asks.
        recent: the rows of the last periods, from before the first cut on.
        rows: how many rows the blocks are sums of.
        again: reads all rows again for the sums of a round, of the periods before one (None: all); None where all rows
            are recent, or old ones cannot be read again.
    """

    hierarchy: Hierarchy
    design: Design
    link: Link
    cuts: tuple[int, ...]
    blocks: tuple[Moments, ...] | None
    recent: Recent
    rows: int
    again: Callable[[Round, int | None], Moments] | None = None

    @property
    def logs(self) -> tuple[float, float]:
        """Log of the smallest positive target and of the largest, of the rows at hand."""
        least = np.log(self.link.floor)
        return least, max(float(np.log(max(self.recent.target.max(), self.link.floor))), least + 1.0)

    def means(self) -> np.ndarray:
        """(series,) mean target in units over the rows at hand; the mean of all where a series has none there."""
        target, series, count = self.recent.target, self.recent.rows.series, len(self.hierarchy.series)
        rows = np.bincount(series, minlength=count)
        return np.where(rows > 0, np.bincount(series, target, count) / np.maximum(rows, 1), target.mean())

    def sum_round(self, near: Round, before: int | None = None) -> Moments:
        """The sums of a round over the rows of periods `before` one, None being all.

        Raises:
            SettingsError: only sums of older rows were kept, which hold nothing but a plain squared loss.
        """
        if self.again is not None:
            return self.again(near, before)
        recent, count = self.recent, len(self.hierarchy.series)
        if len(recent.target) < self.rows:
            raise SettingsError(
                "the loss, discount or link weighs rows anew in every round, and the model kept only sums of older rows; "
                "fit again on all rows, or use loss squared, discount 1 and link log or identity"
            )
        period, series = recent.rows.period, recent.rows.series
        X, target, weight = recent.X, recent.target, recent.weight
        if before is not None:
            head = np.flatnonzero(period < before)
            X, target, period, series = X.T.take(head, axis=1).T, target[head], period[head], series[head]
            weight = None if weight is None else weight[head]
        found = near.working(X, series, period, target, weight)
        return sum_moments(
            X, found.response, series, count, weights=found.weight, stretch=found.stretch, stretched=near.calendar
        )

    def between(self, start: int | None, stop: int | None) -> Moments:
        """Moments of the rows from one of the cuts on, None being the first row, to before another, None being the last."""
        first = 0 if start is None else self.cuts.index(start) + 1
        last = len(self.cuts) + 1 if stop is None else self.cuts.index(stop) + 1
        if self.blocks is not None:
            return sum(self.blocks[first + 1 : last], start=self.blocks[first])
        period = self.recent.rows.period
        chosen = (start is None or period >= start) & (stop is None or period < stop)
        recent = self.recent.only(np.broadcast_to(chosen, period.shape))
        return sum_moments(recent.X, recent.value, recent.rows.series, len(self.hierarchy.series), weights=recent.weight)

    def before(self, cut: int) -> Moments:
        """Moments of all rows before one of the cuts."""
        return self.between(None, cut)

    def seen_before(self, cut: int) -> np.ndarray:
        """(series,) whether a series has a row before one of the cuts."""
        if self.blocks is not None:
            return self.before(cut).counts > 0
        rows = self.recent.rows
        return np.bincount(rows.series[rows.period < cut], minlength=len(self.hierarchy.series)) > 0

    def without_empty_blocks(self) -> "Material":
        """Without the cuts that have no row to forecast after them, or none to learn from before: a strike, for one."""
        block = np.searchsorted(np.array(self.cuts, dtype=np.int64), self.recent.rows.period, side="right")
        rows = np.bincount(block, minlength=len(self.cuts) + 1)
        earlier = self.rows - rows[::-1].cumsum()[::-1][1:]  # before each cut
        cuts = tuple(cut for cut, before, held_out in zip(self.cuts, earlier, rows[1:], strict=True) if before and held_out)
        if self.blocks is None:
            return self._replace(cuts=cuts)
        ends = zip((None, *cuts), (*cuts, None), strict=True)
        return self._replace(cuts=cuts, blocks=tuple(self.between(start, stop) for start, stop in ends))

    @property
    def moments(self) -> Moments:
        """Moments of all rows."""
        return self.between(None, None)


def from_panel(panel: pd.DataFrame, settings: SalesPanel, training: Training) -> Material:
    """Read the rows of a panel whose target is known.

    Raises:
        PanelError: the panel does not fit the settings; the message names the column, how many rows and the first.
    """
    whole, panel = panel, known_rows(panel, settings)
    if whole.empty:
        raise PanelError("the panel has no rows; a model needs at least one row per series")
    if panel.empty:
        raise PanelError(f"target {settings.target.name!r} is empty in every row; there is nothing to learn from")
    rows = read_rows(panel, settings.levels, settings.period, settings.frequency)
    hierarchy = Hierarchy.from_panel(rows.keys, settings.levels)
    rows = rows.renumber(hierarchy.series_of(hierarchy.codes(rows.keys)))
    units = read_units(panel, rows, settings)
    link = make_link(settings.link, units)
    value = link.forward(units)
    design, X = fit_design(panel, rows, settings, training, value=value)
    recent = counted(Recent(rows, X, units, value, read_weights(panel, rows, settings)), settings)
    cuts = cuts_of(rows.last + 1, settings.horizon, training.origins)
    # A loss in rounds is summed near every fit anew, and never asks for these.
    blocks = None if is_reweighted(link, training) else sum_blocks(recent, cuts, len(hierarchy.series))
    return Material(hierarchy, design, link, cuts, blocks, recent, len(recent.target)).without_empty_blocks()


def known_rows(panel: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """The rows whose target is known; the others are the plan. Raises PanelError where there is no one target column."""
    target = settings.target.name
    refuse_no_frame(panel)
    if target not in panel.columns:
        raise PanelError(
            f"no target column {target!r} in the panel, which learning needs (only predict does without); "
            + nearest(target, map(str, panel.columns))
        )
    return panel[read_column(panel, target, "target").notna()]


def read_units(panel: pd.DataFrame, rows: Rows, settings: SalesPanel) -> np.ndarray:
    """The target, (rows,) units. Raises PanelError unless finite and >= 0."""
    name = settings.target.name
    units = read_numbers(panel, name, rows)
    negative = np.where(units < 0, np.nan, units)
    refuse_unusable(negative, f"target {name!r}", rows, "correct or drop these rows", wrong="below 0 or infinite")
    return units


def counted(recent: Recent, settings: SalesPanel) -> Recent:
    """The rows that count for anything: a weight of 0 leaves a row out of noise, levels and calibration as well.

    What such a row says of exposure and of the target's past was taken in when the columns were made.

    Raises:
        PanelError: every weight is 0.
    """
    if recent.weight is None or recent.weight.all():
        return recent
    if not recent.weight.any():
        raise PanelError(f"weight {settings.weight!r} is 0 in every row; rows that are to be learned from need more")
    return recent.only(recent.weight > 0)


def read_weights(panel: pd.DataFrame, rows: Rows, settings: SalesPanel) -> np.ndarray | None:
    """How much each row counts, (rows,), None where all count alike. Raises PanelError unless finite and >= 0."""
    if settings.weight is None:
        return None
    weights = read_numbers(panel, settings.weight, rows)
    refuse_unusable(
        np.where(weights < 0, np.nan, weights),
        f"weight {settings.weight!r}",
        rows,
        "give 0 to leave a row out",
        wrong="empty, infinite or below 0",
    )
    return weights


def sum_blocks(recent: Recent, cuts: tuple[int, ...], count: int) -> tuple[Moments, ...]:
    """Moments of rows before, between and after the cuts."""
    blocks = len(cuts) + 1
    block = np.searchsorted(np.array(cuts, dtype=np.int64), recent.rows.period, side="right")
    # Numbered like this, rows stay sorted, and all blocks come from one pass.
    kinds = recent.rows.series * blocks + block
    products = sum_moments(recent.X, recent.value, kinds, count * blocks, weights=recent.weight).products
    return tuple(Moments(np.ascontiguousarray(products[number::blocks])) for number in range(blocks))
