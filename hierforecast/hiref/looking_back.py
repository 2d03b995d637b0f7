"""Errors within training, forecast as if recent levels had stood still since an earlier origin.

Fits from earlier origins are honest and few, because each costs a fit. The final regression with levels frozen at an origin
costs nothing, so that many origins say how much markets, stores or products move together, and how errors grow with the
horizon; by how much such errors are too small, the few honest ones tell (see `intervals.yardstick`).
"""

import numpy as np

from hierforecast.hiref.intervals.errors import Errors
from hierforecast.hiref.intervals.past import MOST_ROWS, ORIGINS
from hierforecast.hiref.intervals.quantiles import FEWEST
from hierforecast.hiref.material import Material
from hierforecast.hiref.origins import Fitted
from hierforecast.hiref.recent.chain import Chain


def errors_within(data: Material, fitted: Fitted, chain: Chain, noise: np.ndarray, length: int) -> Errors:
    """Errors of the rows at hand in the last blocks of a number of periods; of all rows a period ahead where these are few.

    Args:
        data: the rows.
        fitted: the final regression's values of them.
        chain: of recent levels.
        noise: (series,).
        length: periods of a block; 0 where the history is too short for any.
    """
    period = data.recent.rows.period
    if length:
        blocks = (data.recent.rows.last - period) // length
        cut = data.recent.rows.last + 1 - (blocks + 1) * length
        warm = cut >= data.recent.rows.first + length  # levels have had a block to find their place in
        chosen = np.flatnonzero(warm & (blocks < _blocks_kept(blocks[warm])))
        if len(chosen) >= FEWEST:
            return _errors_at(data, fitted, chain, noise, chosen, cut[chosen])
    chosen = np.arange(max(len(period) - MOST_ROWS, 0), len(period))
    return _errors_at(data, fitted, chain, noise, chosen, period[chosen])


def _blocks_kept(blocks: np.ndarray) -> int:
    """How many of the latest blocks, (rows,) counted back from 0, hold at most so many rows."""
    rows = np.cumsum(np.bincount(blocks)) if len(blocks) else np.zeros(1)
    return int(np.clip(np.searchsorted(rows, MOST_ROWS, side="right"), 1, ORIGINS))


def _errors_at(
    data: Material, fitted: Fitted, chain: Chain, noise: np.ndarray, chosen: np.ndarray, origin: np.ndarray
) -> Errors:
    rows, link, hierarchy = data.recent.rows, data.link, data.hierarchy
    series, target = rows.series[chosen], data.recent.target[chosen]
    level = chain.of(origin, series, hierarchy.series[series], hierarchy.levels)
    value = fitted.predicted.only(chosen).shifted(level).value
    units = np.maximum(link.back(value), 0.0)
    return Errors(
        series=series,
        origin=origin,
        horizon=rows.period[chosen] - origin + 1,
        actual=target,
        mean=units * fitted.factors[series],
        median=units * np.exp(fitted.offsets)[series],
        value=value,
        error=link.errors(target, value),
        noise=noise[series],
    )
