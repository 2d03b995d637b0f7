"""What the date alone says about the target: trend, season, day of the week and holidays, as columns.

    trend      t in years, and max(0, t - knot) for every knot
    season     sin and cos of 2 pi k t, k = 1 .. pairs
    weekday    sin and cos of 2 pi k d / 7, d the day of the week; daily data only
    holidays   how many days of a holiday fall within the period

After the last knot the trend keeps its slope. A holiday that falls within no observed week, or within all alike, has no
column: nothing could be learned about it.
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError
from hierforecast.results import HOLIDAYS, SEASON, TREND, WEEKDAY
from hierforecast.schema import Frequency, Holidays
from hierforecast.transforms.holidays import days_within, holiday_dates
from hierforecast.transforms.seasonality import DAYS_PER_YEAR

EPOCH = pd.Timestamp("2000-01-03")  # a Monday; any fixed day gives the same columns but for their phase
MOST_WEEKLY_PAIRS = 3  # three waves and a level are seven numbers: every day of the week has its own


@dataclass(frozen=True)
class Background:
    """Which of them a model has.

    Args:
        seasonality: yearly Fourier pairs.
        trend: whether there is a trend.
        trend_knots: places, equally spaced over the observed weeks, where its slope may change.
        weekly_pairs: Fourier pairs within the week, for daily data.
        holidays: a country's days, or one's own; every name has an effect of its own.

    Raises:
        SettingsError: a number is out of bounds, or options do not go together.
    """

    seasonality: int = 2
    trend: bool = True
    trend_knots: int = 0
    weekly_pairs: int = 0
    holidays: Holidays | None = None

    def __post_init__(self) -> None:
        for option, most in (("seasonality", 26), ("trend_knots", 20), ("weekly_pairs", MOST_WEEKLY_PAIRS)):
            if not 0 <= getattr(self, option) <= most:
                raise SettingsError(f"{option} must lie within 0 and {most}, got {getattr(self, option)}")
        if self.trend_knots and not self.trend:
            raise SettingsError(f"trend_knots is {self.trend_knots} and there is no trend; add trend: true")
        if self.holidays is not None and self.holidays.by is not None:
            raise SettingsError(f"holidays.by is {self.holidays.by}, but a media panel is one series; leave it out")

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and texts."""
        return asdict(self) | {"holidays": self.holidays and self.holidays.model_dump(mode="json")}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Background":
        """The way back from `to_json`."""
        return cls(**saved | {"holidays": saved["holidays"] and Holidays(**saved["holidays"])})


class DateColumns(NamedTuple):
    """The columns of a background as learned from the observed weeks.

    Args:
        background: the options.
        frequency: "day", "week" or "month".
        knots: years since EPOCH at which the trend's slope may change.
        holidays: a holiday's name and how many periods after it the column stands for, negative before it.
    """

    background: Background
    frequency: Frequency
    knots: tuple[float, ...]
    holidays: tuple[tuple[str, int], ...]

    @property
    def components(self) -> tuple[str, ...]:
        """The component that each column belongs to."""
        chosen = self.background
        trend = (TREND,) * (chosen.trend + len(self.knots))
        waves = (SEASON,) * (2 * chosen.seasonality) + (WEEKDAY,) * (2 * chosen.weekly_pairs)
        return trend + waves + (HOLIDAYS,) * len(self.holidays)

    @property
    def names(self) -> tuple[str, ...]:
        """A name of its own for every column."""
        chosen = self.background
        trend = [TREND] * chosen.trend + [f"{TREND}_after_knot_{number}" for number in range(1, len(self.knots) + 1)]
        waves = [*_wave_names(SEASON, chosen.seasonality), *_wave_names(WEEKDAY, chosen.weekly_pairs)]
        return (*trend, *waves, *(f"{name} {after:+d}" if after else name for name, after in self.holidays))

    def matrix(self, periods: pd.Series) -> np.ndarray:
        """(weeks, columns) in the columns' own units: years, waves, days."""
        chosen, years = self.background, _years(periods)
        bends = np.maximum(0.0, years[:, None] - np.array([self.knots]))
        return np.column_stack(
            [
                *([years] if chosen.trend else []),
                bends,
                _waves(years, chosen.seasonality),
                _waves(years * DAYS_PER_YEAR / 7, chosen.weekly_pairs),
                _holiday_counts(chosen.holidays, self.holidays, periods, self.frequency),
            ]
        )


def learn_date_columns(
    background: Background, periods: pd.Series, observed: np.ndarray, *, frequency: Frequency
) -> DateColumns:
    """Place the knots, and find which holidays fall within the observed weeks.

    Args:
        background: the options.
        periods: (weeks,) dates.
        observed: (weeks,) bool.
        frequency: of the periods.

    Raises:
        SettingsError: a country, subdivision or name of a holiday is unknown, or there are weekly pairs for longer periods.
    """
    if background.weekly_pairs and frequency != "day":
        raise SettingsError(
            f"weekly_pairs is {background.weekly_pairs}, but the periods are {frequency}s, which have no day of the week; "
            "leave it at 0"
        )
    seen = periods[observed]
    years = _years(seen)
    knots = np.linspace(years.min(), years.max(), background.trend_knots + 2)[1:-1]
    return DateColumns(background, frequency, tuple(knots.tolist()), _holidays_within(background.holidays, seen, frequency))


def _holidays_within(declared: Holidays | None, periods: pd.Series, frequency: Frequency) -> tuple[tuple[str, int], ...]:
    """Names and distances of the holidays that some of the periods hold and others do not."""
    if declared is None:
        return ()
    around = range(-declared.before, declared.after + 1)
    columns = tuple((name, after) for name in _dates_around(declared, periods) for after in around)
    moves = np.ptp(_holiday_counts(declared, columns, periods, frequency), axis=0) > 0
    return tuple(column for column, moving in zip(columns, moves, strict=True) if moving)


def _holiday_counts(
    declared: Holidays | None, columns: tuple[tuple[str, int], ...], periods: pd.Series, frequency: Frequency
) -> np.ndarray:
    """(weeks, holiday columns) days."""
    counts = np.zeros((len(periods), len(columns)))
    if declared is None or not columns:
        return counts
    days, dates = _dates_around(declared, periods), periods.to_numpy()
    for place, (name, after) in enumerate(columns):
        counts[:, place] = days_within(days.get(name, []), dates, frequency, back=after)
    return counts


def _dates_around(declared: Holidays, periods: pd.Series) -> dict[str, list[date]]:
    """Dates by name; a year more at each end, for a week or the periods around a holiday may reach over New Year."""
    return holiday_dates(declared, periods.min().year - 1, periods.max().year + 1)


def _waves(turns: np.ndarray, pairs: int) -> np.ndarray:
    """(weeks, 2 * pairs): sin and cos of the first wave, then of the second, and so on; `turns` counts whole cycles."""
    angles = 2 * np.pi * turns[:, None] * np.arange(1, pairs + 1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(turns), 2 * pairs)


def _wave_names(component: str, pairs: int) -> list[str]:
    return [f"{component}_{wave}_{pair}" for pair in range(1, pairs + 1) for wave in ("sin", "cos")]


def _years(periods: pd.Series) -> np.ndarray:
    return (pd.to_datetime(periods) - EPOCH).dt.days.to_numpy(dtype=float) / DAYS_PER_YEAR
