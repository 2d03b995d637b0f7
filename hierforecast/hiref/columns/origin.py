"""What the regression would have said from an earlier origin, about rows whose columns hold the truth of later on.

Training columns know everything. Held-out rows must not: drivers that are not known ahead become what was known of
them, else their seasonal expectation, and the target's lags become the forecasts themselves.
"""

import numpy as np

from hierforecast.hiref.columns.design import Design
from hierforecast.hiref.columns.drivers import known_until
from hierforecast.hiref.columns.expectation import expect
from hierforecast.hiref.columns.rows import Rows
from hierforecast.hiref.columns.target import roll_forward
from hierforecast.hiref.regression.effects import SeriesEffects


def columns_from(design: Design, rows: Rows, X: np.ndarray, end: int) -> np.ndarray:
    """Training columns as they could be made at the end of the period `end`; target lags after it are left as they are.

    Seasonal expectations are those of all of training: they move little, and need no second pass.

    Args:
        design: finished; `series` of `rows` are those of training.
        rows: of training.
        X: (rows, columns) of theirs; not changed.
        end: the last period that is known.
    """
    later = np.flatnonzero(rows.period > end)
    unknown = [driver for driver in design.panel.drivers if not driver.known_ahead]
    if not unknown or not len(later):
        return X
    X = X.copy(order="F")
    for driver in unknown:
        for lag, place in zip(driver.lags, range(X.shape[1])[design.drivers[driver.name]], strict=True):
            unseen = later[rows.period[later] - lag > known_until(driver, end)]
            season = design.calendar.season_of(rows.dates[unseen], back=lag)
            X[unseen, place] = expect(design.expected[driver.name], season, rows.series[unseen])
    return X


def value_from(
    design: Design, rows: Rows, X: np.ndarray, effects: SeriesEffects, end: int, *, level: np.ndarray | None = None
) -> np.ndarray:
    """The regression's value per row, (rows,) on the link scale; rows after `end` are forecast from there.

    Args:
        design: finished; `series` of `rows` are those of training.
        rows: of training.
        X: (rows, columns) of theirs.
        effects: of the training series, their own intercepts included.
        end: the last period that is known.
        level: (rows,) what is to be added to it, e.g. the recent level, on the link scale; it enters the recursion.
    """
    X = columns_from(design, rows, X, end)
    value = effects.baseline[rows.series] + (0.0 if level is None else level)
    for column in range(design.target_lags.start):
        value = value + X[:, column] * effects.total[rows.series, column]
    if design.past is None:
        return value
    known = design.past.without_last(design.end - end)
    own, lags = effects.total[:, design.target_lags], tuple(design.panel.target_lags)
    return roll_forward(known, rows, np.arange(len(effects.baseline)), value, own, lags, end).value
