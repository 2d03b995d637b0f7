"""The frame around every page: name, links, choice of company; and the page of an empty registry."""

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.view import View, link


def header(view: View, links: Sequence[tuple[str, str]], active: str) -> Component:
    """Name, links as (path, title), and the choice of company."""
    anchors = [
        dcc.Link(title, href=link(path, view.company), className="nav-link active" if path == active else "nav-link")
        for path, title in links
    ]
    select = dmc.Select(
        id=ids.COMPANY,
        data=view.catalog.companies,
        value=view.company,
        allowDeselect=False,
        searchable=True,
        size="sm",
        className="company",
        **{"aria-label": "Company"},
    )
    parts = [html.Div("hierforecast", className="house"), html.Nav(anchors, className="nav"), select]
    return html.Header(html.Div(parts, className="header-inner"), className="header")


def page_title(title: str, subtitle: str) -> Component:
    """A page's heading with one line below."""
    return html.Div([dmc.Title(title, order=2), dmc.Text(subtitle, className="subtitle")], className="page-title")


def empty_registry(problem: str) -> Component:
    """What a person sees before the first training: what is missing and what to run."""
    return html.Main(
        dmc.Paper(
            [
                dmc.Title("No models yet", order=2),
                dmc.Text(problem, className="empty-text"),
                dmc.Text(
                    "To start the server, the worker and the first training of the demo company, run", className="empty-text"
                ),
                dmc.Code("./start.sh", block=True, className="command"),
                dmc.Text("This page looks again by itself; leave it open.", className="note"),
            ],
            className="card empty",
            withBorder=True,
        ),
        className="main",
    )
