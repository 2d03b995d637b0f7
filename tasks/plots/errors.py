"""How far off the held-out forecasts were: by level, by periods ahead, and how often intervals held."""

import numpy as np
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

FEWEST = 20  # cells behind a share that is drawn


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
    """Share of actuals within their interval beside the nominal share; None where nothing has an interval.

    Args:
        horizons: as `results.HORIZONS`.
        nominal: coverage that intervals promise, a share.
        period: of the panel, in words.

    Returns:
        On the left every level over all periods; on the right by periods ahead the levels with `FEWEST` cells in each,
        for a share of fewer says nothing.
    """
    known = horizons[horizons["coverage"].notna()]
    if known.empty:
        return None
    figure = new_figure(width=11.0, height=4.2, title="How often the interval held, on held-out periods")
    whole, ahead = (tidy(figure.add_subplot(1, 2, place)) for place in (1, 2))
    levels = dict(iter(known.groupby("level", sort=False, observed=True)))
    shares = [float(np.average(rows["coverage"], weights=rows["cells"])) for rows in levels.values()]
    bars = whole.barh([fit_name(level) for level in levels], shares, color=FORECAST_COLOUR, height=0.6)
    labels = [f"{share:.0%} of {rows['cells'].sum()}" for share, rows in zip(shares, levels.values(), strict=True)]
    whole.bar_label(bars, labels, padding=3, fontsize=8, color=MUTED)
    whole.axvline(nominal, color=INK, linewidth=1.2, linestyle="--")
    whole.invert_yaxis()
    whole.grid(False, axis="y")
    whole.set_xlim(0.0, 1.25)
    in_shares(whole, along="x")
    ahead.axhline(nominal, color=INK, linewidth=1.2, linestyle="--", label=f"promised: {nominal:.0%}")
    many = {level: rows for level, rows in levels.items() if rows["cells"].min() >= FEWEST}
    for place, (level, rows) in enumerate(many.items()):
        label, colour = fit_name(level), PALETTE[place % len(PALETTE)]
        ahead.plot(rows["horizon"], rows["coverage"], "o-", color=colour, markersize=4, linewidth=1.6, label=label)
    ahead.set_ylim(0.0, 1.03)
    ahead.set_xlabel(f"{period}s ahead", fontsize=9)
    ahead.xaxis.set_major_locator(MaxNLocator(integer=True))
    in_shares(ahead)
    legend_above(ahead)
    return figure
