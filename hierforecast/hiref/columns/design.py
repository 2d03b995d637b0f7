"""From a panel to the regression's columns: season, trend, and every driver as x - ref after its transform.

Rules
- A driver is transformed (adstock, then saturation, or log) and its reference likewise; the column is the difference.
- Under a log, a value or reference <= 0 cannot be a price: that cell counts as at its reference and adds nothing.
  Reference 0, the default, has no log either; a log driver then takes the training mean as its reference.
- A period in which a series has no row counts as one without exposure, for adstock.
- A driver that is not known ahead is, in periods after training, replaced by what its series' season leads to expect;
  values given for those periods are not read, so a backtest cannot profit from them.
- Season needs a year: a shorter training history gets no season columns, since waves fitted to a part of the year say
  anything about the rest of it.
- Columns are bounded at the training range widened by half of its width on either side, so that an impossible price
  cannot make an impossible forecast.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.hiref.columns.rows import Rows, read_numbers, refuse_unusable
from hierforecast.hiref.regression.effects import Columns
from hierforecast.options import Training
from hierforecast.schema import Driver, SalesPanel
from hierforecast.transforms import adstock, saturation
from hierforecast.transforms.seasonality import DAYS_PER_YEAR, fourier

BEYOND = 0.5  # of the training range's width
MEAN = "mean"
_PERIODS_PER_YEAR = {"day": 365, "week": 52, "month": 12}
_SIGNS = {"+": 1.0, "-": -1.0, "free": 0.0}
_GIVE_VALUES = "fill the gap (0 for no promotion, the last price for a price), or drop these rows"


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
class Design:
    """Everything needed to make the same columns again for other rows.

    Args:
        panel: the declared columns.
        training: season and trend.
        origin: the date counted as period 0, the first of training.
        end: the last training period.
        facts: per driver.
        carried: per adstocked driver, (series,) carried exposure at `end`; a reference column has a row of its own.
        expected: per driver that is not known ahead, (series, 1 + season columns) its seasonal expectation.
    """

    panel: SalesPanel
    training: Training
    origin: pd.Timestamp
    end: int
    facts: dict[str, DriverFacts] = field(default_factory=dict)
    carried: dict[str, np.ndarray] = field(default_factory=dict)
    expected: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def season_columns(self) -> int:
        """Number of season columns; they come first, then the trend, then the drivers."""
        return 2 * self.waves

    @property
    def waves(self) -> int:
        """Yearly Fourier pairs in use: those declared, or none where training is shorter than a year."""
        return self.training.seasonality if self.end + 1 >= _PERIODS_PER_YEAR[self.panel.frequency] else 0

    @property
    def first_driver(self) -> int:
        """Place of the first driver's column."""
        return self.season_columns + int(self.training.trend)

    @property
    def columns(self) -> Columns:
        """Names, signs and levels of the columns."""
        levels, drivers = tuple(self.panel.levels), self.panel.drivers
        waves = [f"season_{wave}_{number + 1}" for number in range(self.waves) for wave in ("cos", "sin")]
        trend = ["trend"] if self.training.trend else []
        calendar = [*waves, *trend]
        season_by = levels if self.training.season_by is None else tuple(self.training.season_by)
        return Columns(
            names=(*calendar, *(driver.name for driver in drivers)),
            signs=np.array([0.0] * len(calendar) + [_SIGNS[driver.sign] for driver in drivers]),
            by=(
                *[season_by] * len(waves),
                *[levels] * len(trend),
                *(levels if driver.by is None else tuple(driver.by) for driver in drivers),
            ),
        )

    def matrix(self, panel: pd.DataFrame, rows: Rows, series: np.ndarray, *, assumed: Collection[str] = ()) -> np.ndarray:
        """The columns of rows of any period, (rows, columns), in the rows' sorted order.

        Args:
            panel: the panel that `rows` were read from.
            rows: its rows.
            series: (series of rows,) the training series each one is; negative where new.
            assumed: drivers whose values are to be read after training too, although they are not known ahead.

        Raises:
            PanelError: a driver's column is missing, not numeric, empty or infinite where it is needed.
        """
        X = self._calendar(rows)
        for place, driver in enumerate(self.panel.drivers, start=self.first_driver):
            facts = self.facts[driver.name]
            unknown = rows.period > self.end
            if driver.known_ahead or driver.name in assumed:
                unknown = np.zeros(len(unknown), dtype=bool)
            column = self._driver_column(panel, rows, series, driver, unknown)
            if unknown.any():
                column[unknown] = self._expectation(driver.name, X, rows, series)[unknown]
            margin = BEYOND * (facts.high - facts.low)
            X[:, place] = np.clip(column, facts.low - margin, facts.high + margin)
        return X

    def outside(self, X: np.ndarray) -> np.ndarray:
        """Which drivers lie outside of what training saw, (rows, drivers) booleans, from (rows, columns)."""
        low = np.array([self.facts[driver.name].low for driver in self.panel.drivers])
        high = np.array([self.facts[driver.name].high for driver in self.panel.drivers])
        slack = 1e-9 * np.maximum(high - low, 1.0)
        found = X[:, self.first_driver :]
        return (found < low - slack) | (found > high + slack)

    def _calendar(self, rows: Rows) -> np.ndarray:
        X = np.zeros((len(rows.order), len(self.columns.names)), order="F")
        dates, place = np.unique(rows.dates, return_inverse=True)
        X[:, : self.season_columns] = fourier(dates, self.waves)[place]
        if self.training.trend:
            days = (dates.astype("datetime64[D]") - np.datetime64(self.origin, "D")).astype(float)
            X[:, self.season_columns] = (days / DAYS_PER_YEAR)[place]  # years
        return X

    def _driver_column(
        self, panel: pd.DataFrame, rows: Rows, series: np.ndarray, driver: Driver, unknown: np.ndarray
    ) -> np.ndarray:
        if unknown.all() and driver.name not in panel.columns:
            return np.zeros(len(unknown))
        facts = self.facts[driver.name]
        values = _read_driver(panel, rows, driver, unknown)
        shaped = self._shape(driver, driver.name, values, facts, rows, series)
        if facts.reference is not None:
            # A constant is its own adstock, so only the saturation or the log remains to be done.
            return _difference(driver, shaped, _saturate(driver, np.asarray(facts.reference), facts))
        declared = read_numbers(panel, str(driver.reference), rows)
        refuse_unusable(np.where(unknown, 0.0, declared), f"column {driver.reference!r}", rows, _GIVE_VALUES)
        declared = np.where(unknown, 1.0, declared)
        return _difference(driver, shaped, self._shape(driver, _reference_key(driver), declared, facts, rows, series))

    def _shape(
        self, driver: Driver, key: str, values: np.ndarray, facts: DriverFacts, rows: Rows, series: np.ndarray
    ) -> np.ndarray:
        if driver.adstock:
            state = np.append(self.carried[key], 0.0)[series] if key in self.carried else None
            values = carry_over(values, driver.adstock.decay, rows, self.end, state)
        return _saturate(driver, values, facts)

    def _expectation(self, name: str, X: np.ndarray, rows: Rows, series: np.ndarray) -> np.ndarray:
        table = self.expected[name]
        usual = np.vstack([table, table.mean(axis=0)])[series][rows.series]  # a new series: the last row, the average
        return usual[:, 0] + (usual[:, 1:] * X[:, : self.season_columns]).sum(axis=1)


