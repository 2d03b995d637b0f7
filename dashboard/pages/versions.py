"""Every version of a company's models: when it was trained, what was decided, and the evidence."""

from typing import Any

import pandas as pd
from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import FAMILIES, Version
from dashboard.components.cards import card, note
from dashboard.components.decision import WORDS, reason_list, version_badges, waiting_notes
from dashboard.components.grids import SHARE, make_grid, number_column, text_column
from dashboard.components.shell import page_title
from dashboard.pages.overview import headline_wape
from dashboard.registry import Registry
from dashboard.routes import checks_path
from dashboard.view import View

PATH, TITLE = "/versions", "Versions"
MOST_VERSIONS = 200

COLUMNS = [
    text_column("model", "Model", width=180),
    text_column("number", "Version", width=90),
    text_column("aliases", "Alias", width=120),
    text_column("decision", "Decision", width=150),
    number_column("wape", "WAPE", SHARE, width=90),
    text_column("trained", "Trained on", width=225),
    text_column("cutoff", "Cutoff", width=110),
    text_column("created", "Registered (UTC)", width=160),
    {"field": "key", "hide": True},
    {"field": "family", "hide": True},
]


def layout(view: View) -> Component:
    """The versions, newest first; the newest is selected."""
    rows = version_rows(view.registry, view.catalog.of(view.company)[:MOST_VERSIONS])
    grid = make_grid(rows, COLUMNS, id=ids.VERSIONS_GRID, row_id="key", selected=rows.head(1).to_dict("records"))
    heading = page_title(TITLE, "Everything that was ever registered, and why it was or was not put to work.")
    return html.Div(
        [heading, card(view.company, [grid], about="Select a row for its evidence."), html.Div(id=ids.VERSIONS_DETAIL)]
    )


def register(app: Dash, registry: Registry) -> None:
    """Show the selected version."""

    @app.callback(
        Output(ids.VERSIONS_DETAIL, "children"), Input(ids.VERSIONS_GRID, "selectedRows"), State(ids.COMPANY, "value")
    )
    def detail(rows: list[dict[str, Any]] | None, company: str) -> list[Component]:
        row = rows[0] if rows else {}
        version = registry.catalog().numbered(company, row.get("family", ""), int(row.get("number", 0)))
        return [version_card(version)] if version else [note("Select a version above.")]


def version_rows(registry: Registry, versions: list[Version]) -> pd.DataFrame:
    """One row per version."""
    return pd.DataFrame(
        [
            {
                "key": f"{version.family}-{version.number}",
                "family": version.family,
                "model": FAMILIES.get(version.family, version.family),
                "number": version.number,
                "aliases": ", ".join(version.aliases),
                "decision": WORDS.get(version.tags.get("decision", ""), version.tags.get("decision", "")),
                "wape": headline_wape(registry, version),
                "trained": version.trained,
                "cutoff": version.tags.get("cutoff", ""),
                "created": f"{version.created:%Y-%m-%d %H:%M}",
            }
            for version in versions
        ]
    )


def version_card(version: Version) -> Component:
    """One version: decision with its reasons, the data checks' report, and every tag."""
    told = {"decision_reasons", "decision"}
    tags = {name: value for name, value in version.tags.items() if name not in told} | {"levels": ", ".join(version.levels)}
    rows = [html.Tr([html.Th(name), html.Td(value)]) for name, value in sorted(tags.items())]
    report = html.A("Report of the data checks", href=checks_path(version), target="_blank", rel="noopener")
    run = html.Tr([html.Th("run"), html.Td(version.run_id)])
    body = [
        version_badges(version),
        *waiting_notes([version]),
        reason_list(version.reasons),
        report,
        html.Table(html.Tbody([*rows, run]), className="tags"),
    ]
    return card(f"{FAMILIES.get(version.family, version.family)}, version {version.number}", body)
