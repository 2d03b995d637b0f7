"""How a version and the decision about it are told."""

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.catalog import CHALLENGER, CHAMPION, FAMILIES, WAITING, Reason, Version

COLOURS = {
    "promoted": "green",
    "kept": "orange",
    WAITING: "violet",
    "refused": "red",
    "superseded": "gray",
    CHAMPION: "blue",
    CHALLENGER: "yellow",
}
WORDS = {"promoted": "promoted", "kept": "kept out", WAITING: "waits for approval", "refused": "refused"}


def badge(word: str) -> Component:
    """A coloured word: an alias or a decision."""
    return dmc.Badge(WORDS.get(word, word), color=COLOURS.get(word, "gray"), variant="light", className="badge")


def version_badges(version: Version) -> Component:
    """The version's aliases and decision as badges."""
    words = [*version.aliases, version.tags.get("decision", "")]
    return html.Div([badge(word) for word in words if word], className="badges")


def reason_list(reasons: list[Reason]) -> Component:
    """Every gate with its verdict; gates that did not hold come first."""
    if not reasons:
        return html.Div("No gates were recorded on this version.", className="note")
    ordered = sorted(reasons, key=lambda reason: reason.held)
    return html.Ul([_reason(reason) for reason in ordered], className="reasons")


def waiting_notes(versions: list[Version]) -> list[Component]:
    """For every version that waits for a person's word, what to type."""
    return [_waiting(version) for version in versions if version.tags.get("decision") == WAITING]


def decision_text(version: Version) -> str:
    """The decision in one line: what was decided and, where it was refused, by whom or the first gate that did not hold."""
    decision = version.tags.get("decision", "")
    if decision == "refused":
        because = version.tags.get("refused_because")
        return f"refused by {version.tags.get('refused_by', 'somebody')}" + (f": {because}" if because else "")
    failed = next((reason.sentence for reason in version.reasons if not reason.held), "")
    return f"{WORDS.get(decision, decision)}: {failed}" if failed else WORDS.get(decision, decision)


def version_title(version: Version) -> str:
    """E.g. ``champion v2 · trained 2024-01-01 – 2025-12-22 · judged after 2025-09-29``."""
    cutoff = version.tags.get("cutoff")
    name = f"{' and '.join(version.aliases) or 'version'} v{version.number}"
    return f"{name} · trained {version.trained}" + (f" · judged after {cutoff}" if cutoff else "")


def _waiting(version: Version) -> Component:
    command = f"python -m flows.approve --settings YOUR.yaml --family {version.family} --version {version.number}"
    title = f"{version.company}: {FAMILIES.get(version.family, version.family)}, version {version.number} waits for approval"
    said = ["It holds every gate. ", html.Code(command), " promotes it; with ", html.Code("--refuse"), " it stays out."]
    return dmc.Alert(html.Div(said), title=title, color=COLOURS[WAITING], variant="light", className="waiting")


def _reason(reason: Reason) -> Component:
    mark = "✓" if reason.held else "✗"
    return html.Li([html.Span(mark, className="held" if reason.held else "failed"), html.Span(reason.sentence)])
