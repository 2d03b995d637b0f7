"""The target explaining itself: its lags on the link scale, measured from each series' training mean.

    column[t] = g(y[t - k]) - mean[s]        0 where the series had no row k periods before

After training the model's own forecasts (link scale, medians) stand in for what nobody knows yet, period by period.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hierforecast.hiref.columns.rows import Rows

BEYOND = 0.5  # of the training range's width: columns go no further, so that no forecast runs away


class TargetPast(NamedTuple):
    """What a model keeps of the target, on the link scale.

    Args:
        means: (series,) of training; NaN where a series had none.
        path: (periods, series) values of the last periods of training, oldest first; NaN where there was no row.
        low: smallest deviation from the mean that a lag saw in training.
        high: largest.
    """

    means: np.ndarray
    path: np.ndarray
    low: float
    high: float

    def without_last(self, periods: int) -> "TargetPast":
        """As it was known so many periods earlier, means aside: for forecasts from an origin inside of training."""
        return self._replace(path=self.path[: len(self.path) - periods])

    def deviations(self, series: np.ndarray) -> np.ndarray:
        """(periods, series) deviations from the mean of some training series; 0 where unknown or new (negative)."""
        if not len(self.means):
            return np.zeros((len(self.path), len(series)))
        found = self.path[:, series] - self.means[series]
        return np.where((series < 0) | np.isnan(found), 0.0, found)

    def bound(self, deviations: np.ndarray) -> np.ndarray:
        """Deviations kept near the range that training saw."""
        margin = BEYOND * (self.high - self.low)
        return np.clip(deviations, self.low - margin, self.high + margin)


class Rolled(NamedTuple):
    """A forecast with the target's lags.

    Args:
        columns: (rows, lags) what each lag was taken to be.
        value: (rows,) link scale, lags included.
    """

    columns: np.ndarray
    value: np.ndarray


def roll_forward(
    past: TargetPast, rows: Rows, series: np.ndarray, value: np.ndarray, effects: np.ndarray, lags: tuple[int, ...], end: int
) -> Rolled:
    """Add the target's lags to forecasts, each period using the forecasts of the periods before it.

    Args:
        past: what is known of the target up to `end`.
        rows: of any period; up to `end` they look at the actual past, as far back as it is kept.
        series: (series of rows,) places in training, negative where new: such a series stays at its mean.
        value: (rows,) everything but the lags, link scale.
        effects: (series of rows, lags) of each lag.
        lags: periods.
        end: the last period whose target is known; forecasts that skip periods after it take these at the mean.

    Source: recursive multi-step forecasting, e.g. Ben Taieb et al. (2012), Expert Systems with Applications 39(8),
    doi:10.1016/j.eswa.2012.01.039.
    """
    ahead = max(rows.last - end, 0)
    reach = max(*lags, end - rows.first + 1 + max(lags), 0)
    table = np.zeros((reach + ahead, len(series)))  # row `reach` is the period after `end`
    known = past.deviations(series)[-reach:]
    table[reach - len(known) : reach] = known
    columns, value = np.zeros((len(value), len(lags))), value.copy()
    means = np.append(past.means, np.nan)[series]

    def add(chosen: np.ndarray) -> None:
        place = reach + rows.period[chosen] - end - 1
        who = rows.series[chosen]
        for column, lag in enumerate(lags):
            columns[chosen, column] = past.bound(table[place - lag, who])
            value[chosen] += columns[chosen, column] * effects[who, column]

    add(np.flatnonzero(rows.period <= end))
    later = np.flatnonzero(rows.period > end)
    later = later[np.argsort(rows.period[later], kind="stable")]
    steps = np.searchsorted(rows.period[later], np.arange(end + 1, end + ahead + 2))
    for start, stop in pairwise(steps):
        chosen = later[start:stop]
        add(chosen)
        deviation = value[chosen] - means[rows.series[chosen]]
        table[reach + rows.period[chosen] - end - 1, rows.series[chosen]] = np.nan_to_num(deviation)
    return Rolled(columns, value)
