"""What the forecast is made of over time: components stacked, losses below zero, their sum as a line."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.forecast import shade_parts
from dashboard.figures.theme import INK, component_colours, message_figure, new_figure
from hierforecast.results import PART, PERIOD


def draw_contributions(
    over_time: pd.DataFrame, components: Sequence[str], *, unit: str, total: str | None, height: int = 480
) -> go.Figure:
    """Stack components per period.

    Args:
        over_time: one row per period: period, the components in target units, and part where periods are to be shaded.
        components: columns to stack; negative values go below zero, which areas would hide.
        unit: of the value axis.
        total: name of the line of their sum; None where the stack leaves something out and a sum would mislead.
    """
    if over_time.empty:
        return message_figure("No series fits this selection. Clear a filter.", height=height)
    figure, colours = new_figure(height=height), component_colours(list(components))
    for name in components:
        figure.add_bar(
            x=over_time[PERIOD], y=over_time[name], name=name, marker={"color": colours[name], "line": {"width": 0}},
            hovertemplate="%{y:,.4~s}",
        )  # fmt: skip
    if total:
        figure.add_scatter(
            x=over_time[PERIOD], y=over_time[list(components)].sum(axis=1), name=total, mode="lines",
            line={"color": INK, "width": 1.6}, hovertemplate="%{y:,.4~s}",
        )  # fmt: skip
    if PART in over_time:
        shade_parts(figure, over_time)
    figure.update_layout(barmode="relative", bargap=0)
    figure.update_yaxes(title_text=unit)
    return figure
