"""What must be known of all rows before the first column is made: sums that merge over batches, files and machines.

References by mean, half saturations and the target's mean per series follow from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.driver import Driver
from hierforecast.hiref.columns.rows import Rows, read_numbers
from hierforecast.hiref.link import DUST, Link
from hierforecast.schema import SalesPanel

MEAN = "mean"


class DriverFacts(NamedTuple):
    """What training learned about a driver before the regression.

    Args:
        reference: in the driver's unit; None where a column of the panel holds it.
        half: half saturation, in the driver's unit; 0 where there is no saturation.
        low: smallest value of the column in training, after transform and reference.
        high: largest.
    """

    reference: float | None
    half: float
    low: float
    high: float


@dataclass(frozen=True)
class ColumnSums:
    """Sums over a column, in its unit.

    Args:
        count: rows.
        total: their sum.
        positive: rows above 0.
        positive_total: their sum.
    """

    count: int
    total: float
    positive: int
    positive_total: float

    def __add__(self, other: "ColumnSums") -> "ColumnSums":
        return ColumnSums(
            self.count + other.count,
            self.total + other.total,
            self.positive + other.positive,
            self.positive_total + other.positive_total,
        )


@dataclass(frozen=True)
class TargetSums:
    """Sums of the target per series.

    Args:
        rows: (series,) rows.
        positive: (series,) rows above `link.DUST`.
        total: (series,) units.
        log_total: (series,) sum of logs over rows above 0.
    """

    rows: np.ndarray
    positive: np.ndarray
    total: np.ndarray
    log_total: np.ndarray

    def __add__(self, other: "TargetSums") -> "TargetSums":
        return TargetSums(
            self.rows + other.rows,
            self.positive + other.positive,
            self.total + other.total,
            self.log_total + other.log_total,
        )

    def renumber(self, places: np.ndarray, count: int) -> "TargetSums":
        """The same with series s now called ``places[s]`` among `count`; the others have no rows."""

        def placed(sums: np.ndarray) -> np.ndarray:
            return np.bincount(places, sums, count)

        return TargetSums(*(placed(sums) for sums in (self.rows, self.positive, self.total, self.log_total)))

    def means(self, link: Link) -> np.ndarray:
        """(series,) mean of the target on the link scale, zeros at their stand-in; NaN where there is no row."""
        zeros = self.rows - self.positive
        sums = self.log_total + zeros * np.log(link.floor) if link.name == "log" else self.total
        return np.divide(sums, self.rows, out=np.full(len(sums), np.nan), where=self.rows > 0)


@dataclass(frozen=True)
class Survey:
    """What the rows of a panel, or of a part of one, say together.

    Args:
        first: the earliest date.
        last: the latest.
        columns: of the columns named by `columns_to_survey`.
        target: of the target; None where nobody asked.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    columns: dict[str, ColumnSums]
    target: TargetSums | None = None

    def __add__(self, other: "Survey") -> "Survey":
        return Survey(
            min(self.first, other.first),
            max(self.last, other.last),
            {name: sums + other.columns[name] for name, sums in self.columns.items()},
            self.target + other.target if self.target and other.target else None,
        )

    def renumber(self, places: np.ndarray, count: int) -> "Survey":
        """The same with series s now called ``places[s]`` among `count`, so that surveys of other series can be added."""
        return replace(self, target=self.target and self.target.renumber(places, count))


def columns_to_survey(settings: SalesPanel) -> list[str]:
    """The drivers whose facts depend on their rows; where there are none, a survey needs keys and dates alone."""
    return [driver.name for driver in settings.drivers if _wants_mean(driver) or _wants_half(driver)]


def sum_column(values: np.ndarray) -> ColumnSums:
    """The sums of (rows,) values; those that are not finite do not count, and are refused when columns are made."""
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    return ColumnSums(len(values), float(values.sum()), len(positive), float(positive.sum()))


def sum_target(units: np.ndarray, series: np.ndarray, count: int) -> TargetSums:
    """The sums of (rows,) targets in units, per which of `count` series."""
    positive = units > DUST
    logs = np.log(units, out=np.zeros(len(units)), where=positive)
    return TargetSums(
        np.bincount(series, minlength=count).astype(float),
        np.bincount(series, positive, count),
        np.bincount(series, units, count),
        np.bincount(series, logs, count),
    )


def survey_columns(dates: np.ndarray, columns: Mapping[str, np.ndarray], target: TargetSums | None = None) -> Survey:
    """A survey from arrays, e.g. of a record batch.

    Args:
        dates: (rows,) datetime64, at least one.
        columns: (rows,) values of `columns_to_survey`.
        target: as `sum_target` gives it, where target lags want it.
    """
    sums = {name: sum_column(values) for name, values in columns.items()}
    return Survey(pd.Timestamp(dates.min()), pd.Timestamp(dates.max()), sums, target)


def survey_panel(panel: pd.DataFrame, rows: Rows, settings: SalesPanel, target: TargetSums | None = None) -> Survey:
    """The survey of a panel at hand."""
    return survey_columns(rows.dates, {name: read_numbers(panel, name, rows) for name in columns_to_survey(settings)}, target)


def facts_from(survey: Survey, settings: SalesPanel) -> dict[str, DriverFacts]:
    """References and half saturations; ranges are found while columns are made, and are 0 until then."""
    return {
        driver.name: DriverFacts(_reference(driver, survey), _half(driver, survey), 0.0, 0.0) for driver in settings.drivers
    }


def has_reference_column(driver: Driver) -> bool:
    """Whether a column of the panel holds the driver's reference."""
    return isinstance(driver.reference, str) and driver.reference != MEAN


def _wants_mean(driver: Driver) -> bool:
    if has_reference_column(driver):
        return False
    return driver.reference == MEAN or (driver.transform == "log" and float(driver.reference) <= 0)


def _wants_half(driver: Driver) -> bool:
    return bool(driver.saturation) and driver.saturation.kind != "power" and driver.saturation.half is None


def _reference(driver: Driver, survey: Survey) -> float | None:
    if has_reference_column(driver):
        return None
    if not _wants_mean(driver):
        return float(driver.reference)
    sums = survey.columns[driver.name]
    if driver.transform == "log":
        return sums.positive_total / sums.positive if sums.positive else 1.0
    return sums.total / max(sums.count, 1)


def _half(driver: Driver, survey: Survey) -> float:
    if not driver.saturation or driver.saturation.kind == "power":
        return 0.0
    if driver.saturation.half is not None:
        return driver.saturation.half
    sums = survey.columns[driver.name]
    return sums.positive_total / sums.positive if sums.positive else 1.0