def fit_design(panel: pd.DataFrame, rows: Rows, settings: SalesPanel, training: Training) -> tuple[Design, np.ndarray]:
    """Learn references, saturation points, ranges and carried exposures; also gives the training rows' columns.

    Args:
        panel: training rows; series are numbered as in `rows`.
        rows: read from `panel`.
        settings: the declared columns.
        training: season and trend.

    Returns:
        The design, and (rows, columns) in sorted order.
    """
    series = np.arange(len(rows.keys))
    first = pd.Timestamp(rows.dates[np.argmin(rows.period)])
    facts: dict[str, DriverFacts] = {}
    design = Design(settings, training, first, rows.last, facts)
    X = design._calendar(rows)
    known = np.zeros(len(rows.order), dtype=bool)
    for place, driver in enumerate(settings.drivers, start=design.first_driver):
        values = _read_driver(panel, rows, driver, known)
        facts[driver.name] = DriverFacts(_reference(driver, values), _half(driver, values, rows), 0.0, 0.0)
        column = design._driver_column(panel, rows, series, driver, known)
        facts[driver.name] = facts[driver.name]._replace(low=float(column.min()), high=float(column.max()))
        X[:, place] = column
        if driver.adstock:
            design.carried[driver.name] = _end_state(driver, values, rows)
            if facts[driver.name].reference is None:
                declared = read_numbers(panel, str(driver.reference), rows)
                design.carried[_reference_key(driver)] = _end_state(driver, declared, rows)
        if not driver.known_ahead:
            design.expected[driver.name] = _seasonal_expectation(X[:, : design.season_columns], column, rows)
    return design, X


