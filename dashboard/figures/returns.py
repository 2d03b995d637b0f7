"""What spend brings: returns with their intervals, response curves, and a budget before and after."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.effects import ROW_PIXELS
from dashboard.figures.theme import FORECAST_COLOUR, MUTED, OTHER_COLOUR, PALETTE, message_figure, new_figure
from hierforecast.results import LOWER, UPPER

MARGINAL_COLOUR = "#e69f00"
_NAMES = {"effect": ("roi", LOWER, UPPER), "marginal": ("marginal_roi", "marginal_lower", "marginal_upper")}


def draw_returns(roi: pd.DataFrame, *, unit: str) -> go.Figure:
    """Points with intervals per node: the return on all spend, and on one more currency unit.

    Args:
        roi: rows of one level, and the total if wanted, as in the ROI table.
        unit: of the target, summed.
    """
    drawn = roi[roi["spend"] > 0]
    if drawn.empty:
        return message_figure("Nothing was spent on these nodes.", height=240)
    figure = new_figure(height=120 + 1.4 * ROW_PIXELS * len(drawn))
    looks = {"effect": ("return on spend", FORECAST_COLOUR, "circle"), "marginal": ("on one more", MARGINAL_COLOUR, "diamond")}
    rows = list(range(len(drawn)))
    for shift, (kind, (middle, lower, upper)) in zip((-0.15, 0.15), _NAMES.items(), strict=True):
        name, colour, symbol = looks[kind]
        figure.add_scatter(
            x=drawn[middle], y=[row + shift for row in rows], name=name, mode="markers",
            marker={"size": 9, "color": colour, "symbol": symbol},
            error_x={"array": drawn[upper] - drawn[middle], "arrayminus": drawn[middle] - drawn[lower], "width": 3},
            customdata=drawn["node"].astype(str), hovertemplate="%{customdata}: %{x:.2f}",
        )  # fmt: skip
    figure.add_vline(x=1, line={"color": MUTED, "width": 1, "dash": "dash"})
    figure.update_xaxes(title_text=f"{unit} per currency unit", side="top", rangemode="tozero")
    figure.update_yaxes(
        tickvals=rows, ticktext=list(drawn["node"].astype(str)), range=[len(drawn) - 0.5, -0.5], showgrid=False, zeroline=False
    )
    return figure.update_layout(hovermode="closest", margin={"t": 50}, legend={"y": -0.02})


def draw_response(response: pd.DataFrame, *, unit: str) -> go.Figure:
    """A curve with its interval per node over multiples of its spend; a dashed line at what was spent.

    Args:
        response: rows of one level, as in the response table.
        unit: of the target, summed.
    """
    if response.empty:
        return message_figure("Nothing was spent on these nodes.", height=240)
    figure = new_figure(height=460)
    for place, (node, rows) in enumerate(response.groupby("node", sort=False, observed=True)):
        _add_curve(figure, str(node), rows, PALETTE[place % len(PALETTE)])
    figure.add_vline(x=1, line={"color": MUTED, "width": 1, "dash": "dash"})
    figure.update_xaxes(title_text="spend, in multiples of what was spent", tickformat=".2~f", ticksuffix="×")
    figure.update_yaxes(title_text=unit, rangemode="tozero")
    return figure.update_layout(hovermode="closest", legend={"y": -0.2})


def draw_budget(budget: pd.DataFrame, *, measure: str, title: str) -> go.Figure:
    """Bars per node before and after.

    Args:
        budget: rows of one level, as in the budget table.
        measure: "spend" or "contribution".
        title: of the value axis.
    """
    figure = new_figure(height=120 + 1.7 * ROW_PIXELS * max(len(budget), 1))
    looks: Mapping[str, tuple[str, str]] = {"before": ("current plan", OTHER_COLOUR), "after": ("best plan", FORECAST_COLOUR)}
    for side, (name, colour) in looks.items():
        figure.add_bar(
            x=budget[f"{measure}_{side}"], y=budget["node"].astype(str), name=name, orientation="h",
            marker={"color": colour}, hovertemplate="%{x:,.4~s}",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(title_text=title, side="top")
    return figure.update_layout(hovermode="y unified", margin={"t": 50}, legend={"y": -0.02}, bargap=0.35)


def _add_curve(figure: go.Figure, node: str, rows: pd.DataFrame, colour: str) -> None:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    edge = {"mode": "lines", "line": {"width": 0}, "legendgroup": node, "showlegend": False, "hoverinfo": "skip"}
    figure.add_scatter(x=rows["multiple"], y=rows[UPPER], **edge)
    figure.add_scatter(
        x=rows["multiple"], y=rows[LOWER], fill="tonexty", fillcolor=f"rgba({red}, {green}, {blue}, 0.15)", **edge
    )
    figure.add_scatter(
        x=rows["multiple"], y=rows["effect"], name=node, mode="lines", legendgroup=node, line={"color": colour, "width": 2.2},
        customdata=rows["spend"], hovertemplate="spend %{customdata:,.4~s}: %{y:,.4~s}",
    )  # fmt: skip
