"""Forecast against actual over time, for any selection of nodes."""

from collections.abc import Mapping

import pandas as pd
from dash import ALL, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import CHAMPION, HIREF, Version
from dashboard.components.cards import card, graph, note, percent, problem, quantity, show, stat, stats
from dashboard.components.decision import version_title
from dashboard.components.filters import alias_choice, chosen_nodes, level_filters
from dashboard.components.shell import page_title
from dashboard.figures.forecast import draw_forecast
from dashboard.frames import accuracy, add_node_bounds, forecast_over_time, select_nodes
from dashboard.registry import Registry
from dashboard.view import View
from hierforecast.results import FORECAST, FORECASTS, FUTURE, LOWER, NODES, PART

PATH, TITLE = "/forecasts", "Forecasts"
NO_MODEL = "This company has no sales forecast yet. Train one, or choose another company."


def layout(view: View) -> Component:
    """Filters for every level above the figure."""
    version = view.shown(HIREF)
    heading = page_title(TITLE, "What sold, what the model said, and what it expects next.")
    if version is None:
        return html.Div([heading, problem(NO_MODEL)])
    frame = view.registry.table(version, FORECASTS)
    alias = next(iter(view.query.get("alias", [])), CHAMPION)
    controls = [
        alias_choice(view.catalog, view.company, HIREF, id=ids.FORECAST_ALIAS, value=alias),
        *level_filters(frame, version.levels, company=view.company, query=view.query),
    ]
    figure = dcc.Loading(html.Div(id=ids.FORECAST_VIEW), delay_show=500, type="dot", parent_className="view")
    return html.Div([heading, html.Div(controls, className="controls"), figure])


def register(app: Dash, registry: Registry) -> None:
    """Redraw when the version or a filter changes."""

    @app.callback(
        Output(ids.FORECAST_VIEW, "children"),
        Input(ids.FORECAST_ALIAS, "value"),
        Input(ids.level_filter(ALL), "value"),
        State(ids.level_filter(ALL), "id"),
        State(ids.COMPANY, "value"),
    )
    def draw(alias: str, values: list[list[str]], filters: list[dict[str, str]], company: str) -> list[Component]:
        version = registry.catalog().shown(company, HIREF, alias)
        return list(show(lambda: forecast_parts(registry, version, chosen_nodes(filters, values))))


def forecast_parts(registry: Registry, version: Version | None, chosen: Mapping[str, list[str]]) -> list[Component]:
    """Numbers and figure of one version's forecast, summed over the chosen nodes."""
    if version is None:
        return [problem(NO_MODEL)]
    over_time = forecast_over_time(select_nodes(registry.table(version, FORECASTS), chosen))
    nodes = registry.table_if_any(version, NODES)
    if nodes is not None:
        over_time = add_node_bounds(over_time, nodes, chosen)
    settings = registry.settings(version)
    interval = settings.training.interval if settings else None
    figure = draw_forecast(over_time, unit=version.unit, interval=interval)
    remark = _HOW_TO_READ if LOWER in over_time else f"{_HOW_TO_READ} {_WHY_NO_INTERVAL}"
    body = [_numbers(over_time, version.total_unit), graph(figure, id=ids.FORECAST_FIGURE), note(remark)]
    return [card(describe_selection(chosen), body, about=version_title(version))]


def describe_selection(chosen: Mapping[str, list[str]]) -> str:
    """The selection in words, e.g. ``brand Alba, Brio · pack small``."""
    parts = [f"{level} {', '.join(nodes[:4])}{' …' if len(nodes) > 4 else ''}" for level, nodes in chosen.items() if nodes]
    return " · ".join(parts) or "All series"


_HOW_TO_READ = (
    "Held-out periods were forecast without having been seen; before them the line is the fit, after them the forecast ahead."
)
_WHY_NO_INTERVAL = (
    "No interval is shown for this sum: bounds of several series do not add up. Clear all filters, choose one node of a "
    "single level, or one node at every level to see one."
)


def _numbers(over_time: pd.DataFrame, unit: str) -> Component:
    held = accuracy(over_time)
    future = over_time[over_time[PART] == FUTURE]
    return stats(
        [
            stat("WAPE, held out", percent(held.wape), hint=f"of this sum, {held.periods} periods"),
            stat("bias, held out", percent(held.bias), hint="above 0: forecast too high"),
            stat("actual, held out", quantity(held.actual), hint=unit),
            stat("forecast, held out", quantity(held.forecast), hint=unit),
            stat("forecast, future", quantity(float(future[FORECAST].sum(min_count=1))), hint=f"next {len(future)} periods"),
        ]
    )
