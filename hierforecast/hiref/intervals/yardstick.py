"""How far off the forecasts of a level's nodes may be, per unit of what is known to make them so.

    variance(node, horizon) = (alone * sum_i v_i + together * forecast^2) * (1 + growth * (horizon - 1))

v_i are the noise variances of the node's series, which largely cancel out in its sum; what all its series share, such as a
market that turns, does not, and is a share of the sum. Both are fitted to squared errors of sums from earlier origins;
so is the growth with the horizon, as of a random walk. Quantiles of errors in units of this are then conformal: whatever the
equation misses, they still cover as often as promised on average.

Errors within training come from many origins but are somewhat small; those of held-out weeks are honest but come from few.
So the former are enlarged by what the two differ in on the same weeks, and both are pooled.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.hiref.intervals.quantiles import Quantiles, tabulate

ROUNDS = 6  # of reweighting, after which variances change by less than a percent
OUTLIER = 4.0  # errors beyond so many of their sd count as so many, where a variance is fitted
LEAST_ALONE, MOST_ALONE = 0.1, 4.0  # times its series' own noise; more of it than that is shared by them
MOST_INFLATION = 5.0
GROWTH_ERRORS = 100.0  # errors' worth of doubt before a level's growth departs from that of the series


class Yardstick(NamedTuple):
    """See above; `quantiles` are of errors in units of the square root of the variance."""

    alone: float
    together: float
    growth: float
    inflation: float
    quantiles: Quantiles

    def variance(self, own: np.ndarray, forecast: np.ndarray, horizon: np.ndarray) -> np.ndarray:
        """Of sums, units squared, (nodes,).

        Args:
            own: (nodes,) summed noise variances of the series.
            forecast: (nodes,) units.
            horizon: (nodes,) periods ahead; what lies before the end of training counts as 1 ahead.
        """
        return (self.alone * own + self.together * forecast**2) * self.grown(horizon)

    def grown(self, horizon: np.ndarray) -> np.ndarray:
        """How many times the variance one period ahead, (nodes,)."""
        return 1.0 + self.growth * (np.maximum(horizon, 1) - 1.0)


class Sums(NamedTuple):
    """Forecasts of nodes from earlier origins, (cells,) each: errors and forecasts in units, own noise in units squared."""

    error: np.ndarray
    forecast: np.ndarray
    own: np.ndarray
    origin: np.ndarray
    horizon: np.ndarray
    held: np.ndarray


def measure_rows(
    scaled: np.ndarray, forecast: np.ndarray, origin: np.ndarray, horizon: np.ndarray, held: np.ndarray
) -> Yardstick:
    """The yardstick of single series, whose scale is their noise.

    Args:
        scaled: (errors,) on the link scale, in units of noise.
        forecast: (errors,) units.
        origin: (errors,).
        horizon: (errors,).
        held: (errors,) whether the regression had not seen the row.
    """
    growth = _growth(scaled, horizon)
    scaled = scaled / np.sqrt(1.0 + growth * (horizon - 1.0))
    return _finish(scaled, np.log(np.maximum(forecast, 1e-9)), origin, horizon, held, (1.0, 0.0, growth))


def measure_sums(sums: Sums, growth: float) -> Yardstick:
    """The yardstick of a level's nodes, whose growth leans on the series' `growth` where errors are few."""
    sums = Sums(*(values[sums.own > 0] for values in sums))
    alone, together = _variances(sums.error**2, sums.own, sums.forecast**2)
    scaled = sums.error / np.sqrt(alone * sums.own + together * sums.forecast**2)
    periods = len(np.unique(np.stack([sums.origin, sums.horizon]), axis=1).T)
    own = _growth(scaled, sums.horizon)
    growth = (periods * own + GROWTH_ERRORS * growth) / (periods + GROWTH_ERRORS)
    scaled = scaled / np.sqrt(1.0 + growth * (sums.horizon - 1.0))
    size = np.log(np.maximum(sums.forecast, 1e-9))
    return _finish(scaled, size, sums.origin, sums.horizon, sums.held, (alone, together, growth))


def _finish(
    scaled: np.ndarray,
    size: np.ndarray,
    origin: np.ndarray,
    horizon: np.ndarray,
    held: np.ndarray,
    spread: tuple[float, float, float],
) -> Yardstick:
    known_again = ~held & np.isin(origin + horizon, np.unique((origin + horizon)[held]))  # same weeks, seen and unseen
    inflation = 1.0
    if known_again.any():
        ratio = np.mean(_tamed(scaled[held]) ** 2) / max(np.mean(_tamed(scaled[known_again]) ** 2), 1e-300)
        inflation = float(np.clip(np.sqrt(ratio), 1.0, MOST_INFLATION))
    freedom = _freedom(scaled, origin, horizon, held, inflation)
    scaled = np.where(held, scaled, scaled * inflation)
    return Yardstick(*spread, inflation, tabulate(scaled[~known_again], size[~known_again], freedom))


def _freedom(scaled: np.ndarray, origin: np.ndarray, horizon: np.ndarray, held: np.ndarray, inflation: float) -> float:
    """Degrees of freedom of a variance that errors within training tell in part, and only held-out ones the rest."""
    parts = []
    for chosen, share in ((~held, inflation**-2), (held, 1.0 - inflation**-2)):
        if share > 0 and chosen.any():
            parts.append(share**2 / freedom_of(scaled[chosen], origin[chosen], horizon[chosen]))
    return 1.0 / sum(parts) if parts else 0.0


def freedom_of(scaled: np.ndarray, origin: np.ndarray, horizon: np.ndarray) -> float:
    """Degrees of freedom of the mean square of errors that share something per origin and per week.

    freedom = 1 / (sum over origins, weeks, rest of share^2 / count), `share` being each one's share of the mean square.
    """
    if not len(scaled):
        return 0.0
    origins, place = _numbered(origin)
    longest = int(horizon.max()) + 1
    weeks, week = _numbered(place * longest + horizon)
    of = weeks // longest  # the origin of each week
    square = max(float(np.mean(scaled**2)), 1e-300)
    rows = np.bincount(week)
    shift = np.bincount(week, scaled) / rows
    count = np.bincount(of)
    mean = np.bincount(of, shift) / count
    rest = max(square - float(np.mean(shift**2)), 0.0)
    within = float(np.mean((shift - mean[of]) ** 2)) * len(shift) / max(len(shift) - len(mean), 1)
    weekly = max(within - rest / rows.mean(), 0.0)
    common = max(float(np.mean(mean**2)) - within / count.mean(), 0.0)
    parts = np.array([common, weekly, max(square - common - weekly, 0.0)]) / square
    return float(1.0 / np.sum(parts**2 / np.array([len(origins), len(shift), len(scaled)])))


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct whole numbers, ascending, and the place of each of (errors,) values among them: by counting, not sorting."""
    first = int(values.min())
    there = np.bincount(values - first) > 0
    return np.flatnonzero(there) + first, (np.cumsum(there) - 1)[values - first]


