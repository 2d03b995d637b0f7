"""Return on spend: what the spend of some weeks brought, then and later, over what was spent.

    ROI = value * effect / spend            marginal ROI = value * d effect / d eps / spend,   exposures times 1 + eps

`effect` is that of `effects`: carry-over belongs to the week that paid for it, and with saturation it is the difference
between the history as it was and the same without the window's exposures of the node. Effects of tacticals add up, so a
node's effect is the sum over the tacticals under it. What was not paid for has no return: tacticals without spend in the
window count for no node above them.

With a target in currency and value 1 this is the return on advertising spend (ROAS); with value = margin per target unit it
is the return in margin.

Source: Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects, Google, section 5.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.errors import SettingsError
from hierforecast.precision.effects import check_spend, check_window, reach_of
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.intervals import central_interval, thinned
from hierforecast.precision.nodes import all_nodes
from hierforecast.precision.response import Coefficients, Weeks

NO_SPEND = "no spend in the window"
CURVE_GRID = tuple(np.linspace(0.0, 2.0, 21).round(2))


class RoiDraws(NamedTuple):
    """Per node, the total last, and under every draw. A node without spend has NaN returns."""

    nodes: tuple[tuple[str, str], ...]  # (nodes,) level and name
    spend: np.ndarray  # (nodes,) currency
    contribution: np.ndarray  # (draws, nodes) target units that paid exposures bring, or a tactical's own unpaid ones
    roi: np.ndarray  # (draws, nodes) currency per currency unit
    marginal_roi: np.ndarray  # (draws, nodes) currency per further currency unit


def roi_draws(
    coefficients: Coefficients,
    weeks: Weeks,
    spend: np.ndarray,
    hierarchy: Hierarchy,
    *,
    window: np.ndarray | None = None,
    value: float = 1.0,
) -> RoiDraws:
    """Returns of every node of every level and of the total, under every draw.

    Args:
        coefficients: draws.
        weeks: the weeks, with those before them.
        spend: (weeks, tacticals) currency.
        hierarchy: the media tree.
        window: (weeks,) bool, the weeks that are asked about; all if not given. `weeks_between` makes one from dates.
        value: currency per target unit; 1 where the target is revenue.

    Raises:
        PanelError: spend or window do not fit the weeks.
    """
    spend, window = check_spend(spend, weeks), check_window(window, weeks)
    spent = spend[window].sum(axis=0)
    effect, slope = (np.empty((len(coefficients.noise), len(spent))) for _ in range(2))
    for tactical in range(len(spent)):
        reach = reach_of(tactical, coefficients, weeks, window)
        effect[:, tactical], slope[:, tactical] = reach.effect(reach.plan), reach.slope_along(reach.plan)
    nodes, masks = _nodes(hierarchy, spent > 0)
    paid = spent @ masks.T
    known = np.where(paid > 0, paid, np.nan)
    contribution = effect @ masks.T
    return RoiDraws(nodes, paid, contribution, value * contribution / known, value * (slope @ masks.T) / known)


def roi_table(
    coefficients: Coefficients,
    weeks: Weeks,
    spend: np.ndarray,
    hierarchy: Hierarchy,
    *,
    window: np.ndarray | None = None,
    value: float = 1.0,
    interval: float = 0.9,
) -> pd.DataFrame:
    """Returns in the columns of `results.ROI`, one row per level and node and one for the total.

    `roi` is the posterior mean and `median` the median of the same number; `lower` and `upper` enclose `interval` of its
    draws. `cost_per_unit` is spend over mean contribution, currency per further target unit. Arguments and errors as in
    `roi_draws`.
    """
    draws = roi_draws(coefficients, weeks, spend, hierarchy, window=window, value=value)
    mean = draws.contribution.mean(axis=0)
    lower, upper = central_interval(draws.roi, interval)
    marginal_lower, marginal_upper = central_interval(draws.marginal_roi, interval)
    bought = (draws.spend > 0) & (mean != 0)
    table = {
        "level": [level for level, _ in draws.nodes],
        "node": [node for _, node in draws.nodes],
        "spend": draws.spend,
        "contribution": mean,
        "roi": draws.roi.mean(axis=0),
        "median": np.median(draws.roi, axis=0),
        results.LOWER: lower,
        results.UPPER: upper,
        "marginal_roi": draws.marginal_roi.mean(axis=0),
        "marginal_lower": marginal_lower,
        "marginal_upper": marginal_upper,
        "cost_per_unit": np.where(bought, draws.spend, np.nan) / np.where(bought, mean, np.nan),
        "reason": np.where(draws.spend > 0, "", NO_SPEND),
    }
    return pd.DataFrame(table)[list(results.ROI.columns)]


def response_curves(
    coefficients: Coefficients,
    weeks: Weeks,
    spend: np.ndarray,
    hierarchy: Hierarchy,
    *,
    window: np.ndarray | None = None,
    multiples: tuple[float, ...] = CURVE_GRID,
    value: float = 1.0,
    interval: float = 0.9,
    most_draws: int = 500,
) -> pd.DataFrame:
    """What every node brings at multiples of its spend, in the columns of `results.RESPONSE`.

    The flighting stays: all weeks of the window and all paid tacticals under a node are multiplied alike, one node at a
    time. Nodes without spend have no curve and no row.

    Args:
        coefficients: draws.
        weeks: the weeks, with those before them.
        spend: (weeks, tacticals) currency.
        hierarchy: the media tree.
        window: (weeks,) bool; all weeks if not given.
        multiples: of the current spend, >= 0.
        value: currency per target unit, for the marginal ROI.
        interval: coverage of lower..upper.
        most_draws: no more draws than these are used, evenly spread.

    Raises:
        PanelError: spend or window do not fit the weeks.
        SettingsError: a multiple is negative.
    """
    grid = np.asarray(multiples, dtype=float)
    if not grid.size or not np.isfinite(grid).all() or (grid < 0).any():
        raise SettingsError(f"multiples of spend must be numbers >= 0, got {list(multiples)}")
    spend, window = check_spend(spend, weeks), check_window(window, weeks)
    coefficients = coefficients.take(thinned(len(coefficients.noise), most_draws))
    spent = spend[window].sum(axis=0)
    nodes, masks = _nodes(hierarchy, spent > 0)
    effect, slope = _along(coefficients, weeks, window, grid, spent > 0)
    tables = [
        _curve_rows(node, grid, float(spent @ mask), effect @ mask, value * (slope @ mask), interval)
        for node, mask in zip(nodes, masks, strict=True)
        if spent @ mask > 0
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(results.RESPONSE.columns))


def _along(
    coefficients: Coefficients, weeks: Weeks, window: np.ndarray, grid: np.ndarray, paid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(draws, multiples, tacticals) effects and their derivatives by the multiple; 0 for what was not paid."""
    shape = (len(coefficients.noise), len(grid), len(paid))
    effect, slope = np.zeros(shape), np.zeros(shape)
    for tactical in np.flatnonzero(paid):
        reach = reach_of(tactical, coefficients, weeks, window)
        own = reach.own(reach.plan)
        for place, multiple in enumerate(grid):
            bends = reach.bends(multiple * reach.plan)
            effect[:, place, tactical], slope[:, place, tactical] = bends.effect, (bends.steep * own).sum(axis=1)
    return effect, slope


def _curve_rows(
    node: tuple[str, str], grid: np.ndarray, spent: float, effect: np.ndarray, slope: np.ndarray, interval: float
) -> pd.DataFrame:
    marginal = slope / spent
    columns = (
        *node,
        grid,
        grid * spent,
        effect.mean(axis=0),
        *central_interval(effect, interval),
        marginal.mean(axis=0),
        *central_interval(marginal, interval),
    )
    return pd.DataFrame(dict(zip(results.RESPONSE.columns, columns, strict=True)))


def _nodes(hierarchy: Hierarchy, paid: np.ndarray) -> tuple[tuple[tuple[str, str], ...], np.ndarray]:
    """Level and name of every node, and the (nodes, tacticals) of 0 and 1 that count for it: the paid, or a leaf itself."""
    found = list(all_nodes(hierarchy))
    masks = np.array([mask & (paid | (level == hierarchy.levels[0])) for level, _, mask in found], dtype=float)
    return tuple((level, node) for level, node, _ in found), masks
