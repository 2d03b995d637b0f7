"""Effects of drivers per series and per node, and how far off they may be."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest
from hierforecast.hierarchy import BOTTOM, TOTAL
from hierforecast.hiref.answers.components import driver_columns
from hierforecast.hiref.answers.forecasts import coverage_of
from hierforecast.hiref.answers.nodes import joined_names
from hierforecast.hiref.fit import Fit
from hierforecast.results import ELASTICITIES, LOWER, UPPER

USUAL = 0.9  # nominal coverage of an effect's interval


def series_effects(fit: Fit) -> pd.DataFrame:
    """Levels of every training series, and its total effect of every driver (of every lag of it), link scale."""
    total = _total(fit)
    columns = {fit.design.columns.names[place]: total[:, place] for place in _driver_places(fit)}
    return pd.DataFrame(_keys(fit) | columns)


def elasticities(fit: Fit, by: str | None, interval: float) -> pd.DataFrame:
    """See `HiReF.elasticities`."""
    levels = list(fit.hierarchy.levels)
    valid = [*levels, BOTTOM, TOTAL]
    if by is not None and by not in valid:
        raise PanelError(f"no level {by!r}; {nearest(str(by), valid)}")
    distance = reach(interval)
    total = _total(fit)
    tables = [_at(fit, level, total, distance) for level in ([*levels, TOTAL] if by is None else [by])]
    return pd.concat(tables, ignore_index=True)[list(ELASTICITIES.columns)]


def reach(interval: float) -> float:
    """Standard errors from the middle to either end of an interval. Raises SettingsError unless it is in (0, 1)."""
    return NormalDist().inv_cdf((1.0 + coverage_of(interval, usual=USUAL)) / 2.0)


def series_errors(fit: Fit, series: np.ndarray) -> np.ndarray:
    """Standard errors of the effects of (series,) training series, (series, columns); new ones, negative, have the
    spread of effects between series on top of the usual error.
    """
    known = fit.errors[BOTTOM]
    spread = _total(fit).var(axis=0)
    new = np.sqrt((known**2).mean(axis=0) + spread)
    return np.vstack([known, new])[series]


def _total(fit: Fit) -> np.ndarray:
    """Effects of the training series, (series, columns)."""
    return fit.effects(fit.hierarchy.series, np.arange(len(fit.hierarchy.series))).total


def _at(fit: Fit, level: str, total: np.ndarray, distance: float) -> pd.DataFrame:
    """One row per driver and node of a level."""
    names, codes = _nodes(fit, level)
    count = np.bincount(codes, minlength=len(names))
    tables = []
    for place in _driver_places(fit):
        effect = np.bincount(codes, total[:, place], len(names)) / count
        low, high = _ends(effect, distance * fit.errors[level][:, place], fit.parameters.signs[place])
        columns = {"driver": fit.design.columns.names[place], "node": names, "effect": effect, LOWER: low, UPPER: high}
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(ELASTICITIES.columns))
    return table.assign(level=level)


def _ends(effect: np.ndarray, half: np.ndarray, sign: float) -> tuple[np.ndarray, np.ndarray]:
    """An interval about effects that ends at 0 where the declared sign does."""
    low, high = effect - half, effect + half
    return (np.maximum(low, 0.0) if sign > 0 else low), (np.minimum(high, 0.0) if sign < 0 else high)


def _nodes(fit: Fit, level: str) -> tuple[list[str], np.ndarray]:
    """Names of a level's nodes, and (series,) which one each series belongs to."""
    if level == TOTAL:
        return [TOTAL], np.zeros(len(fit.hierarchy.series), dtype=np.int64)
    if level == BOTTOM:
        names = joined_names(pd.DataFrame(_keys(fit)), fit.hierarchy.levels)
        return names.tolist(), np.arange(len(names))
    return list(fit.hierarchy.nodes[level]), fit.hierarchy.membership(level).astype(np.int64)


def _keys(fit: Fit) -> dict[str, np.ndarray]:
    return {
        level: np.array(fit.hierarchy.nodes[level], dtype=object)[fit.hierarchy.membership(level)]
        for level in fit.hierarchy.levels
    }


def _driver_places(fit: Fit) -> list[int]:
    return [place for driver in fit.design.panel.drivers for place in driver_columns(fit.design, driver.name)]
