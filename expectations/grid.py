"""The calendar a panel is declared to live on: which dates are periods, which number each has, which are missing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierforecast.schema import Frequency

DAY = 86_400_000_000_000  # nanoseconds
_STEP = {"day": DAY, "week": 7 * DAY}


@dataclass(frozen=True)
class Grid:
    """Evenly spaced periods.

    Args:
        frequency: "day", "week" or "month".
        anchor: where in the period the dates lie: nanoseconds after its start for days and weeks; for months the day
            counted from the first (0 is the first), or from the last (-1 is the last) where that fits more dates.
    """

    frequency: Frequency
    anchor: int

    @classmethod
    def fitting(cls, dates: pd.DatetimeIndex, frequency: Frequency) -> "Grid":
        """The grid that most of the dates lie on."""
        if frequency != "month":
            return cls(frequency, _most_common(_nanoseconds(dates) % _STEP[frequency]))
        from_first, from_last = _days_of_month(dates)
        first, last = _most_common(from_first), _most_common(from_last)
        return cls(frequency, last if (from_last == last).sum() > (from_first == first).sum() else first)

    def fits(self, dates: pd.DatetimeIndex) -> np.ndarray:
        """Whether each date lies on the grid, (dates,)."""
        if self.frequency != "month":
            return _nanoseconds(dates) % _STEP[self.frequency] == self.anchor
        from_first, from_last = _days_of_month(dates)
        return ((from_last if self.anchor < 0 else from_first) == self.anchor) & (_nanoseconds(dates) % DAY == 0)

    def numbers(self, dates: pd.DatetimeIndex) -> np.ndarray:
        """The number of the period that each date lies in, (dates,); neighbouring periods differ by one."""
        if self.frequency == "month":
            return dates.year.to_numpy().astype(np.int64) * 12 + dates.month.to_numpy() - 1
        return (_nanoseconds(dates) - self.anchor) // _STEP[self.frequency]

    def date(self, number: int) -> pd.Timestamp:
        """The date of a period, the inverse of `numbers`."""
        if self.frequency != "month":
            return pd.Timestamp(int(number) * _STEP[self.frequency] + self.anchor)
        month = pd.Period(year=int(number) // 12, month=int(number) % 12 + 1, freq="M")
        day = month.days_in_month + self.anchor if self.anchor < 0 else min(self.anchor, month.days_in_month - 1)
        return month.start_time + pd.Timedelta(days=day)

    def __str__(self) -> str:
        if self.frequency == "week":
            return f"every {pd.Timestamp(self.anchor).day_name()}"
        if self.frequency == "month":
            return "the last day of every month" if self.anchor == -1 else f"day {self.date(0).day} of every month"
        return "every day"


def write_date(value: object) -> str:
    """A period as a person writes it: the date, with the time only where there is one."""
    if not isinstance(value, pd.Timestamp):
        return str(value)
    return value.strftime("%Y-%m-%d") if value == value.normalize() else value.isoformat(sep=" ")


def _nanoseconds(dates: pd.DatetimeIndex) -> np.ndarray:
    return dates.as_unit("ns").asi8


def _days_of_month(dates: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Days after the first of the month (0 ...) and before the end of it (... -1), (dates,) each."""
    day = dates.day.to_numpy().astype(np.int64)
    return day - 1, day - dates.days_in_month.to_numpy() - 1


def _most_common(values: np.ndarray) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])
