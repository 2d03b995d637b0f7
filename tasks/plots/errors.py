"""How far off the held-out forecasts were: by level, by periods ahead, and how often intervals held."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hierforecast.hierarchy import TOTAL
from tasks.plots.theme import (
    FORECAST_COLOUR,
    INK,
    MUTED,
    PALETTE,
    fit_name,
    in_shares,
    legend_above,
    new_figure,
    tidy,
)


def draw_levels(scores: pd.DataFrame) -> Figure:
    """WAPE and MASE at every level, and the bias, which is the same at all; `scores` as `results.SCORES`."""
    title = f"Error on held-out periods by level; bias {scores['bias'].iloc[-1]:+.2%}"
    figure = new_figure(width=10.0, height=1.4 + 0.36 * len(scores), title=title)
    for place, (measure, name) in enumerate({"wape": "WAPE", "mase": "MASE (1: as far off as last period's value)"}.items()):
        axes = tidy(figure.add_subplot(1, 2, place + 1))
        bars = axes.barh([fit_name(level) for level in scores["level"]], scores[measure], color=PALETTE[place], height=0.6)
        labels = [f"{value:.1%}" if measure == "wape" else f"{value:.2f}" for value in scores[measure]]
        axes.bar_label(bars, labels, padding=3, fontsize=8, color=MUTED)
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.margins(x=0.12)
        axes.set_title(name, loc="left")
        if measure == "wape":
            in_shares(axes, along="x")
        else:
            axes.set_yticklabels([])
    return figure


def draw_horizons(horizons: pd.DataFrame, *, period: str) -> Figure:
    """WAPE by how many periods ahead was forecast, one line per level; `horizons` as `results.HORIZONS`."""
    figure = new_figure(width=10.0, height=4.6, title=f"Error on held-out periods by {period}s ahead")
    axes = tidy(figure.add_subplot())
    for place, (level, rows) in enumerate(horizons.groupby("level", sort=False, observed=True)):
        colour = INK if level == TOTAL else PALETTE[place % len(PALETTE)]
        axes.plot(rows["horizon"], rows["wape"], "o-", color=colour, markersize=3, linewidth=1.6, label=fit_name(level))
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(f"{period}s ahead", fontsize=9)
    axes.set_ylabel("WAPE", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    in_shares(axes)
    legend_above(axes, columns=7)
    return figure


def draw_coverage(horizons: pd.DataFrame, *, nominal: float, period: str) -> Figure | None:
    """Share of actuals within their interval by periods ahead, beside the nominal share; None where nothing has one."""
    known = horizons[horizons["coverage"].notna()]
    if known.empty:
        return None
    figure = new_figure(width=10.0, height=4.2, title="How often the interval held, on held-out periods")
    axes = tidy(figure.add_subplot())
    axes.axhline(nominal, color=INK, linewidth=1.2, linestyle="--", label=f"promised: {nominal:.0%}")
    for place, (level, rows) in enumerate(known.groupby("level", sort=False, observed=True)):
        colour = FORECAST_COLOUR if place == 0 else PALETTE[place % len(PALETTE)]
        axes.plot(rows["horizon"], rows["coverage"], "o-", color=colour, markersize=4, linewidth=1.6, label=fit_name(level))
    axes.set_ylim(0.0, 1.03)
    axes.set_xlabel(f"{period}s ahead", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    in_shares(axes)
    legend_above(axes)
    return figure
