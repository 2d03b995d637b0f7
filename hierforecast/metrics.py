"""Accuracy of forecasts, at every level of a hierarchy. Every metric has the signature (actual, forecast) -> float.

Sources: WAPE and bias as sums over cells (Kolassa & Schütz 2007, Foresight 6); MASE: Hyndman & Koehler 2006,
doi:10.1016/j.ijforecast.2006.03.001.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hierforecast.hierarchy import groupings
from hierforecast.results import ACTUAL, FORECAST, LOWER, PERIOD, SCORES, UPPER


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
) -> pd.DataFrame:
    """Score forecasts at the bottom, at every level and in total.

    A cell is one group and period; its values are sums over the rows in it. Intervals are scored at the bottom only,
    for bounds of a sum are not sums of bounds.

    Args:
        holdout: rows with the levels, `period`, `actual`, `forecast` and, if there are intervals, `lower` and `upper`.
        levels: the level columns.
        history: earlier rows with the levels, `period` and `actual`, for MASE; without them MASE is NaN.
        extra: further groupings by name, e.g. ``{"store x brand": ["store_id", "brand"]}``.

    Returns:
        One row per grouping with the columns of `results.SCORES`.
    """
    rows = []
    for name, by in {**groupings(levels), **(extra or {})}.items():
        bottom = list(by) == list(levels)
        cells = _cells(holdout, by, [ACTUAL, FORECAST])
        actual, forecast = cells[ACTUAL].to_numpy(float), cells[FORECAST].to_numpy(float)
        scale = _naive_scale(cells, history, by) if history is not None else np.full(len(cells), np.nan)
        bounds = holdout[LOWER].to_numpy(float), holdout[UPPER].to_numpy(float)
        covered = coverage(holdout[ACTUAL].to_numpy(float), *bounds) if bottom else float("nan")
        values = (wape, mae, rmse)
        rows.append(
            [
                name,
                len(cells),
                *(f(actual, forecast) for f in values),
                mase(actual, forecast, scale),
                bias(actual, forecast),
                covered,
            ]
        )
    return pd.DataFrame(rows, columns=list(SCORES.columns))


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