def carry_over(values: np.ndarray, decay: float, rows: Rows, end: int, state: np.ndarray | None) -> np.ndarray:
    """Geometric adstock of (rows,) within each series, going on from the end of training.

    Args:
        values: (rows,) exposure.
        decay: share carried per period.
        rows: where the values lie in time; periods without a row have no exposure.
        end: the last training period.
        state: (series of rows,) carried exposure at `end`, or None in training. Rows up to `end` start from nothing,
            as in training; rows after it start from this, whatever part of the past is in the panel.
    """
    table = rows.dense(values)  # (periods, series)
    past = int(np.clip(end + 1 - rows.first, 0, len(table)))
    if state is None or past == len(table):
        return rows.gather(adstock.geometric(table, decay))
    missed = max(rows.first - 1 - end, 0)
    before = adstock.geometric(table[:past], decay)
    after = adstock.geometric(table[past:], decay, initial=state * decay**missed)
    return rows.gather(np.concatenate([before, after]))


def _read_driver(panel: pd.DataFrame, rows: Rows, driver: Driver, unknown: np.ndarray) -> np.ndarray:
    values = read_numbers(panel, driver.name, rows)
    refuse_unusable(np.where(unknown, 0.0, values), f"driver {driver.name!r}", rows, _GIVE_VALUES)
    return np.where(unknown, 0.0, values)


def _reference(driver: Driver, values: np.ndarray) -> float | None:
    if isinstance(driver.reference, str) and driver.reference != MEAN:
        return None
    usable = values[values > 0] if driver.transform == "log" else values
    mean = float(usable.mean()) if len(usable) else 1.0
    no_log = driver.transform == "log" and driver.reference != MEAN and float(driver.reference) <= 0
    return mean if driver.reference == MEAN or no_log else float(driver.reference)


def _half(driver: Driver, values: np.ndarray, rows: Rows) -> float:
    if not driver.saturation:
        return 0.0
    if driver.saturation.half is not None:
        return driver.saturation.half
    if driver.adstock:
        values = carry_over(values, driver.adstock.decay, rows, rows.last, None)
    positive = values[values > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def _saturate(driver: Driver, values: np.ndarray, facts: DriverFacts) -> np.ndarray:
    if not driver.saturation:
        return values
    if driver.saturation.kind == "hill":
        return saturation.hill(values, facts.half, driver.saturation.slope)
    return saturation.logarithmic(values, facts.half)


def _difference(driver: Driver, values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    if driver.transform != "log":
        return values - reference
    usable = (values > 0) & (reference > 0)
    return np.log(np.where(usable, values, 1.0)) - np.log(np.where(usable, reference, 1.0))


def _end_state(driver: Driver, values: np.ndarray, rows: Rows) -> np.ndarray:
    return adstock.geometric(rows.dense(values), driver.adstock.decay)[-1]


def _seasonal_expectation(season: np.ndarray, column: np.ndarray, rows: Rows) -> np.ndarray:
    """Per series, least squares of a column on its season: (series, 1 + season columns), shrunk as by one row."""
    count, width = len(rows.keys), season.shape[1] + 1
    sides = np.column_stack([np.ones(len(column)), season])
    gram, right = np.empty((count, width, width)), np.empty((count, width))
    for i in range(width):
        right[:, i] = np.bincount(rows.series, sides[:, i] * column, count)
        for j in range(width):
            gram[:, i, j] = np.bincount(rows.series, sides[:, i] * sides[:, j], count)
    shrink = np.diag([1e-6] + [1.0] * (width - 1))
    return np.linalg.solve(gram + shrink, right[..., None])[..., 0]


def _reference_key(driver: Driver) -> str:
    return f"{driver.name}|{driver.reference}"
