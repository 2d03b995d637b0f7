"""Series of a panel as dense blocks, so that many columns are laid beside many versions of the target at once.

A block holds some series of like length: arrays of (series, columns, weeks), NaN where a cell is empty or a series has ended.
One product of matrices then gives all correlations of a block:

    r = (n sum xy - sum x sum y) / sqrt((n sum xx - (sum x)^2) (n sum yy - (sum y)^2)), over the cells that both have
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from expectations.panel_view import Ordered
from expectations.within_series import MIN_PAIRS

CELLS = 1 << 14  # per column and block: what a processor's cache holds
ONE_THREAD = 1 << 18  # multiplications


class Block(NamedTuple):
    """Where the cells of some series lie.

    Args:
        series: (series,) their numbers.
        places: (series, weeks) positions among the sorted rows; -1 after a series' end.
        periods: (series, weeks) numbers on the grid.
    """

    series: np.ndarray
    places: np.ndarray
    periods: np.ndarray

    def take(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """(series, columns, weeks) values of sorted (rows,) columns."""
        taken = np.stack([np.take(column, self.places, mode="clip") for column in columns], axis=1).astype(float)
        if (self.places[:, -1] < 0).any():
            taken[np.broadcast_to((self.places < 0)[:, None], taken.shape)] = np.nan
        return taken


class Correlations(NamedTuple):
    """(series, columns, targets) each: r, 0 where it was not judged, and the pairs it was judged by, 0 likewise."""

    r: np.ndarray
    pairs: np.ndarray


def cut(order: Ordered, series: np.ndarray) -> Iterator[Block]:
    """Blocks of the named series, the shortest series first; none has many more cells than it has rows."""
    lengths = np.diff(np.r_[order.starts, len(order.rows)])[series]
    by_length = np.argsort(lengths, kind="stable")
    series, lengths = series[by_length], lengths[by_length]
    first = 0
    while first < len(series):
        longest = lengths[first]
        fitting = np.searchsorted(lengths, max(1.3 * longest, longest + 4), side="right") - first
        last = first + max(1, min(fitting, CELLS // max(int(longest), 1)))
        yield _block(order, series[first:last], lengths[first:last])
        first = last


def _block(order: Ordered, series: np.ndarray, lengths: np.ndarray) -> Block:
    steps = np.arange(lengths.max())
    places = np.where(steps < lengths[:, None], order.starts[series][:, None] + steps, -1)
    return Block(series, places, order.periods[places])


def shifted(values: np.ndarray, periods: np.ndarray, steps: int) -> np.ndarray:
    """The value `steps` periods later (earlier, where negative) in the same series, NaN where that period is not there.

    Args:
        values: (series, ..., weeks).
        periods: (series, weeks).
        steps: only cells whose distance in the table and on the calendar agree are paired.
    """
    moved, size = np.full(values.shape, np.nan), abs(steps)
    if size >= values.shape[-1]:
        return moved
    here, there = (slice(None, -size or None), slice(size, None)) if steps >= 0 else (slice(size, None), slice(None, -size))
    fits = periods[:, there] - periods[:, here] == steps
    fits = fits.reshape(len(fits), *[1] * (values.ndim - 2), fits.shape[1])
    moved[..., here] = np.where(fits, values[..., there], np.nan)
    return moved


def changed(values: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """Change since the period before, (series, ..., weeks); NaN where that period is not there."""
    return values - shifted(values, periods, -1)


def correlate_all(columns: np.ndarray, targets: np.ndarray) -> Correlations:
    """Correlate every (series, columns, weeks) column with every (series, targets, weeks) target, inside each series."""
    first, second = _prepared(columns), _prepared(targets)
    sums = _products(first.stacked, second.stacked)
    c, k = columns.shape[1], targets.shape[1]
    pairs, a, b = sums[:, :c, :k], sums[:, c : 2 * c, :k], sums[:, :c, k : 2 * k]
    count = np.maximum(pairs, 1)
    aa, bb = sums[:, 2 * c :, :k] - a * a / count, sums[:, :c, 2 * k :] - b * b / count
    ab = sums[:, c : 2 * c, k : 2 * k] - a * b / count
    judged = (pairs >= MIN_PAIRS) & (aa > first.rounding[:, :, None]) & (bb > second.rounding[:, None, :])
    r = np.where(judged, ab / np.sqrt(np.where(judged, aa * bb, 1.0)), 0.0)
    return Correlations(np.clip(r, -1.0, 1.0), np.where(judged, pairs, 0.0))


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(series, a, b) products over weeks of (series, a, weeks) and (series, b, weeks).

    In slices small enough that BLAS does them in one thread: waking its threads for every series takes longer than the
    products, and on a busy machine twenty times as long.
    """
    right = second.transpose(0, 2, 1)
    rows = max(1, ONE_THREAD // (second.shape[1] * second.shape[2]))
    return np.concatenate([first[:, start : start + rows] @ right for start in range(0, first.shape[1], rows)], axis=1)


class _Prepared(NamedTuple):
    stacked: np.ndarray
    rounding: np.ndarray


def _prepared(values: np.ndarray) -> _Prepared:
    """Masks, centred values and their squares, (series, 3 columns, weeks), and what rounding leaves of a constant."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    rounding = (1e-7 * np.abs(filled).max(axis=2)) ** 2
    means = filled.sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    centred = np.where(known, filled - means[:, :, None], 0.0)
    return _Prepared(np.concatenate([known.astype(float), centred, centred * centred], axis=1), rounding)
