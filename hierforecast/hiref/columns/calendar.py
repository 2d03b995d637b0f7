"""What the date alone says: waves of year and month, holidays, trend, in this order; it all belongs to the baseline.

    season:  cos(2 pi k d / 365.25), sin(2 pi k d / 365.25), k = 1 .. waves
    month:   the same within the month, averaged over a week's days
    holiday: 1 in the period that a holiday falls in, and in those declared before and after it, each by itself
    trend:   t in years since the first period of training; a knot adds max(0, t - knot)

- Season needs a year: a shorter training history gets no season columns, since waves fitted to a part of the year say
  anything about the rest of it.
- A holiday that never occurs in training has no column: nothing could be learned about it.
- After training the trend keeps the slope of its last piece.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.hiref.columns.cuts import cuts_of
from hierforecast.hiref.columns.rows import PERIODS_PER_YEAR, Rows, distinct_days, period_number
from hierforecast.options import Training
from hierforecast.schema import Frequency, SalesPanel
from hierforecast.transforms.holidays import holiday_dates
from hierforecast.transforms.seasonality import DAYS_PER_YEAR, fourier, within_month

YEAR_AFTER = 1.0  # years of training after the last knot


class Calendar(NamedTuple):
    """The calendar columns of a model.

    Args:
        panel: the declared columns.
        origin: the date counted as period 0.
        waves: yearly Fourier pairs in use.
        month_waves: monthly ones.
        holidays: names of the holiday columns: the holiday's, with the periods after it where there are some.
        trend: whether there is one.
        knots: where its slope may change, years since `origin`.
    """

    panel: SalesPanel
    origin: pd.Timestamp
    waves: int
    month_waves: int
    holidays: tuple[str, ...]
    trend: bool
    knots: tuple[float, ...]

    @property
    def season(self) -> slice:
        """Places of the season columns."""
        return slice(0, 2 * self.waves)

    @property
    def month(self) -> slice:
        """Places of the waves within the month."""
        return slice(2 * self.waves, 2 * (self.waves + self.month_waves))

    @property
    def holiday(self) -> slice:
        """Places of the holiday columns."""
        return slice(self.month.stop, self.month.stop + len(self.holidays))

    @property
    def trends(self) -> slice:
        """Places of the trend and its knots."""
        first = self.holiday.stop
        return slice(first, first + int(self.trend) + len(self.knots))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all calendar columns."""
        kinds = {"season": self.waves, "month": self.month_waves}
        waves = [f"{kind}_{wave}_{k + 1}" for kind, pairs in kinds.items() for k in range(pairs) for wave in ("cos", "sin")]
        trend = ["trend"] if self.trend else []
        return (*waves, *self.holidays, *trend, *(f"trend after knot {number + 1}" for number in range(len(self.knots))))

    @property
    def absent_holidays(self) -> list[str]:
        """Declared holidays without a column, because they never occur in training."""
        declared = self.panel.holidays
        if declared is None:
            return []
        wanted = [*(declared.names or ()), *declared.dates]
        if declared.country and declared.names is None:
            wanted = [*holiday_dates(declared, self.origin.year - 1, self.origin.year + 1), *wanted]
        return [name for name in dict.fromkeys(wanted) if name not in self.holidays]

    def season_of(self, dates: np.ndarray, *, back: int = 0) -> np.ndarray:
        """(rows, season columns) so many periods before each of (rows,) dates."""
        days, place = distinct_days(dates)
        return fourier(shift_dates(days, self.panel.frequency, back), self.waves)[place]

    def fill(self, X: np.ndarray, rows: Rows) -> None:
        """Write the calendar into the first columns of (rows, columns)."""
        dates, place = distinct_days(rows.dates)
        table = np.zeros((len(dates), len(self.names)))
        table[:, self.season] = fourier(dates, self.waves)
        table[:, self.month] = within_month(dates, self.month_waves, days=7 if self.panel.frequency == "week" else 1)
        if self.holidays:
            table[:, self.holiday] = self._holidays_of(dates)
        if self.trend:
            years = _years(dates, self.origin)[:, None]
            table[:, self.trends] = np.hstack([years, np.maximum(0.0, years - np.array([self.knots]))])  # no knots: (1, 0)
        for column in range(table.shape[1]):
            X[:, column] = table[place, column]

    def _holidays_of(self, dates: np.ndarray) -> np.ndarray:
        periods = period_number(dates, self.panel.frequency, self.origin)
        found = holiday_periods(self.panel, self.origin, dates.min(), dates.max())
        return np.column_stack([np.isin(periods, found.get(name, [])) for name in self.holidays])


