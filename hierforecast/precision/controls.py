"""What moves the target besides media: a trend, the season, and the company's own controls, as scaled columns.

    trend       the period's date
    season      sin and cos of 2 pi k date / year, k = 1 .. pairs
    control     (x - reference) / sd; the reference is the mean of the observed weeks, or 0 for a flag of 0 and 1

A control contributes nothing at its reference. Centre and scale come from the observed weeks alone, so held-out weeks
leave no trace in the design.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError

TREND, SEASON = "trend", "season"
DAYS_PER_YEAR = 365.25
_EPOCH = pd.Timestamp("2000-01-03")


class Design(NamedTuple):
    """The columns of the control matrix and how to make them for any weeks.

    Args:
        columns: (controls,) the component that each column belongs to: "trend", "season" or a control's name.
        centre: (controls,) in each column's own unit.
        scale: (controls,) in each column's own unit, > 0.
        names: the company's own controls, in order.
        seasonality: yearly Fourier pairs.
        trend: whether there is a trend column.
    """

    columns: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    names: tuple[str, ...]
    seasonality: int
    trend: bool

    @property
    def components(self) -> tuple[str, ...]:
        """The components in order, each once: season and trend first, as they are present, then the controls."""
        return tuple(dict.fromkeys(self.columns))

    @property
    def column_names(self) -> tuple[str, ...]:
        """A name of its own for every column: the season's pairs are counted."""
        season = [f"{SEASON}_{wave}_{pair}" for pair in range(1, self.seasonality + 1) for wave in ("sin", "cos")]
        return (TREND,) * self.trend + tuple(season) + self.names

    def matrix(self, periods: pd.Series, controls: np.ndarray) -> np.ndarray:
        """(weeks, columns) scaled columns for weeks with the given (weeks, controls) values."""
        raw = _raw_columns(periods, controls, self.seasonality, self.trend)
        return (raw - self.centre) / self.scale


def learn_design(
    periods: pd.Series, controls: np.ndarray, names: Sequence[str], observed: np.ndarray, *, seasonality: int, trend: bool
) -> Design:
    """Learn centre and scale of every column from the observed weeks.

    Args:
        periods: (weeks,) dates.
        controls: (weeks, controls) values in their own units.
        names: (controls,) names.
        observed: (weeks,) bool.
        seasonality: yearly Fourier pairs.
        trend: whether to add a trend column.

    Raises:
        SettingsError: a control is named like a built-in component.
    """
    for name in names:
        if name in (TREND, SEASON):
            raise SettingsError(f"the control {name!r} has the name of a built-in component; rename the column")
    raw = _raw_columns(periods, controls, seasonality, trend)[observed]
    columns = (TREND,) * trend + (SEASON,) * (2 * seasonality) + tuple(names)
    is_flag = np.isin(raw, (0.0, 1.0)).all(axis=0)
    # A column that never moved says nothing: it keeps its unit, and its coefficient keeps its prior.
    spread = raw.std(axis=0)
    scale = np.where(spread > 1e-12 * np.maximum(np.abs(raw).max(axis=0), 1.0), spread, 1.0)
    return Design(columns, np.where(is_flag, 0.0, raw.mean(axis=0)), scale, tuple(names), seasonality, trend)


def _raw_columns(periods: pd.Series, controls: np.ndarray, seasonality: int, trend: bool) -> np.ndarray:
    """(weeks, columns) before scaling; time in years since a fixed Monday."""
    years = (pd.to_datetime(periods) - _EPOCH).dt.days.to_numpy(dtype=float) / DAYS_PER_YEAR
    angles = 2 * np.pi * years[:, None] * np.arange(1, seasonality + 1)
    season = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(years), 2 * seasonality)
    return np.column_stack([*([years] if trend else []), season, controls])
