"""Elasticities per node and decay per tactical: points on a scale, with intervals where there are any."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.theme import FORECAST_COLOUR, INK, PALETTE, message_figure, new_figure
from hierforecast.results import LOWER, UPPER

MOST_NODES = 40
ROW_PIXELS = 24


def draw_effects(effects: pd.DataFrame, *, title: str) -> go.Figure:
    """Bars of one driver's effect per node of one level, with intervals where there are any; the strongest nodes only.

    Args:
        effects: node, effect and, if they are known, lower and upper.
        title: of the value axis.
    """
    if effects.empty:
        return message_figure("No effects to show.", height=240)
    drawn = effects.loc[effects["effect"].abs().nlargest(MOST_NODES).index].sort_values("effect", ascending=False)
    figure = new_figure(height=90 + ROW_PIXELS * len(drawn))
    figure.add_bar(
        x=drawn["effect"],
        y=drawn["node"].astype(str),
        orientation="h",
        marker={"color": FORECAST_COLOUR},
        hovertemplate="%{x:.3f}<extra></extra>",
    )
    if UPPER in drawn:
        reach = {"array": drawn[UPPER] - drawn["effect"], "arrayminus": drawn["effect"] - drawn[LOWER]}
        figure.update_traces(error_x={**reach, "color": INK, "thickness": 1.3, "width": 4})
    return _rows(figure, title)


def draw_decay(decay: pd.DataFrame, *, period: str) -> go.Figure:
    """Decay with its interval per tactical, one colour per channel; `decay` as in the decay table."""
    if decay.empty:
        return message_figure("No decay rates to show.", height=240)
    figure = new_figure(height=110 + ROW_PIXELS * len(decay))
    for place, (channel, rows) in enumerate(decay.groupby("channel", sort=False, observed=True)):
        figure.add_scatter(
            x=rows["decay"], y=rows["tactical"].astype(str), name=str(channel), mode="markers",
            marker={"size": 10, "color": PALETTE[place % len(PALETTE)]}, hovertemplate="%{x:.2f}",
            error_x={"array": rows[UPPER] - rows["decay"], "arrayminus": rows["decay"] - rows[LOWER], "width": 4},
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1])
    return _rows(figure, f"decay per {period}")


def _rows(figure: go.Figure, title: str) -> go.Figure:
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(title_text=title, side="top")
    figure.update_layout(hovermode="closest", margin={"t": 50}, legend={"y": -0.02})
    return figure
