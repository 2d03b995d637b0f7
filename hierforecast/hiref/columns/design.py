"""From a panel to the regression's columns: season, holidays, trend, drivers as x - ref with their lags, target lags.

Rules beside those of `calendar`, `drivers` and `target`
- Reference 0, the default, has no log; a log driver then takes the training mean as its reference.
- Rows after training go on from what training carries to its end, whatever part of the past is in the panel. Rows of
  training's own periods start from nothing, as training did, and see what the panel holds before them.
- A driver that is not known ahead is known at the end of training up to `availability_lag` periods before it; for any
  later period, its series' season says what to expect. Values given for such periods are not read, so a backtest
  cannot profit from them. Training itself uses the true values of all its periods, where they are given.
- Columns are bounded at the training range widened by half of its width on either side, so that an impossible price
  cannot make an impossible forecast.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from hierforecast.driver import Driver
from hierforecast.errors import SettingsError
from hierforecast.hiref.columns.calendar import Calendar, make_calendar
from hierforecast.hiref.columns.carry import BEFORE_ALL, TARGET_TAIL, Carry, empty_of, through_after
from hierforecast.hiref.columns.drivers import (
    Advance,
    decays,
    driver_column,
    empty_memory,
    known_until,
    lag_columns,
    lag_key,
    look_back,
)
from hierforecast.hiref.columns.expectation import expect, no_sums, sum_season
from hierforecast.hiref.columns.layout import Layout, lay_out
from hierforecast.hiref.columns.rows import Rows, period_number
from hierforecast.hiref.columns.survey import DriverFacts, Survey, facts_from, survey_panel
from hierforecast.hiref.columns.target import BEYOND, TargetPast
from hierforecast.hiref.regression.effects import Columns
from hierforecast.options import Training
from hierforecast.schema import SalesPanel


@dataclass(frozen=True)
class Design:
    """Everything needed to make the same columns again for other rows.

    Args:
        panel: the declared columns.
        training: season and trend.
        origin: the date counted as period 0, the first of training.
        end: the last training period.
        holidays: names of the holiday columns; those that occur in training.
        facts: per driver.
        carry: what the training series take along; after `finished` at `end`, before it empty.
        expected: per driver that is not known ahead, (series, 1 + season columns) its seasonal expectation.
        past: of the target, where it has lags.
    """

    panel: SalesPanel
    training: Training
    origin: pd.Timestamp
    end: int
    holidays: tuple[str, ...] = ()
    facts: dict[str, DriverFacts] = field(default_factory=dict)
    carry: Carry = field(default_factory=lambda: Carry(np.empty(0, dtype=np.int64)))
    expected: dict[str, np.ndarray] = field(default_factory=dict)
    past: TargetPast | None = None

    @cached_property
    def calendar(self) -> Calendar:
        """Season, holidays and trend."""
        return make_calendar(self.panel, self.training, self.origin, self.end, self.holidays)

    @cached_property
    def layout(self) -> Layout:
        """Which column stands where."""
        return lay_out(self.calendar, self.panel, self.training)

    @property
    def columns(self) -> Columns:
        """Names, signs and levels of the columns."""
        return self.layout.columns

    @property
    def season(self) -> slice:
        """Places of the season's columns, the first ones."""
        return self.layout.season

    @property
    def month(self) -> slice:
        """Places of the waves within the month."""
        return self.layout.month

    @property
    def holiday(self) -> slice:
        """Places of the holidays' columns."""
        return self.layout.holiday

    @property
    def trend(self) -> slice:
        """Places of the trend's columns."""
        return self.layout.trend

    @property
    def first_driver(self) -> int:
        """Place of the first driver's first column."""
        return self.trend.stop

    @property
    def drivers(self) -> dict[str, slice]:
        """Per driver, the places of its columns: one per lag, in declared order."""
        return self.layout.drivers

    @property
    def target_lags(self) -> slice:
        """Places of the target's lags, the last ones."""
        return self.layout.target_lags

    def new_carry(self, count: int) -> Carry:
        """The memory of `count` series before their first row."""
        states, depths = empty_memory(self.panel)
        if self.panel.target_lags:
            depths[TARGET_TAIL] = max(self.panel.target_lags)
        unknown = [driver.name for driver in self.panel.drivers if not driver.known_ahead]
        return Carry(
            through=np.full(count, BEFORE_ALL, dtype=np.int64),
            states={name: np.zeros(count) for name in states},
            tails={name: np.full((depth, count), empty_of(name)) for name, depth in depths.items()},
            season=no_sums(count, self.season.stop, unknown) if unknown else None,
        )

    def training_columns(
        self, panel: pd.DataFrame, rows: Rows, series: np.ndarray, carry: Carry | None, *, value: np.ndarray | None = None
    ) -> tuple[np.ndarray, Carry]:
        """The columns of one batch of training rows, (rows, columns) in sorted order, and what the series carry on.

        Args:
            panel: a batch; the batches of a series come in the order of time.
            rows: read from it, with this design's origin.
            series: (series of rows,) the training series each one is, none negative.
            carry: what earlier batches left; None at the start, for as many series as `series` names.
            value: (rows,) target on the link scale; wanted where the target has lags.

        Raises:
            PanelError: a driver's column is missing, not numeric, empty or infinite; a row is earlier than one of an
                earlier batch of its series.
        """
        if carry is None:
            carry = self.new_carry(int(series.max()) + 1)
        X = np.zeros((len(rows.order), len(self.columns.names)), order="F")
        self.calendar.fill(X, rows)
        before = carry.take(series)
        before.refuse_earlier(rows)
        going = Advance(before, through_after(rows, before.through), {}, {})
        ranges, unknown = {}, {}
        for driver in self.panel.drivers:
            column = driver_column(panel, rows, driver, self.facts[driver.name], going, self.end)
            X[:, self.drivers[driver.name]] = lag_columns(column, rows, driver, going)
            ranges[driver.name] = (float(column.min()), float(column.max()))
            if not driver.known_ahead:
                unknown[driver.name] = column
        if self.past:
            lagged = look_back(value, rows, tuple(self.panel.target_lags), TARGET_TAIL, going, empty=np.nan)
            X[:, self.target_lags] = np.nan_to_num(lagged - self.past.means[series][rows.series][:, None])
            ranges[TARGET_TAIL] = (float(X[:, self.target_lags].min()), float(X[:, self.target_lags].max()))
        sums = sum_season(X[:, self.season], unknown, rows.series, len(series)) if unknown else None
        return X, carry.put(series, Carry(going.through, going.states, going.tails, ranges, sums))

    def finished(self, carry: Carry, *, path: np.ndarray | None = None) -> "Design":
        """The design after the last batch: ranges, expectations, and what the series carry past the end of training.

        Args:
            carry: left by the last batch.
            path: (periods, series) target on the link scale of the last periods of training, NaN where there is no row,
                so that fitted values of as many periods can be told; None keeps as many as lags need.
        """
        facts = {
            name: facts._replace(low=carry.ranges[name][0], high=carry.ranges[name][1]) for name, facts in self.facts.items()
        }
        carry = carry.advance(self.end, decays(self.panel))
        past = self.past
        if past:
            low, high = carry.ranges[TARGET_TAIL]
            past = TargetPast(past.means, carry.tails[TARGET_TAIL] if path is None else path, low, high)
        expected = carry.season.expectations() if carry.season else {}
        return replace(self, facts=facts, carry=carry, expected=expected, past=past)

    def matrix(self, panel: pd.DataFrame, rows: Rows, series: np.ndarray, *, assumed: Collection[str] = ()) -> np.ndarray:
        """The columns of rows of any period, (rows, columns), in the rows' sorted order; target lags are left at 0.

        Args:
            panel: the panel that `rows` were read from.
            rows: its rows.
            series: (series of rows,) the training series each one is; negative where new.
            assumed: drivers whose values are to be read after training too, although they are not known ahead.

        Raises:
            PanelError: a driver's column is missing, not numeric, empty or infinite where it is needed.
        """
        X = np.zeros((len(rows.order), len(self.columns.names)), order="F")
        self.calendar.fill(X, rows)
        nothing = self.new_carry(len(series))
        parts = ((rows.period <= self.end, nothing), (rows.period > self.end, self.carry.take(series)))
        for after, (chosen, before) in enumerate(parts):
            if chosen.any():
                part = rows if chosen.all() else rows.only(chosen)
                going = Advance(before, through_after(part, before.through), {}, {})
                for driver in self.panel.drivers:
                    guessed = after and not driver.known_ahead and driver.name not in assumed
                    found = self._expected(driver, part, series, before) if guessed else self._read(panel, part, driver, going)
                    X[chosen, self.drivers[driver.name]] = found
        return X

    def outside(self, X: np.ndarray) -> np.ndarray:
        """Which drivers lie outside of what training saw, (rows, drivers) booleans, from (rows, columns)."""
        flags = []
        for name, places in self.drivers.items():
            low, high = self.facts[name].low, self.facts[name].high
            slack = 1e-9 * max(high - low, 1.0)
            flags.append(((X[:, places] < low - slack) | (X[:, places] > high + slack)).any(axis=1))
        return np.column_stack(flags) if flags else np.zeros((len(X), 0), dtype=bool)

    def _read(self, panel: pd.DataFrame, rows: Rows, driver: Driver, going: Advance) -> np.ndarray:
        column = driver_column(panel, rows, driver, self.facts[driver.name], going, self.end)
        return lag_columns(self._bounded(driver, column), rows, driver, going)

    def _expected(self, driver: Driver, rows: Rows, series: np.ndarray, before: Carry) -> np.ndarray:
        """(rows, lags) of a driver after training that nobody knows ahead: what is known of it, else the expectation."""
        found = np.empty((len(rows.order), len(driver.lags)))
        for place, lag in enumerate(driver.lags):
            season = self.calendar.season_of(rows.dates, back=lag)
            found[:, place] = expect(self.expected[driver.name], season, series[rows.series])
            known = np.flatnonzero(rows.period - lag <= known_until(driver, self.end))
            if len(known) and lag:
                tail = before.tails[lag_key(driver)]  # its last row is the period `end`
                back = rows.period[known] - lag - self.end - 1
                found[known, place] = tail[back, rows.series[known]]
        return self._bounded(driver, found)

    def _bounded(self, driver: Driver, column: np.ndarray) -> np.ndarray:
        facts = self.facts[driver.name]
        margin = BEYOND * (facts.high - facts.low)
        return np.clip(column, facts.low - margin, facts.high + margin)


