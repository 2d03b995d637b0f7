"""What moves the target besides media: what the date says, and the company's own controls, as scaled columns.

    column   (x - reference) / sd
    reference   the mean of the observed weeks; 0 for a holiday, and for a flag of 0 and 1

A control contributes nothing at its reference. Reference and sd come from the observed weeks alone, so held-out weeks
leave no trace in the design.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError
from hierforecast.precision.background import Background, DateColumns, learn_date_columns
from hierforecast.results import HOLIDAYS, SEASON, TREND, WEEKDAY
from hierforecast.schema import Frequency


class Design(NamedTuple):
    """The columns of the control matrix and how to make them for any weeks.

    Args:
        date: the columns that the date gives; they come first.
        names: the company's own controls, in order.
        centre: (controls,) in each column's own unit.
        scale: (controls,) in each column's own unit, > 0.
    """

    date: DateColumns
    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray

    @property
    def columns(self) -> tuple[str, ...]:
        """(controls,) the component that each column belongs to: trend, season, weekday, holidays or a control's name."""
        return self.date.components + self.names

    @property
    def components(self) -> tuple[str, ...]:
        """The components in order, each once: those of the date, as they are present, then the controls."""
        return tuple(dict.fromkeys(self.columns))

    @property
    def column_names(self) -> tuple[str, ...]:
        """(controls,) a name of its own for every column: knots and pairs are counted, holidays have theirs."""
        return self.date.names + self.names

    def matrix(self, periods: pd.Series, controls: np.ndarray) -> np.ndarray:
        """(weeks, columns) scaled columns for weeks with the given (weeks, controls) values."""
        return (np.column_stack([self.date.matrix(periods), controls]) - self.centre) / self.scale


def learn_design(
    periods: pd.Series,
    controls: np.ndarray,
    names: Sequence[str],
    observed: np.ndarray,
    *,
    background: Background | None = None,
    frequency: Frequency = "week",
    seasonality: int | None = None,
    trend: bool | None = None,
) -> Design:
    """Learn the columns of the date, and centre and scale of every column, from the observed weeks.

    Args:
        periods: (weeks,) dates.
        controls: (weeks, controls) values in their own units.
        names: (controls,) names.
        observed: (weeks,) bool.
        background: what the date says; a season of two pairs and a trend if not given.
        frequency: "day", "week" or "month".
        seasonality: yearly Fourier pairs, where no background is given.
        trend: whether there is a trend, where no background is given.

    Raises:
        SettingsError: a control is named like a built-in component or a holiday, a holiday is unknown, or an option does
            not fit the frequency.
    """
    if background is None:
        given = {"seasonality": seasonality, "trend": trend}
        background = Background(**{option: value for option, value in given.items() if value is not None})
    date = learn_date_columns(background, periods, observed, frequency=frequency)
    _check_names(names, date)
    raw = np.column_stack([date.matrix(periods), controls])[observed]
    is_flag = np.isin(raw, (0.0, 1.0)).all(axis=0)
    is_flag[: len(date.components)] |= np.array(date.components) == HOLIDAYS
    # A column that never moved says nothing: it keeps its unit, and its coefficient keeps its prior.
    spread = raw.std(axis=0)
    moved = spread > 1e-12 * np.maximum(np.abs(raw).max(axis=0), 1.0)
    return Design(
        date, tuple(names), centre=np.where(is_flag & moved, 0.0, raw.mean(axis=0)), scale=np.where(moved, spread, 1.0)
    )


def _check_names(names: Sequence[str], date: DateColumns) -> None:
    for name in names:
        if name in (TREND, SEASON, WEEKDAY, HOLIDAYS):
            raise SettingsError(f"the control {name!r} has the name of a built-in component; rename the column")
    columns = [*date.names, *names]
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"two columns of the controls would be named {twice!r}; rename the control or the holiday")
