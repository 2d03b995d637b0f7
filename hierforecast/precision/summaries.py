"""What the draws say, in the target's unit: fitted weeks, contributions that add up, decays.

    fitted[t] = baseline + sum_k control_k[t] + sum_i beta_i a_i[t]        for every single draw

so components of a draw sum to its fitted mean, and means of components to the mean forecast.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.precision.adstock import geometric, half_life_from_decay
from hierforecast.precision.hierarchy import Hierarchy

CONTROL = "control"


class Coefficients(NamedTuple):
    """Draws in the target's unit; the first axis is every draw of every chain."""

    baseline: np.ndarray  # (draws,) target units per period, without media, controls at their reference
    beta: np.ndarray  # (draws, tacticals) target units per typical on-air week
    decay: np.ndarray  # (draws, tacticals) share per period
    control: np.ndarray  # (draws, columns) target units per scaled column
    noise: np.ndarray  # (draws,) target units


class Weeks(NamedTuple):
    """The weeks to be explained."""

    periods: pd.Series  # (weeks,)
    media: np.ndarray  # (tacticals, weeks) multiples of a typical on-air week
    start: np.ndarray  # (draws, tacticals) adstock of the week before the first
    design: np.ndarray  # (weeks, columns) scaled controls
    components: tuple[str, ...]  # (columns,) the component of each column


def media_draws(tactical: int, coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """Contribution of one tactical, (draws, weeks) in target units."""
    one = slice(tactical, tactical + 1)
    carried = geometric(weeks.media[one], coefficients.decay[:, one], weeks.start[:, one])[:, 0]
    return coefficients.beta[:, one] * carried


def control_draws(component: str, coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """Contribution of one control, the season or the trend, (draws, weeks) in target units."""
    mine = np.array(weeks.components) == component
    return coefficients.control[:, mine] @ weeks.design[:, mine].T


def fitted_draws(coefficients: Coefficients, weeks: Weeks) -> np.ndarray:
    """The mean of the target under every draw, (draws, weeks) in target units."""
    fitted = coefficients.baseline[:, None] + coefficients.control @ weeks.design.T
    for tactical in range(len(weeks.media)):
        fitted += media_draws(tactical, coefficients, weeks)
    return fitted


def carried_state(decay: np.ndarray, media: np.ndarray) -> np.ndarray:
    """Adstock after the last of (tacticals, weeks), (draws, tacticals): where the next week starts."""
    state = np.zeros_like(decay)
    for week in range(media.shape[1]):
        state = (1 - decay) * media[:, week] + decay * state
    return state


def forecast_table(coefficients: Coefficients, weeks: Weeks, *, interval: float, seed: int) -> pd.DataFrame:
    """Mean and predictive interval per period.

    Args:
        coefficients: draws.
        weeks: fitted or later weeks.
        interval: nominal coverage of lower..upper, e.g. 0.9.
        seed: of the residuals that the interval includes.

    Returns:
        columns period, forecast, lower, upper, in target units.
    """
    fitted = fitted_draws(coefficients, weeks)
    residuals = np.random.default_rng(seed).standard_normal(fitted.shape) * coefficients.noise[:, None]
    lower, upper = _interval(fitted + residuals, interval)
    return pd.DataFrame(
        {
            results.PERIOD: weeks.periods.to_numpy(),
            results.FORECAST: fitted.mean(axis=0),
            results.LOWER: lower,
            results.UPPER: upper,
        }
    )


def contribution_table(
    coefficients: Coefficients, weeks: Weeks, hierarchy: Hierarchy, levels: tuple[str, ...], *, interval: float
) -> pd.DataFrame:
    """Contributions with intervals in the columns of `results.MEDIA_CONTRIBUTIONS`, one row per period and node.

    Args:
        coefficients: draws.
        weeks: fitted or later weeks.
        hierarchy: the media tree.
        levels: which media levels; "control" and "baseline" are always there.
        interval: nominal coverage of lower..upper.
    """
    parts = _all_parts(levels, coefficients, weeks, hierarchy)
    tables = [_rows(level, node, draws, weeks, interval) for level, node, draws in parts]
    return pd.concat(tables, ignore_index=True)


def contribution_means(coefficients: Coefficients, weeks: Weeks, tacticals: tuple[str, ...]) -> pd.DataFrame:
    """Posterior mean contributions, one row per period: period, baseline, controls, tacticals, and their sum `forecast`."""
    columns = {results.BASELINE: np.full(len(weeks.periods), coefficients.baseline.mean())}
    for component in dict.fromkeys(weeks.components):
        columns[component] = control_draws(component, coefficients, weeks).mean(axis=0)
    for place, tactical in enumerate(tacticals):
        columns[tactical] = media_draws(place, coefficients, weeks).mean(axis=0)
    table = pd.DataFrame(columns)
    table.insert(0, results.PERIOD, weeks.periods.to_numpy())
    return table.assign(**{results.FORECAST: fitted_draws(coefficients, weeks).mean(axis=0)})


def decay_table(decay: np.ndarray, hierarchy: Hierarchy, diagnostics: pd.DataFrame, *, interval: float) -> pd.DataFrame:
    """Decay per tactical in the columns of `results.DECAY`; half_life is the posterior median, in periods.

    Args:
        decay: (draws, tacticals).
        hierarchy: the media tree; `channel` is the node of its top level.
        diagnostics: from `diagnose`.
        interval: nominal coverage of lower..upper.
    """
    lower, upper = _interval(decay, interval)
    measured = diagnostics[diagnostics["parameter"] == "decay"].set_index("node").loc[list(hierarchy.tacticals)]
    table = pd.DataFrame(
        {
            "tactical": hierarchy.tacticals,
            "channel": [path[-1] for path in hierarchy.paths],
            "decay": decay.mean(axis=0),
            results.LOWER: lower,
            results.UPPER: upper,
            "half_life": half_life_from_decay(np.median(decay, axis=0)),
            "rhat": measured["rhat"].to_numpy(),
            "ess_bulk": measured["ess_bulk"].to_numpy(),
        }
    )
    return table[list(results.DECAY.columns)]


def _all_parts(
    levels: tuple[str, ...], coefficients: Coefficients, weeks: Weeks, hierarchy: Hierarchy
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Level, node and (draws, weeks) of every component, one at a time to keep memory small."""
    for level in levels:
        membership = hierarchy.membership(level)
        for code, node in enumerate(hierarchy.nodes(level)):
            yield level, node, sum(media_draws(place, coefficients, weeks) for place in np.flatnonzero(membership == code))
    for component in dict.fromkeys(weeks.components):
        yield CONTROL, component, control_draws(component, coefficients, weeks)
    shape = (len(coefficients.baseline), len(weeks.periods))
    yield results.BASELINE, results.BASELINE, np.broadcast_to(coefficients.baseline[:, None], shape)


def _rows(level: str, node: str, draws: np.ndarray, weeks: Weeks, interval: float) -> pd.DataFrame:
    lower, upper = _interval(draws, interval)
    columns = (weeks.periods.to_numpy(), level, node, draws.mean(axis=0), lower, upper)
    return pd.DataFrame(dict(zip(results.MEDIA_CONTRIBUTIONS.columns, columns, strict=True)))


def _interval(draws: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    """The central interval over the first axis."""
    tail = (1 - coverage) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    return lower, upper