def make_calendar(
    settings: SalesPanel, training: Training, origin: pd.Timestamp, end: int, holidays: tuple[str, ...] | None = None
) -> Calendar:
    """The calendar of a training history from the period 0 at `origin` to `end`.

    Args:
        settings: the declared columns.
        training: season and trend.
        origin: the date counted as period 0.
        end: the last period of training.
        holidays: the holiday columns of a saved model; None finds those that occur in training.

    Raises:
        SettingsError: a country, subdivision or name of a holiday is unknown.
    """
    waves = training.seasonality if end + 1 >= PERIODS_PER_YEAR[settings.frequency] else 0
    last = shift_dates(np.array([origin], dtype="datetime64[ns]"), settings.frequency, -end)
    if holidays is None:
        found = holiday_periods(settings, origin, np.datetime64(origin), last[0])
        holidays = tuple(name for name, periods in found.items() if any(0 <= period <= end for period in periods))
    earliest = next(iter(cuts_of(end + 1, settings.horizon, training.origins)), end + 1)
    known = shift_dates(last, settings.frequency, end + 1 - earliest)
    knots = _place_knots(float(_years(last, origin)[0]), float(_years(known, origin)[0]), training)
    month_waves = 0 if settings.frequency == "month" else training.month_waves
    return Calendar(settings, origin, waves, month_waves, holidays, training.trend, knots)


def holiday_periods(
    settings: SalesPanel, origin: pd.Timestamp, first: np.datetime64, last: np.datetime64
) -> dict[str, list[int]]:
    """Per holiday column, the periods where it is 1, around the dates `first` to `last`."""
    declared = settings.holidays
    if declared is None:
        return {}
    years = [pd.Timestamp(day).year for day in (first, last)]
    days = holiday_dates(declared, years[0] - 1, years[1] + 1)  # a window may reach over New Year
    found = {}
    for name, dates in days.items():
        periods = period_number(np.array(dates, dtype="datetime64[D]"), settings.frequency, origin)
        for shift in range(-declared.before, declared.after + 1):
            found[f"{name} {shift:+d}" if shift else name] = (periods + shift).tolist()
    return found


def shift_dates(dates: np.ndarray, frequency: Frequency, back: int) -> np.ndarray:
    """(dates,) datetime64 so many periods earlier; months keep the day's place in the month and may run into the next."""
    if not back:
        return dates
    if frequency == "month":
        days = dates.astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        return (months - back).astype("datetime64[D]") + (days - months.astype("datetime64[D]"))
    return dates.astype("datetime64[D]") - back * (7 if frequency == "week" else 1)


def _place_knots(years: float, known: float, training: Training) -> tuple[float, ...]:
    """Years after the origin at which the trend may bend, equally spaced.

    After the last one there is, as seen from the earliest origin, a year or half of what was known there: the slope after
    it is what forecasts go on with, and a short stretch would take a season or a few odd weeks for a trend.

    Args:
        years: that training lasts.
        known: of these, before the earliest origin that choices rest on.
        training: how many.
    """
    count = training.trend_knots if training.trend else 0
    if not count:
        return ()
    latest = known - min(YEAR_AFTER, known / 2)
    step = min(years / (count + 1), latest / count)
    return tuple(step * (number + 1) for number in range(count)) if step > 0 else ()


def _years(dates: np.ndarray, origin: pd.Timestamp) -> np.ndarray:
    days = (dates.astype("datetime64[D]") - np.datetime64(origin, "D")).astype(float)
    return days / DAYS_PER_YEAR
