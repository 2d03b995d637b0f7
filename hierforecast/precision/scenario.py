"""What if: the target under other media and controls, beside the base plan.

    difference_d[t] = fitted_d[t | scenario] - fitted_d[t | base]        draw by draw

The same draws and the same residuals on both sides, so a difference's interval tells what is not known about effects and
nothing about the luck of the weeks; a forecast's interval tells both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.errors import PanelError, SettingsError, nearest
from hierforecast.precision.effects import curve, reach_of
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.intervals import central_interval
from hierforecast.precision.nodes import tacticals_under
from hierforecast.precision.predictive import carry_on, predictive_draws
from hierforecast.precision.response import Coefficients, Weeks, fitted_draws

BASE = "base"


@dataclass(frozen=True)
class Scenario:
    """A named change of the base plan.

    Args:
        name: what the tables call it.
        scale: per node of any level, or "total", the factor on its exposures: one number, or one per week. Factors of
            nodes above each other multiply.
        media: (tacticals, weeks) exposures instead of the base plan's, before they are scaled; multiples of a typical
            on-air week.
        controls: per component of `Weeks.components` its scaled columns, (weeks,) or (weeks, its columns).
    """

    name: str
    scale: Mapping[str, float | np.ndarray] = field(default_factory=dict)
    media: np.ndarray | None = None
    controls: Mapping[str, np.ndarray] = field(default_factory=dict)


class Comparison(NamedTuple):
    """Base plan first, then the scenarios in the order given."""

    weeks: pd.DataFrame  # columns of results.SCENARIO
    total: pd.DataFrame  # columns of results.SCENARIO_TOTAL


def compare_scenarios(
    coefficients: Coefficients,
    weeks: Weeks,
    hierarchy: Hierarchy,
    scenarios: Sequence[Scenario],
    *,
    interval: float = 0.9,
    residual_before: np.ndarray | None = None,
    seed: int,
) -> Comparison:
    """Forecast the base plan and every scenario.

    Args:
        coefficients: draws.
        weeks: the base plan.
        hierarchy: the media tree.
        scenarios: what is changed.
        interval: nominal coverage of lower..upper.
        residual_before: (draws,) residual of the week before the first; what it lets expect is in all forecasts.
        seed: of the residuals.

    Raises:
        SettingsError: unknown node or component, a name twice, a factor below 0.
        PanelError: media or controls of another shape, negative or not known.
    """
    names = [BASE, *(scenario.name for scenario in scenarios)]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise SettingsError(f"every scenario needs a name of its own, {BASE!r} is the current plan's; {double} come twice")
    plans = [weeks, *(apply_scenario(scenario, weeks, hierarchy) for scenario in scenarios)]
    expected, residuals = _residuals(coefficients, len(weeks.periods), residual_before, seed)
    base = fitted_draws(coefficients, weeks) + expected
    base_later = _later(coefficients, weeks)
    by_week, total = [], []
    for name, plan in zip(names, plans, strict=True):
        fitted = fitted_draws(coefficients, plan) + expected
        summed, whole = fitted.sum(axis=1), (fitted + residuals).sum(axis=1)
        change = (fitted - base).sum(axis=1)
        by_week.append(_week_rows(name, plan, fitted, residuals, fitted - base, interval))
        told = (float(summed.mean()), *_ends(whole, interval), float(change.mean()), *_ends(change, interval))
        later = float((_later(coefficients, plan) - base_later).mean())
        total.append((name, *told, later, float((change > 0).mean())))
    return Comparison(pd.concat(by_week, ignore_index=True), pd.DataFrame(total, columns=list(results.SCENARIO_TOTAL.columns)))


def apply_scenario(scenario: Scenario, weeks: Weeks, hierarchy: Hierarchy) -> Weeks:
    """The base plan's weeks with the scenario's media and controls; errors as in `compare_scenarios`."""
    media = weeks.media if scenario.media is None else _known(scenario.media, weeks.media.shape, f"media of {scenario.name!r}")
    if (media < 0).any():
        raise PanelError(f"media of scenario {scenario.name!r} are {media.min():g} somewhere; exposures are >= 0")
    factor = np.ones(media.shape)
    for node, by in scenario.scale.items():
        factor[tacticals_under(hierarchy, node)] *= _factor(by, node, media.shape[1])
    design = weeks.design.astype(float)
    for component, columns in scenario.controls.items():
        if component not in weeks.components:
            raise SettingsError(
                f"scenario {scenario.name!r} changes {component!r}, which is no control of this model; "
                f"{nearest(component, dict.fromkeys(weeks.components))}"
            )
        mine = np.array(weeks.components) == component
        columns = np.asarray(columns, dtype=float)
        columns = columns[:, None] if columns.ndim == 1 else columns
        design[:, mine] = _known(columns, design[:, mine].shape, f"control {component!r} of {scenario.name!r}")
    return weeks._replace(media=media * factor, design=design)


def _residuals(
    coefficients: Coefficients, weeks: int, residual_before: np.ndarray | None, seed: int
) -> tuple[np.ndarray | float, np.ndarray]:
    """What residuals are expected to be, and what they are beside that, (draws, weeks); the same for every plan."""
    nothing = np.zeros((len(coefficients.noise), weeks))
    if residual_before is None:
        return 0.0, predictive_draws(coefficients, nothing, seed=seed)
    expected, drawn = carry_on(coefficients, nothing, residual_before, np.arange(1, weeks + 1), seed=seed)
    return expected, drawn - expected


def _later(coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """(draws,) what all media, carried past the last week, still bring."""
    last = np.arange(weeks.media.shape[1]) == weeks.media.shape[1] - 1
    total = np.zeros(len(coefficients.noise))
    for tactical in range(len(weeks.media)):
        reach = reach_of(tactical, coefficients, weeks, last)
        carried = reach.carried(reach.plan)  # of the last week and what follows it
        total += reach.brought(carried) - reach.worth * curve(reach.kind, carried[:, 0], reach.slope)[0]
    return total


def _week_rows(
    name: str, plan: Weeks, fitted: np.ndarray, residuals: np.ndarray, change: np.ndarray, interval: float
) -> pd.DataFrame:
    columns = (
        name,
        plan.periods.to_numpy(),
        fitted.mean(axis=0),
        *central_interval(fitted + residuals, interval),
        change.mean(axis=0),
        *central_interval(change, interval),
    )
    return pd.DataFrame(dict(zip(results.SCENARIO.columns, columns, strict=True)))


def _ends(draws: np.ndarray, interval: float) -> tuple[float, float]:
    lower, upper = central_interval(draws, interval)
    return float(lower), float(upper)


def _factor(by: float | np.ndarray, node: str, weeks: int) -> np.ndarray:
    factor = np.asarray(by, dtype=float)
    if factor.shape not in ((), (weeks,)) or not np.isfinite(factor).all() or (factor < 0).any():
        raise SettingsError(f"the factor on {node!r} must be one number >= 0, or one per week ({weeks}); got {by!r}")
    return factor


def _known(values: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.shape != shape or not np.isfinite(values).all():
        raise PanelError(
            f"{what} must be known numbers like the base plan's: wanted shape {shape}, got {values.shape} with "
            f"{int((~np.isfinite(values)).sum())} not finite"
        )
    return values
