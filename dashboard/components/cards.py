"""Cards, figures in frames, and numbers as people read them."""

import math
from collections.abc import Callable, Sequence

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component

from hierforecast.errors import RegistryError

GRAPH_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}


def percent(value: float | None, *, digits: int = 1) -> str:
    """A share as percent; a dash where it is unknown."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}%}"


def quantity(value: float | None) -> str:
    """A number in four digits or so: 950, 12,340, 1.23 M; a dash where it is unknown."""
    if value is None or math.isnan(value):
        return "–"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.2f} M"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def card(title: str, children: Sequence[Component | str | None], *, about: str = "") -> Component:
    """A framed part of a page with its title and one line that says how to read it."""
    heading = [dmc.Title(title, order=3, className="card-title"), dmc.Text(about, className="card-about") if about else None]
    return dmc.Paper([*heading, *children], className="card", withBorder=True)


def stat(label: str, value: str, *, hint: str = "") -> Component:
    """One number with its name."""
    parts = [
        html.Div(label, className="stat-label"),
        html.Div(value, className="stat-value"),
        html.Div(hint, className="stat-hint"),
    ]
    return html.Div(parts, className="stat")


def stats(items: Sequence[Component]) -> Component:
    """A row of numbers that wraps on narrow screens."""
    return html.Div(list(items), className="stats")


def graph(figure: go.Figure, *, id: str) -> Component:
    """A figure at its own height that follows the width of its card."""
    height = figure.layout.height
    return dcc.Graph(id=id, figure=figure, config=GRAPH_CONFIG, style={"height": f"{height}px"} if height else None)


def note(text: str) -> Component:
    """A quiet remark below a figure."""
    return dmc.Text(text, className="note")


def problem(text: str) -> Component:
    """What could not be shown, and why."""
    return dmc.Alert(text, title="Nothing to show here", color="orange", variant="light", className="problem")


def show(build: Callable[[], Sequence[Component]]) -> Sequence[Component]:
    """What `build` gives, or the reason why the registry could not serve it."""
    try:
        return build()
    except RegistryError as error:
        return [problem(str(error))]
