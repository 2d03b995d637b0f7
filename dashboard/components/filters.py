"""Choices above a figure: which version, and which nodes of every level."""

from collections.abc import Mapping, Sequence

import dash_mantine_components as dmc
import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import CHALLENGER, CHAMPION, Catalog
from dashboard.frames import nodes_of

MOST_OPTIONS = 200  # a list in a browser; typing narrows it down


def alias_choice(catalog: Catalog, company: str, family: str, *, id: str, value: str | None) -> Component:
    """Champion or challenger; only those that exist can be chosen."""
    found = {alias: catalog.behind(company, family, alias) for alias in (CHAMPION, CHALLENGER)}
    data = [
        {"value": alias, "label": f"{alias} v{version.number}" if version else f"no {alias}", "disabled": version is None}
        for alias, version in found.items()
    ]
    existing = [alias for alias, version in found.items() if version]
    start = value if value in existing else next(iter(existing), CHAMPION)
    return labelled("Model version", dmc.SegmentedControl(id=id, data=data, value=start, size="sm", color="blue"))


def choice(label: str, options: Mapping[str, str], *, id: str, company: str) -> Component:
    """One of a few options, given as value to words; the choice survives moving between pages."""
    data = [{"value": value, "label": words} for value, words in options.items()]
    control = dmc.SegmentedControl(
        id=id, data=data, value=next(iter(options)), size="sm", persistence=company, persistence_type="memory"
    )
    return labelled(label, control)


def labelled(label: str, control: Component) -> Component:
    """A control below its name."""
    return html.Div([html.Div(label, className="control-label"), control], className="control")


def level_filters(
    frame: pd.DataFrame, levels: Sequence[str], *, company: str, query: Mapping[str, list[str]]
) -> list[Component]:
    """One multiple choice per level, empty for all of its nodes; starts with what the address names."""
    return [_level_filter(level, nodes_of(frame, level), company, query.get(level, [])) for level in levels if level in frame]


def chosen_nodes(filter_ids: Sequence[Mapping[str, str]], values: Sequence[list[str] | None]) -> dict[str, list[str]]:
    """Nodes by level from the filters' ids and values, as Dash hands them over."""
    return {item["level"]: value or [] for item, value in zip(filter_ids, values, strict=True)}


def _level_filter(level: str, nodes: list[str], company: str, asked: list[str]) -> Component:
    control = dmc.MultiSelect(
        id=ids.level_filter(level),
        label=level,
        placeholder=f"all {len(nodes)}",
        data=nodes,
        value=[node for node in asked if node in nodes],
        searchable=True,
        clearable=True,
        limit=MOST_OPTIONS,
        size="sm",
        persistence=company,
        persistence_type="memory",
    )
    return html.Div(control, className="level-filter")
