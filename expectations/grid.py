"""The calendar a panel is declared to live on: which dates are periods, which number each has, which are missing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierforecast.schema import Frequency

DAY = 86_400_000_000_000  # nanoseconds
LONGEST = 31  # days of a month
_STEP = {"day": DAY, "week": 7 * DAY}


@dataclass(frozen=True)
class Grid:
    """Evenly spaced periods.

    Args:
        frequency: "day", "week" or "month".
        anchor: where in the period the dates lie: nanoseconds after its start for days and weeks; for months the day
            counted from the first (0 is the first; a shorter month has its last day instead), or from the last (-1 is the
            last) where that fits more dates.
        time: of the day, nanoseconds; only of months, whose anchor counts days.
    """

    frequency: Frequency
    anchor: int
    time: int = 0

    @classmethod
    def fitting(cls, dates: pd.DatetimeIndex, frequency: Frequency) -> "Grid":
        """The grid that most of the dates lie on."""
        if frequency != "month":
            return cls(frequency, _most_common(_nanoseconds(dates) % _STEP[frequency]))
        from_first, from_last = _days_of_month(dates)
        last, time = _most_common(from_last), _most_common(_nanoseconds(dates) % DAY)
        # The earliest of days that fit as many: of a February's 28th and a March's 30th only the 30th fits both.
        first = max(np.unique(from_first).tolist(), key=lambda day: _on_day(dates, day).sum())
        at_first, at_last = _on_day(dates, first).sum(), (from_last == last).sum()
        from_the_end = at_last > at_first or (at_last == at_first and first == LONGEST - 1)
        return cls(frequency, last if from_the_end else first, time)

    def fits(self, dates: pd.DatetimeIndex) -> np.ndarray:
        """Whether each date lies on the grid, (dates,)."""
        if self.frequency != "month":
            return _nanoseconds(dates) % _STEP[self.frequency] == self.anchor
        return _on_day(dates, self.anchor) & (_nanoseconds(dates) % DAY == self.time)

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
        return month.start_time + pd.Timedelta(days=day) + pd.Timedelta(self.time)

    def __str__(self) -> str:
        if self.frequency == "week":
            return f"every {pd.Timestamp(self.anchor).day_name()}"
        if self.frequency == "month":
            return _word_day(self.anchor)
        return "every day"


def write_date(value: object) -> str:
    """A period as a person writes it: the date, with the time only where there is one."""
    if not isinstance(value, pd.Timestamp):
        return str(value)
    return value.strftime("%Y-%m-%d") if value == value.normalize() else value.isoformat(sep=" ")


def _nanoseconds(dates: pd.DatetimeIndex) -> np.ndarray:
    return dates.as_unit("ns").asi8


def _on_day(dates: pd.DatetimeIndex, anchor: int) -> np.ndarray:
    """Whether each date is that day of its month, counted as a grid's anchor is, (dates,)."""
    from_first, from_last = _days_of_month(dates)
    if anchor < 0:
        return from_last == anchor
    return from_first == np.minimum(anchor, dates.days_in_month.to_numpy() - 1)


def _word_day(anchor: int) -> str:
    if anchor >= 0:
        return f"day {anchor + 1} of every month"
    if anchor == -1:
        return "the last day of every month"
    return f"{-anchor - 1} {'day' if anchor == -2 else 'days'} before the last of every month"


def _days_of_month(dates: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Days after the first of the month (0 ...) and before the end of it (... -1), (dates,) each."""
    day = dates.day.to_numpy().astype(np.int64)
    return day - 1, day - dates.days_in_month.to_numpy() - 1


def _most_common(values: np.ndarray) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])
