"""What the forecast is made of: components stacked over time, and what each brings on average."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hierforecast.results import PERIOD
from tasks.plots.sums import components_of, sum_periods
from tasks.plots.theme import (
    INK,
    MUTED,
    OTHER,
    component_colours,
    fit_name,
    in_units,
    legend_above,
    new_figure,
    over_time,
    shade_parts,
    short,
    tidy,
)

MOST_COMPONENTS = 11


def draw_stack(contributions: pd.DataFrame, levels: Sequence[str], *, unit: str) -> Figure:
    """Components of all series together, one bar per period; what takes sales away goes below zero.

    Args:
        contributions: as `results.CONTRIBUTIONS`; components in target units.
        levels: its level columns.
        unit: of the target.
    """
    components = components_of(contributions, levels)
    summed = keep_largest(sum_periods(contributions, components), components)
    names = [name for name in (*components, OTHER) if name in summed]
    figure = new_figure(height=5.8, title="What the forecast is made of, all series")
    axes = tidy(figure.add_subplot())
    shade_parts(axes, summed)
    colours = component_colours(components)  # of all, so that a component has one colour in every picture
    above, below = np.zeros(len(summed)), np.zeros(len(summed))
    for name in names:
        values = summed[name].to_numpy(dtype=float)
        base = np.where(values >= 0, above, below)
        # Steps and not bars: a picture of daily rows would hold ten thousand of these.
        axes.fill_between(
            summed[PERIOD], base, base + values, step="mid", color=colours[name], linewidth=0, label=fit_name(name)
        )
        above, below = above + np.maximum(values, 0.0), below + np.minimum(values, 0.0)
    axes.plot(summed[PERIOD], summed[names].sum(axis=1), color=INK, linewidth=1.2, label="forecast")
    axes.set_ylim(min(1.05 * below.min(), 0.0), max(1.1 * above.max(), 1e-9))
    over_time(axes, unit)
    legend_above(axes)
    return figure


def draw_means(contributions: pd.DataFrame, levels: Sequence[str], *, unit: str) -> Figure:
    """What each component brings per period, all series together, on average over the periods; largest first."""
    components = components_of(contributions, levels)
    means = sum_periods(contributions, components)[components].mean()
    # A control that is measured from its mean brings nothing on average, but for rounding.
    means = means.where(means.abs() > 1e-9 * means.abs().sum(), 0.0)
    means = means.loc[means.abs().sort_values().index]
    figure = new_figure(width=9.0, height=1.1 + 0.34 * len(means), title="Mean contribution per period, all series")
    axes = tidy(figure.add_subplot())
    colours = component_colours(components)
    axes.barh([fit_name(name) for name in means.index], means, color=[colours[name] for name in means.index], height=0.7)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    whole = means.sum()
    for place, value in enumerate(means):
        share = f" ({100 * value / whole:.1f}%)" if whole else ""
        axes.annotate(
            f"{short(value)}{share}", (max(value, 0.0), place), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8, color=MUTED,
        )  # fmt: skip
    axes.margins(x=0.16)
    axes.grid(False, axis="y")
    axes.set_xlabel(unit, fontsize=9)
    in_units(axes, along="x")
    return figure


def keep_largest(summed: pd.DataFrame, components: Sequence[str], *, count: int = MOST_COMPONENTS) -> pd.DataFrame:
    """Keep the `count` components of largest absolute sum, in their order; the rest is added into `other`, so sums stay."""
    if len(components) <= count:
        return summed
    large = set(summed[list(components)].abs().sum().nlargest(count - 1).index)
    small = [name for name in components if name not in large]
    return summed.drop(columns=small).assign(**{OTHER: summed[small].sum(axis=1)})
