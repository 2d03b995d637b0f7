"""Correlation inside series, for a million rows at once: sums over runs of sorted rows, no loop over series.

    r[s] = sum (a - mean_s a)(b - mean_s b) / sqrt(sum (a - mean_s a)^2  sum (b - mean_s b)^2)

Each series has its own mean and scale, so levels that differ between series neither hide nor imitate a relation.
"""

from typing import NamedTuple

import numpy as np

MIN_PAIRS = 4  # per series: below it a correlation is near 1 by chance
MIN_CHANGES = 20  # pairs in which the column moves: a flag that is on twice says nothing


class Centred(NamedTuple):
    """A column ready to be correlated many times, (rows,) in order of series.

    Args:
        values: distance from the series' mean; 0 where the column is empty.
        squares: their squares.
        usable: 1.0 where the column has a value, else 0.0.
        rounding: (series,) sum of squares below which a "variance" is what rounding leaves of a constant.
    """

    values: np.ndarray
    squares: np.ndarray
    usable: np.ndarray
    rounding: np.ndarray


class SeriesCorrelation(NamedTuple):
    """How two columns move together inside series.

    Args:
        strength: mean of |r| over the judged series, weighted by their pairs; 0 where none could be judged.
        by_series: (series,) r of every series; 0 where it was not judged.
    """

    strength: float
    by_series: np.ndarray


def centre(values: np.ndarray, starts: np.ndarray) -> Centred:
    """Take each series' mean off a (rows,) column; `starts` is the first row of every series, (series,)."""
    usable = np.isfinite(values)
    filled = np.where(usable, values, 0.0)
    known = np.add.reduceat(usable.astype(float), starts)
    means = np.add.reduceat(filled, starts) / np.maximum(known, 1)
    lengths = np.diff(np.r_[starts, len(values)])
    centred = np.where(usable, filled - np.repeat(means, lengths), 0.0)
    rounding = (1e-7 * np.maximum.reduceat(np.abs(filled), starts)) ** 2
    return Centred(centred, centred**2, usable.astype(float), rounding)


def correlate(first: Centred, second: Centred, starts: np.ndarray) -> SeriesCorrelation:
    """Correlate two columns within series; rows where either is empty are left out."""
    pairs = np.add.reduceat(first.usable * second.usable, starts)
    count = np.maximum(pairs, 1)
    # Means over the pairs differ from means over the series where one column has holes the other has not.
    a, b = np.add.reduceat(first.values * second.usable, starts), np.add.reduceat(second.values * first.usable, starts)
    aa = np.add.reduceat(first.squares * second.usable, starts) - a * a / count
    bb = np.add.reduceat(second.squares * first.usable, starts) - b * b / count
    ab = np.add.reduceat(first.values * second.values, starts) - a * b / count
    judged = (pairs >= MIN_PAIRS) & (aa > first.rounding) & (bb > second.rounding)
    r = np.where(judged, ab / np.sqrt(np.where(judged, aa * bb, 1.0)), 0.0)
    weight = pairs @ judged
    strength = float(pairs @ np.abs(r) / weight) if weight else 0.0
    return SeriesCorrelation(strength, r)


def ahead(values: np.ndarray, series: np.ndarray, periods: np.ndarray, steps: int) -> np.ndarray:
    """The value `steps` periods later in the same series, (rows,); NaN where that period is not there.

    Only rows whose distance in the table and on the calendar agree are paired, so a copy is found whether it was made
    by moving rows or by moving dates.
    """
    later = np.full(len(values), np.nan)
    if steps == 0:
        return values.astype(float)
    if steps < len(values):
        same = (series[steps:] == series[:-steps]) & (periods[steps:] - periods[:-steps] == steps)
        later[:-steps] = np.where(same, values[steps:], np.nan)
    return later


def changes(values: np.ndarray, series: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """Change since the period before in the same series, (rows,); NaN where that period is not there."""
    changed = np.full(len(values), np.nan)
    same = (series[1:] == series[:-1]) & (np.diff(periods) == 1)
    changed[1:] = np.where(same, np.diff(values), np.nan)
    return changed
