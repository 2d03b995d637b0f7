"""Every company's models at a glance; for one of them champion and challenger with their accuracy at every level."""

from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import CHALLENGER, CHAMPION, FAMILIES, Catalog, Version
from dashboard.components.cards import card, graph, note, percent, show, stat, stats
from dashboard.components.decision import decision_text, reason_list, version_badges, waiting_notes
from dashboard.components.grids import DECIMAL, NUMBER, SHARE, column_group, make_grid, number_column, text_column
from dashboard.components.shell import page_title
from dashboard.figures.scores import draw_scores
from dashboard.frames import compare_scores
from dashboard.registry import Registry
from dashboard.view import View
from hierforecast.results import SCORES

PATH, TITLE = "/", "Overview"

MODEL_COLUMNS = [
    text_column("company", "Company", width=100),
    text_column("model", "Model", width=180),
    text_column("champion", "Champion", width=100),
    number_column("champion_wape", "WAPE", SHARE, width=85),
    text_column("challenger", "Challenger", width=105),
    number_column("challenger_wape", "WAPE", SHARE, width=85),
    text_column("trained", "Trained on", width=225),
    text_column("decision", "Latest decision", width=280, tooltip=True),
]
SCORE_NAMES = {"wape": ("WAPE", SHARE), "bias": ("bias", SHARE), "mase": ("MASE", DECIMAL), "coverage": ("coverage", SHARE)}


def layout(view: View) -> Component:
    """The table of models, the company's first model selected."""
    rows = model_rows(view.registry, view.catalog)
    selected = rows[rows["company"] == view.company].head(1).to_dict("records")
    grid = make_grid(
        rows, [*MODEL_COLUMNS, _hidden("key"), _hidden("family")], id=ids.OVERVIEW_GRID, row_id="key", selected=selected
    )
    table = card("Models", [grid], about="Select a row to compare its champion with its challenger.")
    heading = page_title("Overview", "Which model forecasts for whom, how well, and why it was chosen.")
    return html.Div([heading, *waiting_notes(view.catalog.waiting), table, html.Div(id=ids.OVERVIEW_DETAIL)])


def register(app: Dash, registry: Registry) -> None:
    """Redraw the comparison when another model is selected."""

    @app.callback(Output(ids.OVERVIEW_DETAIL, "children"), Input(ids.OVERVIEW_GRID, "selectedRows"))
    def compare(rows: list[dict[str, Any]] | None) -> list[Component]:
        if not rows:
            return [note("Select a model above.")]
        return list(show(lambda: comparison(registry, registry.catalog(), rows[0]["company"], rows[0]["family"])))


def model_rows(registry: Registry, catalog: Catalog) -> pd.DataFrame:
    """One row per company and family that has versions."""
    pairs = [(company, family) for company in catalog.companies for family in FAMILIES if catalog.of(company, family)]
    return pd.DataFrame([_model_row(registry, catalog, company, family) for company, family in pairs])


def comparison(registry: Registry, catalog: Catalog, company: str, family: str) -> list[Component]:
    """Champion and challenger of one model: who they are, why they were chosen, and their scores at every level."""
    sides = {alias: catalog.behind(company, family, alias) for alias in (CHAMPION, CHALLENGER)}
    scores = {alias: registry.table(version, SCORES) if version else None for alias, version in sides.items()}
    compared = compare_scores(scores[CHAMPION], scores[CHALLENGER])
    cards = [_side_card(alias, version, registry) for alias, version in sides.items()]
    accuracy = card(
        "Accuracy by level",
        [graph(draw_scores(compared), id="scores-figure"), make_grid(compared, _score_columns(compared), id="scores-grid")],
        about="Share of the volume that the forecast missed (WAPE) on the held-out periods, summed to each level.",
    )
    return [dmc.SimpleGrid(cards, cols={"base": 1, "sm": 2}, className="row"), accuracy]


def headline_wape(registry: Registry, version: Version | None) -> float | None:
    """WAPE of the bottom series, or of the total for models that have no series."""
    found = registry.metrics(version) if version else {}
    return next((found[name] for name in ("wape.bottom", "wape.total") if name in found), None)


def _model_row(registry: Registry, catalog: Catalog, company: str, family: str) -> dict[str, Any]:
    champion, challenger = (catalog.behind(company, family, alias) for alias in (CHAMPION, CHALLENGER))
    latest, shown = catalog.of(company, family)[0], catalog.shown(company, family)
    return {
        "key": f"{company}-{family}",
        "company": company,
        "family": family,
        "model": FAMILIES[family],
        "champion": f"v{champion.number}" if champion else "none yet",
        "champion_wape": headline_wape(registry, champion),
        "challenger": f"v{challenger.number}" if challenger else "–",
        "challenger_wape": headline_wape(registry, challenger),
        "trained": shown.trained if shown else "",
        "decision": f"v{latest.number} {decision_text(latest)}",
    }


def _side_card(alias: str, version: Version | None, registry: Registry) -> Component:
    if version is None:
        return card(alias.capitalize(), [note(f"No version is {alias} now.")])
    numbers = stats(
        [
            stat("version", f"v{version.number}", hint=f"registered {version.created:%Y-%m-%d %H:%M} UTC"),
            stat("WAPE", percent(headline_wape(registry, version)), hint=f"after {version.tags.get('cutoff', 'the cutoff')}"),
        ]
    )
    return card(
        alias.capitalize(),
        [version_badges(version), numbers, note(f"Trained on {version.trained}"), reason_list(version.reasons)],
    )


def _score_columns(compared: pd.DataFrame) -> list[dict[str, Any]]:
    sides = [side for side in (CHAMPION, CHALLENGER) if f"wape_{side}" in compared]
    columns = [text_column("level", "Level", width=110)]
    columns += [number_column(f"cells_{side}", "Cells", NUMBER, width=90) for side in sides[:1]]
    for name, (title, form) in SCORE_NAMES.items():
        columns.append(column_group(title, [number_column(f"{name}_{side}", side, form, width=105) for side in sides]))
    return columns


def _hidden(field: str) -> dict[str, Any]:
    return {"field": field, "hide": True}
