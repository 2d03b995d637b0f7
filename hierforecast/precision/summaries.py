"""What the draws say, in the target's unit: fitted weeks, contributions that add up, decays.

    fitted[t] = baseline + sum_k control_k[t] + sum_i beta_i a_i[t]        for every single draw

so components of a draw sum to its fitted mean, and means of components to the mean forecast.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.precision.adstock import half_life_from_decay
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.response import Coefficients, Weeks, control_draws, fitted_draws, media_draws

CONTROL = "control"


def forecast_table(periods: pd.Series, mean: np.ndarray, predictive: np.ndarray, *, interval: float) -> pd.DataFrame:
    """Mean and predictive interval per period.

    Args:
        periods: (weeks,).
        mean: (draws, weeks) expected target under every draw.
        predictive: (draws, weeks) the target itself, residuals included.
        interval: nominal coverage of lower..upper, e.g. 0.9.

    Returns:
        columns period, forecast, lower, upper, in target units.
    """
    lower, upper = _interval(predictive, interval)
    columns = (periods.to_numpy(), mean.mean(axis=0), lower, upper)
    return pd.DataFrame(dict(zip((results.PERIOD, results.FORECAST, results.LOWER, results.UPPER), columns, strict=True)))


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


def contribution_totals(
    coefficients: Coefficients, weeks: Weeks, hierarchy: Hierarchy, window: np.ndarray, *, interval: float
) -> pd.DataFrame:
    """What every component brought in a window in all, in the columns of `results.MEDIA_TOTALS`.

    Totals are summed draw by draw before their interval is taken, and so are shares of the fitted total.

    Args:
        coefficients: draws.
        weeks: fitted or later weeks.
        hierarchy: the media tree.
        window: (weeks,) bool.
        interval: nominal coverage of lower..upper.
    """
    whole = fitted_draws(coefficients, weeks)[:, window].sum(axis=1)
    rows = []
    for level, node, draws in _all_parts(hierarchy.levels, coefficients, weeks, hierarchy):
        total = draws[:, window].sum(axis=1)
        share = total / whole
        rows.append((level, node, total.mean(), *_interval(total, interval), share.mean(), *_interval(share, interval)))
    return pd.DataFrame(rows, columns=list(results.MEDIA_TOTALS.columns))


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
    half_life = half_life_from_decay(decay)
    half_lower, half_upper = _interval(half_life, interval)
    table = pd.DataFrame(
        {
            "tactical": hierarchy.tacticals,
            "channel": [path[-1] for path in hierarchy.paths],
            "decay": decay.mean(axis=0),
            results.LOWER: lower,
            results.UPPER: upper,
            "half_life": np.median(half_life, axis=0),
            "half_life_lower": half_lower,
            "half_life_upper": half_upper,
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