def start_design(survey: Survey, settings: SalesPanel, training: Training, *, means: np.ndarray | None = None) -> Design:
    """A design that is ready for `training_columns`, from what the rows say together.

    Args:
        survey: of all training rows.
        settings: the declared columns.
        training: season and trend.
        means: (series,) mean of the target on the link scale, see `TargetSums.means`; wanted where the target has lags.

    Raises:
        SettingsError: a holiday is unknown, or named like a driver.
    """
    end = int(period_number(np.array([survey.last], dtype="datetime64[ns]"), settings.frequency, survey.first)[0])
    past = TargetPast(means, np.empty((0, len(means))), 0.0, 0.0) if settings.target_lags else None
    calendar = make_calendar(settings, training, survey.first, end)
    design = Design(settings, training, survey.first, end, calendar.holidays, facts_from(survey, settings), past=past)
    names = design.columns.names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SettingsError(f"two columns of the model would be named {twice!r}; rename the driver or the holiday")
    return design


def fit_design(
    panel: pd.DataFrame, rows: Rows, settings: SalesPanel, training: Training, *, value: np.ndarray | None = None
) -> tuple[Design, np.ndarray]:
    """Learn references, saturation points, ranges and carried exposures; also gives the training rows' columns.

    Args:
        panel: training rows; series are numbered as in `rows`.
        rows: read from `panel`.
        settings: the declared columns.
        training: season and trend.
        value: (rows,) target on the link scale; wanted where the target has lags.

    Returns:
        The design, and (rows, columns) in sorted order.
    """
    means = path = None
    if settings.target_lags:
        path = rows.dense(value, empty=np.nan)
        means = np.bincount(rows.series, value) / np.bincount(rows.series)
    design = start_design(survey_panel(panel, rows, settings), settings, training, means=means)
    X, carry = design.training_columns(panel, rows, np.arange(len(rows.keys)), None, value=value)
    return design.finished(carry, path=path), X
