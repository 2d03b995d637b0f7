"""Accuracy of forecasts, at every level of a hierarchy. Every metric has the signature (actual, forecast) -> float.

Sources: WAPE and bias as sums over cells (Kolassa & Schütz 2007, Foresight 6); MASE: Hyndman & Koehler 2006,
doi:10.1016/j.ijforecast.2006.03.001.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hierforecast.hierarchy import groupings
from hierforecast.results import ACTUAL, FORECAST, HORIZONS, LOWER, PERIOD, SCORES, UPPER


def wape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Weighted absolute percentage error, a share: ``sum|f - y| / sum|y|``; NaN where nothing was sold."""
    total = np.abs(actual).sum()
    return float(np.abs(forecast - actual).sum() / total) if total > 0 else float("nan")


def mae(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Mean absolute error, in target units."""
    return float(np.abs(forecast - actual).mean())


def rmse(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Root mean squared error, in target units."""
    return float(np.sqrt(np.square(forecast - actual).mean()))


def bias(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Relative bias, a share: ``sum(f - y) / sum|y|``; positive forecasts too much."""
    total = np.abs(actual).sum()
    return float((forecast - actual).sum() / total) if total > 0 else float("nan")


def coverage(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Share of cells with ``lower <= y <= upper`` among those that have an interval; NaN where none has."""
    has = np.isfinite(lower) & np.isfinite(upper)
    return float(((actual >= lower) & (actual <= upper))[has].mean()) if has.any() else float("nan")


def mase(actual: np.ndarray, forecast: np.ndarray, scale: np.ndarray) -> float:
    """Mean absolute scaled error: ``mean(|f - y| / scale)`` over cells whose scale is positive.

    Args:
        actual: (cells,) true values.
        forecast: (cells,) forecasts.
        scale: (cells,) in-sample mean absolute change of each cell's own series from one period to the next.
    """
    usable = np.isfinite(scale) & (scale > 0)
    return float((np.abs(forecast - actual)[usable] / scale[usable]).mean()) if usable.any() else float("nan")


def score_levels(
    holdout: pd.DataFrame,
    levels: Sequence[str],
    *,
    history: pd.DataFrame | None = None,
    extra: dict[str, list[str]] | None = None,
    bounds: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Score forecasts at the bottom, at every level and in total.

    A cell is one group and period; its values are sums over the rows in it. Intervals above the bottom are scored where
    they are given, for bounds of a sum are not sums of bounds.

    Args:
        holdout: rows with the levels, `period`, `actual`, `forecast` and, if there are intervals, `lower` and `upper`.
        levels: the level columns.
        history: earlier rows with the levels, `period` and `actual`, for MASE; without them MASE is NaN.
        extra: further groupings by name, e.g. ``{"store x brand": ["store_id", "brand"]}``.
        bounds: by grouping, its level columns, `period`, `lower` and `upper` of every cell.

    Returns:
        One row per grouping with the columns of `results.SCORES`.
    """
    rows = []
    for name, by in {**groupings(levels), **(extra or {})}.items():
        bottom = list(by) == list(levels)
        cells = _cells(holdout, by, [ACTUAL, FORECAST])
        actual, forecast = cells[ACTUAL].to_numpy(float), cells[FORECAST].to_numpy(float)
        scale = _naive_scale(cells, history, by) if history is not None else np.full(len(cells), np.nan)
        values = (wape, mae, rmse)
        rows.append(
            [
                name,
                len(cells),
                *(f(actual, forecast) for f in values),
                mase(actual, forecast, scale),
                bias(actual, forecast),
                _coverage_at(holdout if bottom else cells, by, None if bottom else (bounds or {}).get(name)),
            ]
        )
    return pd.DataFrame(rows, columns=list(SCORES.columns))


def score_horizons(
    holdout: pd.DataFrame, levels: Sequence[str], *, bounds: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Score forecasts that were all made at one time by how many periods ahead they were, at the groupings of `score_levels`.

    Args:
        holdout: as for `score_levels`; its first period is 1 ahead, the next one 2.
        levels: the level columns.
        bounds: as for `score_levels`.

    Returns:
        One row per grouping and horizon with the columns of `results.HORIZONS`.
    """
    tables = []
    for name, by in groupings(levels).items():
        bottom = list(by) == list(levels)
        cells = holdout if bottom else _cells(holdout, by, [ACTUAL, FORECAST])
        if not bottom and bounds and name in bounds:
            cells = cells.merge(bounds[name][[*by, PERIOD, LOWER, UPPER]], on=[*by, PERIOD], how="left")
        sums = _sums_per_period(cells.assign(covered=_covered(cells)))
        tables.append(sums.assign(level=name, horizon=np.arange(1, len(sums) + 1)))
    return pd.concat(tables, ignore_index=True)[list(HORIZONS.columns)]


def _sums_per_period(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per period, ascending: cells, wape, bias, coverage."""
    error = (cells[FORECAST] - cells[ACTUAL]).astype(float)
    parts = pd.DataFrame({"off": error.abs(), "beyond": error, "sold": cells[ACTUAL].abs(), "covered": cells["covered"]})
    groups = parts.groupby(cells[PERIOD], sort=True)
    sums = groups[["off", "beyond", "sold"]].sum()
    sold = sums["sold"].where(sums["sold"] > 0)
    return pd.DataFrame(
        {
            "cells": groups.size(),
            "wape": sums["off"] / sold,
            "bias": sums["beyond"] / sold,
            "coverage": groups["covered"].mean(),
        }
    ).reset_index(drop=True)


def _covered(cells: pd.DataFrame) -> np.ndarray:
    """Whether each cell lies within its interval, (cells,): 1 or 0, NaN where it has none."""
    if LOWER not in cells:
        return np.full(len(cells), np.nan)
    actual, lower, upper = (cells[name].to_numpy(float) for name in (ACTUAL, LOWER, UPPER))
    return np.where(np.isfinite(lower) & np.isfinite(upper), ((actual >= lower) & (actual <= upper)).astype(float), np.nan)


def _coverage_at(cells: pd.DataFrame, by: Sequence[str], bounds: pd.DataFrame | None) -> float:
    """Coverage of cells that have bounds, or by the bounds that are given; NaN where there are neither."""
    if bounds is not None:
        cells = cells[[*by, PERIOD, ACTUAL]].merge(bounds[[*by, PERIOD, LOWER, UPPER]], on=[*by, PERIOD], how="left")
    if LOWER not in cells:
        return float("nan")
    return coverage(*(cells[name].to_numpy(float) for name in (ACTUAL, LOWER, UPPER)))


def _cells(frame: pd.DataFrame, by: Sequence[str], columns: list[str]) -> pd.DataFrame:
    return frame.groupby([*by, PERIOD], observed=True, sort=True)[columns].sum().reset_index()


def _naive_scale(cells: pd.DataFrame, history: pd.DataFrame, by: Sequence[str]) -> np.ndarray:
    """Mean absolute change from period to period of every cell's group in the history, (cells,)."""
    past = _cells(history, by, [ACTUAL])
    if not by:
        return np.full(len(cells), past[ACTUAL].diff().abs().mean())
    past["change"] = past.groupby(list(by), observed=True)[ACTUAL].diff().abs()
    scale = past.groupby(list(by), observed=True)["change"].mean().reset_index()
    return cells[list(by)].merge(scale, on=list(by), how="left")["change"].to_numpy(float)
