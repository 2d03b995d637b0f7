"""Effects of a driver and decay of media: points with their intervals, one axes per level."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierforecast.hierarchy import TOTAL
from hierforecast.results import LOWER, UPPER
from tasks.plots.theme import FORECAST_COLOUR, GRID, MUTED, fit_name, new_figure, tidy

MOST_NODES = 15
SAME = 1e-9  # effects closer than this are one effect, but for rounding
MOST_LEVELS = 4


def draw_elasticities(elasticities: pd.DataFrame, driver: str, *, interval: float) -> Figure:
    """One driver's mean effects with intervals, per level that it varies over and in total, on one scale.

    Args:
        elasticities: as `results.ELASTICITIES`.
        driver: whose.
        interval: nominal coverage of lower..upper, a share.
    """
    rows = elasticities[elasticities["driver"] == driver]
    levels = varying_levels(rows)
    drawn = {level: _strongest(rows[rows["level"] == level]) for level in levels}
    most = max(map(len, drawn.values()))
    title = f"Effect of {fit_name(driver)} on the link scale, {interval:.0%} intervals"
    figure = new_figure(width=max(3.6 * len(levels), 7.0), height=1.3 + 0.28 * max(most, 3), title=title)
    share = None
    for place, (level, table) in enumerate(drawn.items()):
        axes = tidy(figure.add_subplot(1, len(drawn), place + 1, sharex=share))
        share = share or axes
        draw_points(axes, table["node"], table["effect"], table[LOWER], table[UPPER])
        axes.set_title(level if level == TOTAL else f"by {fit_name(level)}", loc="left")
        axes.axvline(0.0, color=MUTED, linewidth=0.8, zorder=1)
        axes.set_ylim(most - 0.4, -0.6)
    return figure


def varying_levels(rows: pd.DataFrame) -> list[str]:
    """The levels over which a driver's effects differ, at most `MOST_LEVELS`, and the total."""
    spread = rows.groupby("level", observed=True, sort=False)["effect"].agg(lambda effects: effects.max() - effects.min())
    varying = [str(level) for level, width in spread.items() if width > SAME and level != TOTAL]
    return [*varying[:MOST_LEVELS], TOTAL]


def draw_decay(decay: pd.DataFrame, *, period: str, prior: pd.DataFrame | None = None) -> Figure:
    """Share of an exposure's effect that is carried to the next period, per tactical.

    Args:
        decay: as `results.DECAY`.
        period: what a period is called.
        prior: as `results.DECAY_PRIOR`, to be drawn behind.
    """
    about = "its interval" if prior is None else "its interval, and behind it what was believed before the data"
    figure = new_figure(width=8.0, height=1.3 + 0.3 * len(decay), title=f"Decay per {period}, with {about}")
    axes = tidy(figure.add_subplot())
    if prior is not None:
        believed = prior.set_index("tactical").reindex(decay["tactical"].astype(str))
        places = range(len(decay))
        axes.hlines(places, believed[LOWER], believed[UPPER], color=GRID, linewidth=9)
        axes.plot(believed["median"].to_numpy(), list(places), "|", color=MUTED, markersize=9)
    draw_points(axes, decay["tactical"], decay["decay"], decay[LOWER], decay[UPPER])
    axes.set_xlim(0.0, 1.0)
    return figure


def draw_points(axes: Axes, names: pd.Series, middle: pd.Series, lower: pd.Series, upper: pd.Series) -> None:
    """One row per name from the top down: a point and the line of its interval."""
    places = range(len(names))
    axes.hlines(places, lower, upper, color=FORECAST_COLOUR, alpha=0.45, linewidth=3)
    axes.plot(middle.to_numpy(), list(places), "o", color=FORECAST_COLOUR, markersize=5)
    axes.set_yticks(list(places), [fit_name(name) for name in names])
    axes.invert_yaxis()
    axes.grid(False, axis="y")


def _strongest(rows: pd.DataFrame) -> pd.DataFrame:
    strongest = rows.loc[rows["effect"].abs().nlargest(MOST_NODES).index]
    return strongest.sort_values("effect", ascending=False, ignore_index=True)
