"""Forecast against actual over time: history, held-out periods as they were forecast before they came, and the plan."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierforecast.results import ACTUAL, FORECAST, HISTORY, HOLDOUT, LOWER, PART, PERIOD, UPPER
from tasks.plots.sums import largest_nodes, sum_forecast
from tasks.plots.theme import (
    ACTUAL_COLOUR,
    FORECAST_COLOUR,
    MUTED,
    finite,
    fit_name,
    legend_above,
    new_figure,
    new_grid,
    over_time,
    shade_parts,
    tidy,
)

MOST_NODES = 6
_CLOSE = 5  # times the held-out periods: how far back the close look goes


def draw_total(forecasts: pd.DataFrame, *, unit: str, interval: float | None = None) -> Figure:
    """The sum of all series.

    Args:
        forecasts: as `results.FORECASTS`, or one node of `results.NODES`.
        unit: of the target.
        interval: nominal coverage of lower..upper, a share, for the legend; drawn where there is one row per period.
    """
    summed = sum_forecast(forecasts)
    figure = new_figure(height=7.5, title="Forecast and actual, all series; below, the last periods")
    for place, rows in enumerate((summed, last_periods(summed))):
        axes = tidy(figure.add_subplot(2, 1, place + 1))
        _draw(axes, rows, unit, interval)
        if place == 0:
            legend_above(axes)
    return figure


def draw_prior(prior: pd.DataFrame, fit: pd.DataFrame, *, unit: str, interval: float) -> Figure:
    """What the priors alone expect, the fitted forecast and what came: priors should be wide, and the data should narrow them.

    Args:
        prior: as `results.PRIOR_PREDICTIVE`.
        fit: as `results.FIT`.
        unit: of the target.
        interval: nominal coverage of both intervals, a share.
    """
    figure = new_figure(height=4.8, title="Before and after the data: priors alone, and the fitted model")
    axes = tidy(figure.add_subplot())
    after = fit.sort_values(PERIOD)
    for rows, colour, alpha, name in ((prior, MUTED, 0.15, "priors"), (after, FORECAST_COLOUR, 0.35, "fitted")):
        label = f"{name}, {interval:.0%} interval"
        axes.fill_between(
            rows[PERIOD], finite(rows[LOWER]), finite(rows[UPPER]), color=colour, alpha=alpha, linewidth=0, label=label
        )
    axes.plot(prior[PERIOD], finite(prior[FORECAST]), color=MUTED, linewidth=1.2, linestyle="--", label="priors' mean")
    axes.plot(after[PERIOD], finite(after[ACTUAL]), color=ACTUAL_COLOUR, linewidth=1.1, label=ACTUAL)
    axes.margins(x=0.01)
    over_time(axes, unit)
    legend_above(axes)
    return figure


def draw_nodes(
    forecasts: pd.DataFrame, by: Sequence[str], *, unit: str, title: str, interval: float | None = None, count: int = MOST_NODES
) -> Figure:
    """The last periods of the nodes of a level that sell most, one axes each.

    Args:
        forecasts: as `results.FORECASTS`, or one level of `results.NODES`.
        by: the columns that name a node.
        unit: of the target.
        title: of the picture.
        interval: nominal coverage of lower..upper, a share; drawn where a node has one row per period.
        count: how many nodes at most.
    """
    nodes = largest_nodes(forecasts, by, count=count)
    figure, places = new_grid(max(len(nodes), 1), title=title)
    for place, (axes, (name, rows)) in enumerate(zip(places, nodes.items(), strict=False)):
        _draw(axes, last_periods(sum_forecast(rows)), unit if place % 2 == 0 else "", interval)
        axes.set_title(fit_name(name), loc="left")
    if nodes:
        places[0].legend(loc="best", frameon=False, fontsize=8)
    return figure


def last_periods(summed: pd.DataFrame) -> pd.DataFrame:
    """Held-out periods, what lies after them, and `_CLOSE` times as many before: near enough to see how well they agree."""
    held = int((summed[PART] == HOLDOUT).sum())
    before = int((summed[PART] == HISTORY).sum())
    return summed.iloc[max(before - _CLOSE * held, 0) :] if held else summed


def _draw(axes: Axes, summed: pd.DataFrame, unit: str, interval: float | None) -> None:
    shade_parts(axes, summed)
    if UPPER in summed:
        label = "interval" if interval is None else f"{interval:.0%} interval"
        lower, upper = finite(summed[LOWER]), finite(summed[UPPER])
        axes.fill_between(summed[PERIOD], lower, upper, color=FORECAST_COLOUR, alpha=0.18, linewidth=0, label=label)
    axes.plot(summed[PERIOD], finite(summed[FORECAST]), color=FORECAST_COLOUR, linewidth=1.8, label=FORECAST)
    axes.plot(summed[PERIOD], finite(summed[ACTUAL]), color=ACTUAL_COLOUR, linewidth=1.1, label=ACTUAL)
    axes.set_ylim(*_limits(summed))
    axes.margins(x=0.01)
    over_time(axes, unit)


def _limits(summed: pd.DataFrame) -> tuple[float | None, float | None]:
    """From 0 or, where that would press the lines together, from below the least; an interval may not blow up the scale."""
    lines = pd.concat([summed[ACTUAL], summed[FORECAST]]).replace([float("inf")], float("nan")).dropna()
    if lines.empty or lines.max() <= 0:
        return None, None
    least, most = float(lines.min()), float(lines.max())
    bounded = UPPER in summed and bool(summed[UPPER].notna().any())
    reach = min(float(summed[UPPER].max()), 2.0 * most) if bounded else most
    bottom = 0.0 if least < 0.5 * most else least - 0.25 * (most - least) - 0.02 * most
    if bounded:
        bottom = min(bottom, max(float(summed[LOWER].min()), 0.0))
    return bottom, max(reach, most) + 0.12 * (max(reach, most) - bottom)
