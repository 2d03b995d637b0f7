"""Accuracy by level, champion beside challenger."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.theme import CHALLENGER_COLOUR, CHAMPION_COLOUR, message_figure, new_figure

SIDES = {"champion": CHAMPION_COLOUR, "challenger": CHALLENGER_COLOUR}


def draw_scores(compared: pd.DataFrame, *, metric: str = "wape", height: int = 340) -> go.Figure:
    """Bars of one metric per level; `compared` as from `frames.compare_scores`, shares drawn as percent."""
    sides = {side: colour for side, colour in SIDES.items() if f"{metric}_{side}" in compared}
    if compared.empty or not sides:
        return message_figure("No scores to compare.", height=height)
    figure = new_figure(height=height)
    for side, colour in sides.items():
        values = compared[f"{metric}_{side}"]
        figure.add_bar(
            x=compared["level"], y=values, name=side, marker={"color": colour}, text=[f"{value:.1%}" for value in values],
            textposition="outside", cliponaxis=False, hovertemplate="%{y:.2%}",
        )  # fmt: skip
    figure.update_layout(barmode="group", bargap=0.35)
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text=f"{metric.upper()} on held-out periods", tickformat=".0%")
    return figure
