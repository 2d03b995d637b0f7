"""Colours and the template that every figure wears, so that pages look like one house."""

import plotly.graph_objects as go

from dashboard.frames import OTHER
from hierforecast.results import BASELINE

INK, MUTED, GRID = "#1f2a37", "#64707f", "#e6eaef"
ACTUAL_COLOUR, FORECAST_COLOUR = "#1f2a37", "#0b6fb8"
CHAMPION_COLOUR, CHALLENGER_COLOUR = "#0b6fb8", "#e08a00"
BASELINE_COLOUR, OTHER_COLOUR = "#c8d1dc", "#94a1b2"
HOLDOUT_SHADE, FUTURE_SHADE = "rgba(224, 138, 0, 0.10)", "rgba(11, 111, 184, 0.09)"

# Neighbours differ in lightness as well as hue, for readers who do not see all hues (Okabe and Ito 2008, extended).
PALETTE = (
    "#0b6fb8",
    "#e69f00",
    "#009e73",
    "#cc6fa3",
    "#56b4e9",
    "#d55e00",
    "#6b4ea0",
    "#9a9b1c",
    "#b3453c",
    "#3d8c98",
    "#8c6d46",
)

TEMPLATE = go.layout.Template(
    layout={
        "font": {
            "family": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif",
            "size": 13,
            "color": INK,
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(PALETTE),
        "margin": {"l": 8, "r": 8, "t": 34, "b": 8},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "white", "bordercolor": GRID, "font": {"size": 12}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.14, "yanchor": "top", "title": {"text": ""}},
        "xaxis": {
            "gridcolor": GRID,
            "linecolor": GRID,
            "zeroline": False,
            "automargin": True,
            "ticks": "",
            "title": {"font": {"size": 13}},
        },
        "yaxis": {
            "gridcolor": GRID,
            "zerolinecolor": "#aab4c0",
            "automargin": True,
            "ticks": "",
            "separatethousands": True,
            "title": {"font": {"size": 13}},
        },
        "bargap": 0.25,
    }
)


def new_figure(*, height: int = 420) -> go.Figure:
    """An empty figure in the house's template; `height` in pixels."""
    return go.Figure(layout={"template": TEMPLATE, "height": height})


def message_figure(text: str, *, height: int = 420) -> go.Figure:
    """A figure that says why there is nothing to draw."""
    figure = new_figure(height=height)
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.add_annotation(text=text, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font={"color": MUTED})


def component_colours(names: list[str]) -> dict[str, str]:
    """One colour per component: grey for baseline and the rest, the palette for the others in their order."""
    fixed = {BASELINE: BASELINE_COLOUR, OTHER: OTHER_COLOUR}
    coloured = [name for name in names if name not in fixed]
    return fixed | {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(coloured)}
