"""Each forecast split into what made it: the baseline, the calendar, the recent level, every driver, the target's past.

Columns of the design that belong together, such as the lags of a driver, are one component.
"""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError, nearest
from hierforecast.hiref.answers.attribution import split, split_mixed
from hierforecast.hiref.answers.components import calendar_columns, driver_columns, target_columns
from hierforecast.hiref.answers.forecasts import keys_of, statistic_of
from hierforecast.hiref.answers.nodes import At, sum_at
from hierforecast.hiref.fit import Answer, Fit, weigh
from hierforecast.results import BASELINE, INTERACTION, LEVEL, TARGET_LAGS

Detail = Literal["driver", "whole", "lag"]


def contribution_rows(fit: Fit, panel: pd.DataFrame, *, statistic: str, detail: Detail = "driver") -> pd.DataFrame:
    """Levels, period and one column per component, in units; a row's components sum to its forecast."""
    answer = fit.answer(panel)
    parts = parts_of(fit, answer, detail)
    table = split_answer(fit, answer, parts, fit.forecast(answer, statistic))
    units = pd.DataFrame(answer.rows.unsort(table), columns=[BASELINE, *parts], index=panel.index)
    return pd.concat([keys_of(panel, fit.design.panel), units], axis=1)


def contributions(
    fit: Fit, panel: pd.DataFrame, *, level: At | None, statistic: str | None, detail: Detail = "driver"
) -> pd.DataFrame:
    """Components of every row, or summed over the rows of a node and period; see `HiReF.contributions`."""
    if detail not in get_args(Detail):
        raise SettingsError(f"detail {detail!r} is unknown; {nearest(str(detail), get_args(Detail))}")
    statistic = statistic_of(statistic, fit.design.panel, level)
    table = contribution_rows(fit, panel, statistic=statistic, detail=detail)
    return table if level is None else sum_at(table, level, fit.design.panel)


def split_answer(fit: Fit, answer: Answer, parts: dict[str, np.ndarray], forecast: np.ndarray) -> np.ndarray:
    """Units of the baseline and of each part, (rows, 1 + parts); the baseline is what the parts leave of the value."""
    stacked = np.column_stack([*parts.values()]) if parts else np.zeros((len(forecast), 0))
    if answer.grown is None:
        return split(stacked, answer.value - stacked.sum(axis=1), forecast, fit.design.panel.link)
    growing = np.array([name in (*calendar_columns(fit.design), LEVEL) for name in parts], dtype=bool)
    baseline, grown, added = split_mixed(stacked[:, growing], stacked[:, ~growing], answer.grown, forecast)
    table = np.empty_like(stacked)
    table[:, growing], table[:, ~growing] = grown, added
    return np.column_stack([baseline, table])


def parts_of(fit: Fit, answer: Answer, detail: Detail = "driver") -> dict[str, np.ndarray]:
    """Every component but the baseline by name: (rows,) on the link scale; under the mixed link, drivers in units.

    Args:
        fit: the model.
        answer: what it says about rows.
        detail: "driver" shows of each driver the effect that all series share and, as "<driver> by hierarchy", what
            differs between them; "whole" adds the two up; "lag" is as "driver", with every lag by itself.
    """
    design, X, effects, series = fit.design, answer.X, answer.effects, answer.rows.series
    parts: dict[str, np.ndarray] = {}

    def add(name: str, values: np.ndarray) -> None:
        parts[name] = parts[name] + values if name in parts else values

    for name, places in calendar_columns(design).items():
        add(name, weigh(X, effects.total, series, places))
    if fit.level is not None:
        add(LEVEL, answer.level)
    for driver in design.panel.drivers:
        for column in driver_columns(design, driver.name):
            name = design.columns.names[column] if detail == "lag" else driver.name
            if detail == "whole" or driver.by == ():
                add(name, weigh(X, effects.total, series, [column]))
                continue
            add(name, X[:, column] * effects.main[column])
            varying = effects.total[:, column] - effects.main[column]
            add(INTERACTION.format(driver=name), X[:, column] * varying[series])
    lags = target_columns(design)
    if lags:
        add(TARGET_LAGS.format(target=design.panel.target.name), weigh(X, effects.total, series, lags))
    return parts
