"""How far columns have moved since an earlier panel: the population stability index, less what chance alone brings.

    PSI = sum over ranges (now - before) log(now / before)

Of two samples of n and m values of the same law, PSI is about chi-squared with (ranges - 1) degrees of freedom times
(1/n + 1/m). The usual limits of 0.1 and 0.25 know nothing of it, and a year of weekly media passes them by chance; so the
99.9 % point of that law is taken off first.

References:
    Yurdakul and Naranjo (2020), "Statistical properties of the population stability index", Journal of Risk Model
    Validation 14(4), doi:10.21314/JRMV.2020.227.
"""

from typing import NamedTuple

import numpy as np

from expectations.history.profile import ColumnProfile, Profile, compared_columns, describe_columns
from expectations.panel_view import PanelView
from hierforecast.schema import MediaPanel, SalesPanel

_CHANCE = 0.001  # of a column that has not moved to be above what is taken off
_FLOOR = 0.5  # rows that an empty range counts as: the logarithm of nothing is infinite


class Drift(NamedTuple):
    """How a column has moved.

    Args:
        index: PSI above chance, >= 0.
        distance: largest gap between the two distribution functions at the ends of the ranges (Kolmogorov-Smirnov), 0 to 1.
        zeros: share of zeros before and now.
    """

    index: float
    distance: float
    zeros: tuple[float, float]


def drifts(view: PanelView, target: str, before: dict[str, ColumnProfile]) -> dict[str, Drift]:
    """How far each column of an earlier profile has moved in a panel that has a known target."""
    columns = [name for name in before if name in view.frame.columns]
    now = describe_columns(view, columns, target, like=before)
    return {name: compare(before[name], now[name]) for name in columns}


def drift_by_driver(view: PanelView, panel: SalesPanel | MediaPanel, earlier: Profile | None) -> dict[str, float]:
    """The index by column; empty where there is nothing to compare with."""
    if earlier is None or view.last_known(panel.target.name) is None:
        return {}
    shared = {name: earlier.columns[name] for name in compared_columns(panel) if name in earlier.columns}
    return {name: found.index for name, found in drifts(view, panel.target.name, shared).items()}


def compare(before: ColumnProfile, now: ColumnProfile) -> Drift:
    """Two profiles of a column in the same ranges."""
    then, today = np.array(before.shares), np.array(now.shares)
    n, m = max(before.telling, 1), max(now.telling, 1)
    filled = (then > 0) | (today > 0)
    first, second = np.maximum(then, _FLOOR / n)[filled], np.maximum(today, _FLOOR / m)[filled]
    index = float(np.sum((second - first) * np.log(second / first)))
    chance = _by_chance(int(filled.sum()) - 1, n, m)
    return Drift(max(0.0, index - chance), _distance(before, today - then), (float(then[1]), float(today[1])))


def _distance(before: ColumnProfile, moved: np.ndarray) -> float:
    """Zeros lie below every range that ends at or above 0."""
    ends = np.r_[before.edges, np.inf]
    below = np.cumsum(moved[2:]) + np.where(ends >= 0, moved[1], 0.0)
    return float(np.abs(np.r_[below, below[ends < 0][-1:] + moved[1] if (ends < 0).any() else moved[1]]).max())


def _by_chance(freedom: int, n: int, m: int) -> float:
    from scipy.special import chdtri

    return float(chdtri(freedom, _CHANCE)) * (1 / n + 1 / m) if freedom else 0.0
