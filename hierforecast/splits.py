"""Splits by time only: what is held out always lies after what is trained on, for every series alike."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest


class Split(NamedTuple):
    """Rows up to a cutoff, and the rows after it."""

    train: pd.DataFrame
    holdout: pd.DataFrame


def last_periods(panel: pd.DataFrame, periods: int, *, period: str = "week") -> Split:
    """Hold out the last `periods` distinct periods of a panel.

    Raises:
        PanelError: no such period column, or no more than `periods` periods in all.
    """
    if period not in panel.columns:
        raise PanelError(f"no period column {period!r}; {nearest(period, map(str, panel.columns))}")
    known = np.sort(panel[period].unique())
    if len(known) <= periods:
        raise PanelError(f"cannot hold out {periods} periods of a panel that has {len(known)}; lower `horizon` or add history")
    after = panel[period] >= known[-periods]
    return Split(panel[~after], panel[after])


def last_weeks(panel: pd.DataFrame, weeks: int, *, period: str = "week") -> Split:
    """Hold out the last `weeks` weeks of a weekly panel; see `last_periods`."""
    return last_periods(panel, weeks, period=period)


def rolling_origins(panel: pd.DataFrame, periods: int, origins: int, *, period: str = "week") -> tuple[Split, ...]:
    """Hold out the last `periods` periods, then those before them, and so on: (origins,) splits, the latest first.

    The training rows of each lie before its holdout; nothing after an origin is in them.

    Raises:
        PanelError: no such period column, fewer than one origin, or not enough periods for so many.
    """
    if origins < 1:
        raise PanelError(f"a backtest needs at least 1 origin, got {origins}")
    folds = []
    for _ in range(origins):
        folds.append(last_periods(panel, periods, period=period))
        panel = folds[-1].train
    return tuple(folds)


def observed_and_plan(panel: pd.DataFrame, *, period: str, target: str) -> Split:
    """Part history from the plan: the rows after the last period in which any target is known.

    Raises:
        PanelError: the target is known nowhere.
    """
    known = panel.loc[panel[target].notna(), period]
    if known.empty:
        raise PanelError(f"target {target!r} is empty in every row; there is nothing to learn from")
    plan = panel[period] > known.max()
    return Split(panel[~plan], panel[plan])


def refuse_overlap(trained_to: pd.Timestamp | str, holdout: pd.Series) -> None:
    """Nothing that is scored may have been trained on: held-out periods lie after the last that a model was trained on.

    Raises:
        PanelError: a held-out period that the model knows.
    """
    last, known = pd.Timestamp(trained_to), holdout[holdout <= pd.Timestamp(trained_to)]
    if len(known):
        raise PanelError(
            f"the model was trained up to {last.date()}, and {known.nunique():,} held-out periods lie before that, from "
            f"{known.min().date()} on; what it knows tells nothing of its forecasts, so train on the periods before them"
        )
