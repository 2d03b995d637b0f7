"""Which column stands where: season, month, holidays, trend, drivers with their lags, target lags, in this order."""

from typing import NamedTuple

import numpy as np

from hierforecast.hiref.columns.calendar import Calendar
from hierforecast.hiref.columns.drivers import lag_name
from hierforecast.hiref.regression.effects import Columns
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

_SIGNS = {"+": 1.0, "-": -1.0, "free": 0.0}


class Layout(NamedTuple):
    """The places of every kind of column, and what the equations must know of them.

    Args:
        columns: names, signs and levels.
        season: the yearly waves.
        month: the waves within the month.
        holiday: one per holiday and period around it.
        trend: the trend and its knots.
        drivers: per driver, one per lag in declared order.
        target_lags: of the target.
    """

    columns: Columns
    season: slice
    month: slice
    holiday: slice
    trend: slice
    drivers: dict[str, slice]
    target_lags: slice


def lay_out(calendar: Calendar, panel: SalesPanel, training: Training) -> Layout:
    """The layout of a model's columns."""
    levels = tuple(panel.levels)

    def over(by: list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
        return levels if by is None else tuple(by)

    start, drivers = calendar.trends.stop, {}
    for driver in panel.drivers:
        drivers[driver.name] = slice(start, start + len(driver.lags))
        start += len(driver.lags)
    lagged = [(driver, lag) for driver in panel.drivers for lag in driver.lags]
    lags = [lag_name(panel.target.name, lag) for lag in panel.target_lags]
    by = (
        *[over(training.season_by)] * _width(calendar.season),
        *[over(training.month_by)] * _width(calendar.month),
        *[over(panel.holidays.by if panel.holidays else None)] * _width(calendar.holiday),
        *[levels] * _width(calendar.trends),
        *(over(driver.by) for driver, _ in lagged),
        *[levels] * len(lags),
    )
    groups = (
        *["season"] * _width(calendar.season),
        *["month"] * _width(calendar.month),
        *["holidays"] * _width(calendar.holiday),
        *["trend"] * _width(calendar.trends),
        *(driver.name for driver, _ in lagged),
        *["target"] * len(lags),
    )
    signs = [0.0] * calendar.trends.stop + [_SIGNS[driver.sign] for driver, _ in lagged] + [0.0] * len(lags)
    names = (*calendar.names, *(lag_name(driver.name, lag) for driver, lag in lagged), *lags)
    return Layout(
        Columns(names, np.array(signs), by, groups),
        calendar.season,
        calendar.month,
        calendar.holiday,
        calendar.trends,
        drivers,
        slice(start, start + len(lags)),
    )


def _width(places: slice) -> int:
    return places.stop - places.start
