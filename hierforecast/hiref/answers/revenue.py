"""Bridges between two periods of a fitted model's rows: of revenue, and of forecast units by driver."""

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest
from hierforecast.hiref.answers.bridge import Method, bridge, driver_bridge
from hierforecast.hiref.answers.contributions import Detail, contributions
from hierforecast.hiref.answers.forecasts import MEAN, keys_of
from hierforecast.hiref.answers.nodes import At
from hierforecast.hiref.columns.cells import as_numbers
from hierforecast.hiref.fit import Fit


def bridge_revenue(
    fit: Fit, before: pd.DataFrame, after: pd.DataFrame, *, price: str, level: At, method: Method
) -> pd.DataFrame:
    """See `HiReF.bridge`."""
    settings = fit.design.panel
    sides = [_with_units(fit, rows, price) for rows in (before, after)]
    return bridge(*sides, settings.levels, units=settings.target.name, price=price, level=level, method=method)


def bridge_drivers(fit: Fit, before: pd.DataFrame, after: pd.DataFrame, *, level: At, detail: Detail) -> pd.DataFrame:
    """See `HiReF.driver_bridge`."""
    settings = fit.design.panel
    tables = [contributions(fit, rows, level=None, statistic=MEAN, detail=detail) for rows in (before, after)]
    return driver_bridge(*tables, settings.levels, settings.period, level)


def _with_units(fit: Fit, rows: pd.DataFrame, price: str) -> pd.DataFrame:
    """Levels, price and the target: as known, else as forecast."""
    settings = fit.design.panel
    target = settings.target.name
    if price not in rows.columns:
        raise PanelError(f"no column {price!r} to value units by; {nearest(price, map(str, rows.columns))}")
    known = as_numbers(rows, target) if target in rows.columns else np.full(len(rows), np.nan)
    if np.isnan(known).any():
        answer = fit.answer(rows)
        known = np.where(np.isnan(known), answer.rows.unsort(fit.forecast(answer, MEAN)), known)
    return keys_of(rows, settings).assign(**{target: known, price: rows[price]})
