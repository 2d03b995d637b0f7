"""Which columns of the design make up which component of an answer."""

from hierforecast.hiref.columns.design import Design
from hierforecast.results import HOLIDAYS, SEASON, TREND


def calendar_columns(design: Design) -> dict[str, list[int]]:
    """Columns of each component that the calendar decides, by the component's name; only those that exist."""
    waves = slice(design.season.start, design.month.stop)  # of the year and of the month
    places = {TREND: design.trend, SEASON: waves, HOLIDAYS: design.holiday}
    return {name: _listed(columns) for name, columns in places.items() if _listed(columns)}


def driver_columns(design: Design, driver: str) -> list[int]:
    """Columns of a driver: one per lag."""
    return _listed(design.drivers[driver])


def target_columns(design: Design) -> list[int]:
    """Columns of the target's own past."""
    return _listed(design.target_lags)


def lagged_columns(design: Design, drivers: list[str]) -> list[int]:
    """Columns through which drivers work later than they happen: their lags, and the target's past that they moved."""
    late = [
        column
        for driver in design.panel.drivers
        if driver.name in drivers
        for lag, column in zip(driver.lags, driver_columns(design, driver.name), strict=True)
        if lag
    ]
    return [*late, *target_columns(design)]


def _listed(places: slice) -> list[int]:
    return list(range(places.start, places.stop))
