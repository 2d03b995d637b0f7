"""How alike columns and the target are: on levels, without trend and season, and in their changes, at every shift.

A column is compared as it is, as if it were a running sum of the target (its changes are then the target), and as if it were
the target's mean so far (the changes of the mean times the weeks are then the target); with the target and with log(1 + y);
with the target's future and with its past.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from expectations.leakage.seasonless import MIN_WEEKS, residual, spare, waves
from expectations.leakage.series_blocks import Block, changed, correlate_all, cut, shifted
from expectations.panel_view import Ordered, PanelView
from expectations.within_series import MIN_CHANGES

FURTHEST, BACK = 8, 4  # periods ahead, and back
FORMS = ("", "the running sum of ", "the mean so far of ")
SCALES = ("", "the logarithm of ")
_SAMPLED = 60_000  # rows: enough to tell r = 0.98 from 0.97
_TELLING = 1000  # rows: enough to see a copy


class Place(NamedTuple):
    """Where a column is most like the target: its number and those of form, shift and scale."""

    column: int
    form: int
    shift: int
    scale: int


class Likeness(NamedTuple):
    """The numbers of columns beside the target; arrays are (columns, forms, shifts, scales) but for the last.

    Args:
        shifts: periods from what the model sees of a column to the target's period: above 0 is the future.
        level: mean of |r| over series, weighted by pairs, within series.
        season: the same without trend and season; of changes, where all series are too short for it.
        change: the same of changes.
        noise: noise that would make the column of the target, without season over with it; 1 for a noisy copy.
        error: standard error of the pooled atanh(r).
        equal: share of equal cells where the target moves; 0 on the log scale.
        by_series: (series, columns, forms, shifts, scales) r of changes.
        pairs: the pairs of changes that each of these rests on, of the same shape.
        moves: (series, columns) weeks in which the column changed and the target's own change is known.
        series: (series,) their numbers.
    """

    shifts: tuple[int, ...]
    level: np.ndarray
    season: np.ndarray
    change: np.ndarray
    noise: np.ndarray
    error: np.ndarray
    equal: np.ndarray
    by_series: np.ndarray
    pairs: np.ndarray
    moves: np.ndarray
    series: np.ndarray


def sample_series(order: Ordered, rows: int = _SAMPLED) -> np.ndarray:
    """Series taken evenly until they have about so many rows; all of a small panel."""
    stride = max(1, -(-len(order.rows) // rows))
    return np.arange(0, len(order.starts), stride)


def past_and_future(view: PanelView) -> tuple[int, ...]:
    """The shifts that are tried: the future, now, the near past, and the same season of the year before."""
    seasons = {"day": (-7, -364), "week": (-8, -52), "month": (-12,)}[view.frequency]
    return (*range(FURTHEST + 1), *range(-1, -BACK - 1, -1), *seasons)


def compare(view: PanelView, columns: Sequence[np.ndarray], target: np.ndarray, *, lag: int, series: np.ndarray) -> Likeness:
    """Lay sorted (rows,) columns beside the sorted target in the named series, the columns moved back by their lag."""
    shifts = past_and_future(view)
    parts = [_compare_block(view, block, columns, target, lag, shifts) for block in cut(view.ordered, series)]
    level, season, change = (_Pool([part.r[kind] for part in parts], [part.pairs[kind] for part in parts]) for kind in range(3))
    judged = season.weight > 0
    beside = np.where(judged, season.strength, change.strength)
    remaining = np.concatenate([part.remaining for part in parts])
    weights = level.pairs.sum(axis=(1, 2, 3)) + 1e-9
    share = np.clip((weights * remaining).sum(axis=0) / weights.sum(axis=0), 0.0, 1.0)
    noise = np.where(judged, share * _noise(beside) / _noise(level.strength), 1.0)
    error = 1 / np.sqrt(np.maximum(level.weight - 3 * (level.pairs > 0).sum(axis=0), 1))
    moves = np.concatenate([part.moves for part in parts])
    equal = _equal_shares(parts)
    numbers = np.concatenate([part.series for part in parts])
    by_series = (change.r, change.pairs, moves, numbers)
    return Likeness(shifts, level.strength, beside, change.strength, noise, error, equal, *by_series)


class _Part(NamedTuple):
    series: np.ndarray
    r: list[np.ndarray]
    pairs: list[np.ndarray]
    remaining: np.ndarray  # (series, scales) share of the target's variance beside trend and season
    moves: np.ndarray
    values: np.ndarray  # (series, columns x forms, weeks)
    futures: np.ndarray  # (series, shifts, weeks)


class _Pool:
    """Correlations of all blocks, and their mean weighted by pairs."""

    def __init__(self, r: list[np.ndarray], pairs: list[np.ndarray]) -> None:
        self.r, self.pairs = np.concatenate(r), np.concatenate(pairs)
        self.weight = self.pairs.sum(axis=0)
        self.strength = (self.pairs * np.abs(self.r)).sum(axis=0) / np.maximum(self.weight, 1)


def _compare_block(
    view: PanelView, block: Block, columns: Sequence[np.ndarray], target: np.ndarray, lag: int, shifts: tuple[int, ...]
) -> _Part:
    own, known = block.take([target]), block.take(columns)
    both = np.concatenate([own, np.log1p(np.maximum(own, 0.0))], axis=1)  # (series, scales, weeks)
    there = np.isfinite(own[:, 0])
    basis = waves(block.periods, there, view.frequency)
    left = residual(both, basis, there)
    forms = in_all_forms(known, own[:, 0], block.periods)
    # A year without data says little about trend and season: those series are judged by their changes.
    enough = (there.sum(axis=1) >= MIN_WEEKS)[:, None, None]
    kinds = (
        (forms, both),
        (residual(forms, basis, there), np.where(enough, left, np.nan)),
        (changed(forms, block.periods), changed(both, block.periods)),
    )
    shape = (len(block.series), known.shape[1], len(FORMS), len(shifts), len(SCALES))
    found = [correlate_all(beside, _at_shifts(versions, block.periods, lag, shifts)) for beside, versions in kinds]
    after, before = (_squares(values, there) for values in (left, both))
    remaining = np.where(before > 0, spare(basis, there)[:, None] * after / np.where(before > 0, before, 1), 1.0)
    judged = np.isfinite(shifted(changed(own, block.periods), block.periods, lag))
    moves = ((np.abs(changed(known, block.periods)) > 0) & judged).sum(axis=2)
    futures = _at_shifts(own, block.periods, lag, shifts)
    return _Part(
        block.series,
        [each.r.reshape(shape) for each in found],
        [each.pairs.reshape(shape) for each in found],
        remaining,
        moves,
        forms,
        futures,
    )


def in_all_forms(known: np.ndarray, target: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """(series, columns x forms, weeks): the columns, their changes, and the changes of the columns times the weeks so far."""
    so_far = np.cumsum(np.isfinite(target), axis=1)[:, None, :]
    forms = np.stack([known, changed(known, periods), changed(known * so_far, periods)], axis=2)
    return forms.reshape(len(known), -1, known.shape[2])


def _squares(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(series, scales) sum of squares around the mean."""
    filled, counts = np.where(there[:, None], values, 0.0), np.maximum(there.sum(axis=1), 1)[:, None]
    return np.maximum((filled**2).sum(axis=2) - filled.sum(axis=2) ** 2 / counts, 0.0)


