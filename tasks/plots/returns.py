"""What spend brings: returns with their intervals, response curves, and a budget spread anew."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierforecast.hierarchy import TOTAL
from hierforecast.results import LOWER, UPPER
from tasks.plots.effects import draw_points
from tasks.plots.theme import (
    FORECAST_COLOUR,
    INK,
    MUTED,
    OTHER_COLOUR,
    PALETTE,
    fit_name,
    in_units,
    legend_above,
    new_figure,
    new_grid,
    short,
    tidy,
)

MOST_CURVES = 12
_MARGINAL = {"marginal_roi": "roi", "marginal_lower": LOWER, "marginal_upper": UPPER}
_SIDES = {"before": OTHER_COLOUR, "after": FORECAST_COLOUR}


def draw_returns(roi: pd.DataFrame, levels: Sequence[str], *, interval: float) -> Figure | None:
    """Return on spend and on one more currency unit, per node from the top of the tree down; None where nothing was spent.

    Args:
        roi: as `results.ROI`.
        levels: media levels from the leaves up.
        interval: nominal coverage of lower..upper, a share.
    """
    rows = _top_down(roi[roi["spend"] > 0], levels)
    if rows.empty:
        return None
    title = f"Return on spend, {interval:.0%} intervals; dashed: one target unit per currency unit"
    figure = new_figure(width=11.0, height=1.5 + 0.27 * len(rows), title=title)
    marginal = rows[["level", "node", *_MARGINAL]].rename(columns=_MARGINAL)
    share = None
    for place, (name, table) in enumerate({"of what was spent": rows, "of one more currency unit": marginal}.items()):
        axes = tidy(figure.add_subplot(1, 2, place + 1, sharex=share))
        share = share or axes
        draw_points(axes, table["node"], table["roi"], table[LOWER], table[UPPER])
        axes.axvline(1.0, color=MUTED, linewidth=0.9, linestyle="--", zorder=1)
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_xlabel("target units per currency unit", fontsize=9)
        _part_levels(axes, table["level"])
    share.set_xlim(left=min(0.0, float(rows[LOWER].min())))
    return figure


def draw_curves(response: pd.DataFrame, level: str, *, unit: str, interval: float) -> Figure | None:
    """What each node of a level brings at multiples of its spend, with the current spend marked; largest spend first.

    Args:
        response: as `results.RESPONSE`.
        level: of the nodes.
        unit: of the target.
        interval: nominal coverage of the bands, a share.
    """
    curves = response[response["level"] == level]
    if curves.empty:
        return None
    order = curves.groupby("node", sort=False)["spend"].max().sort_values(ascending=False).index[:MOST_CURVES]
    title = f"Response to spend by {level}, {interval:.0%} intervals; the point is what was spent"
    columns = 3 if len(order) > 4 else 2
    figure, places = new_grid(len(order), columns=columns, title=title)
    for place, (axes, node) in enumerate(zip(places, order, strict=True)):
        rows = curves[curves["node"] == node]
        colour = PALETTE[place % len(PALETTE)]
        axes.fill_between(rows["spend"], rows[LOWER], rows[UPPER], color=colour, alpha=0.2, linewidth=0)
        axes.plot(rows["spend"], rows["effect"], color=colour, linewidth=1.8)
        now = rows.iloc[[int((rows["multiple"] - 1.0).abs().argmin())]]
        axes.plot(now["spend"], now["effect"], "o", color=INK, markersize=5)
        axes.set_title(fit_name(node), loc="left", fontsize=10)
        axes.set_xlabel("spend" if place >= len(order) - columns else "", fontsize=9)
        axes.set_ylabel(unit.split("/")[0].strip() if place % columns == 0 else "", fontsize=9)
        in_units(in_units(axes), along="x")
        axes.margins(x=0.02)
    return figure


def draw_budget(budget: pd.DataFrame, outcome: pd.DataFrame, level: str, *, unit: str) -> Figure | None:
    """Spend and contribution per node of a level in the current and in the best plan; None where there is no such plan.

    Args:
        budget: as `results.BUDGET`.
        outcome: as `results.BUDGET_OUTCOME`.
        level: of the nodes.
        unit: of the target.
    """
    rows, told = budget[budget["level"] == level], outcome.iloc[0]
    if rows.empty:
        return None
    gain = f"{_signed(told['difference'])} ({_signed(told['difference_lower'])} to {_signed(told['difference_upper'])})"
    span = f"{told['first']:%Y-%m-%d} to {told['last']:%Y-%m-%d}"
    what = unit.split("/")[0].strip()
    title = f"The same budget spread anew, {span}: {gain} {what}"
    figure = new_figure(width=11.0, height=1.9 + 0.42 * len(rows), title=title)
    for place, (name, label) in enumerate({"spend": "spend", "contribution": f"contribution, {what}"}.items()):
        axes = tidy(figure.add_subplot(1, 2, place + 1))
        _draw_pair(axes, rows, name)
        axes.set_xlabel(label, fontsize=9)
        if place == 0:
            legend_above(axes)
    return figure


def _draw_pair(axes: Axes, rows: pd.DataFrame, what: str) -> None:
    places = np.arange(len(rows))
    for shift, (side, colour) in zip((-0.19, 0.19), _SIDES.items(), strict=True):
        values = rows[f"{what}_{side}"].to_numpy(dtype=float)
        axes.barh(places + shift, values, height=0.36, color=colour, label="current plan" if side == "before" else "best plan")
        for place, value in zip(places + shift, values, strict=True):
            axes.annotate(
                short(value), (value, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7, color=MUTED
            )
    axes.set_yticks(places, [fit_name(name) for name in rows["node"]])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.margins(x=0.12)
    in_units(axes, along="x")


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{short(value)}"


def _top_down(table: pd.DataFrame, levels: Sequence[str]) -> pd.DataFrame:
    """The total, then each level from the top of the tree; a level that only repeats the one above is left out."""
    parts, seen = [], set()
    for level in (TOTAL, *reversed(levels)):
        rows = table[table["level"] == level]
        told = frozenset(zip(rows["spend"].round(6), rows["contribution"].round(6), strict=True))
        if told not in seen:
            parts.append(rows)
        seen.add(told)
    return pd.concat(parts, ignore_index=True)


def _part_levels(axes: Axes, levels: pd.Series) -> None:
    """A thin line between one level's nodes and the next's."""
    for place in np.flatnonzero((levels != levels.shift()).to_numpy())[1:]:
        axes.axhline(place - 0.5, color=MUTED, linewidth=0.5, alpha=0.6)