def _growth(scaled: np.ndarray, horizon: np.ndarray) -> float:
    """Growth >= 0 of the mean square with the horizon, per period, by weighted least squares."""
    rows = np.bincount(horizon)[1:]
    if (rows > 0).sum() < 2:
        return 0.0
    mean = np.bincount(horizon, _tamed(scaled) ** 2)[1:] / np.maximum(rows, 1)
    ahead = np.arange(len(rows))
    middle, height = np.average(ahead, weights=rows), np.average(mean, weights=rows)
    slope = np.average((ahead - middle) * (mean - height), weights=rows) / np.average((ahead - middle) ** 2, weights=rows)
    start = height - slope * middle
    # A line that starts near 0 says little of the first period; it may grow tenfold per period at most.
    return float(max(slope, 0.0) / max(start, slope / 10.0, 1e-300)) if slope > 0 else 0.0


def _variances(squares: np.ndarray, own: np.ndarray, together: np.ndarray) -> tuple[float, float]:
    """Factors >= 0 of own noise and of squared forecasts, by reweighted least squares."""
    if not len(squares):
        return 1.0, 0.0
    found = (1.0, max(float(np.sum(squares - own) / max(np.sum(together), 1e-300)), 0.0))
    for _ in range(ROUNDS):
        variance = np.maximum(found[0] * own + found[1] * together, 1e-300)
        left = np.minimum(squares, OUTLIER**2 * variance) / variance
        alone, _ = _two_positive(own / variance, together / variance, left)
        alone = float(np.clip(alone, LEAST_ALONE, MOST_ALONE))
        shared = together / variance
        found = (alone, float(max(shared @ (left - alone * own / variance) / max(shared @ shared, 1e-300), 0.0)))
    return found


def _two_positive(first: np.ndarray, second: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Non-negative least squares of two columns."""
    a, b, c = first @ first, first @ second, second @ second
    d, e = first @ wanted, second @ wanted
    determinant = a * c - b * b
    if determinant > 1e-9 * a * c:
        x, y = (c * d - b * e) / determinant, (a * e - b * d) / determinant
        if x >= 0 and y >= 0:
            return float(x), float(y)
    alone, together = d / a, e / max(c, 1e-300)
    return (float(alone), 0.0) if d**2 / a >= e**2 / max(c, 1e-300) else (0.0, float(together))


def _tamed(scaled: np.ndarray) -> np.ndarray:
    """Errors cut off where they would decide everything."""
    limit = OUTLIER * float(np.sqrt(np.mean(scaled**2))) if len(scaled) else 0.0
    return np.clip(scaled, -limit, limit)