def _at_shifts(versions: np.ndarray, periods: np.ndarray, lag: int, shifts: tuple[int, ...]) -> np.ndarray:
    """(series, shifts x versions, weeks) of (series, versions, weeks)."""
    moved = np.stack([shifted(versions, periods, lag + shift) for shift in shifts], axis=1)
    return moved.reshape(len(versions), -1, versions.shape[2])


def _noise(strength: np.ndarray) -> np.ndarray:
    """Variance of the noise, in units of the target's, that leaves a copy with this correlation."""
    return 1 / np.clip(strength**2, 1e-12, 1 - 1e-12) - 1


def _equal_shares(parts: list[_Part]) -> np.ndarray:
    """(columns, forms, shifts, scales) share of equal cells in up to a thousand cells in which the target has just moved."""
    shape = parts[0].r[0].shape[1:]
    shares = np.zeros(shape)
    per_part = max(MIN_CHANGES, _TELLING // len(parts))
    for place in range(shape[2]):
        same, told = np.zeros(shape[:2]), np.zeros(shape[:2])
        for part in parts:
            future = part.futures[:, place]
            moved = np.diff(future, axis=1, prepend=np.nan)
            rows, weeks = np.nonzero(np.isfinite(moved) & (moved != 0))
            taken = slice(None, None, max(1, len(rows) // per_part))
            rows, weeks = rows[taken], weeks[taken]
            cells = part.values[rows, :, weeks].T.reshape(*shape[:2], -1)
            beside = future[rows, weeks]
            told += np.isfinite(cells).sum(axis=2)
            same += (np.abs(cells - beside) <= 1e-9 + 1e-6 * np.abs(beside)).sum(axis=2)
        shares[:, :, place, 0] = np.where(told >= MIN_CHANGES, same / np.maximum(told, 1), 0.0)
    return shares
