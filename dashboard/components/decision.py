"""How a version and the decision about it are told."""

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.catalog import CHALLENGER, CHAMPION, Reason, Version

COLOURS = {"promoted": "green", "kept": "orange", CHAMPION: "blue", CHALLENGER: "yellow"}
WORDS = {"promoted": "promoted", "kept": "kept out"}


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


def decision_text(version: Version) -> str:
    """The decision in one line: what was decided and, where it was refused, the first gate that did not hold."""
    decision = version.tags.get("decision", "")
    failed = next((reason.sentence for reason in version.reasons if not reason.held), "")
    return f"{WORDS.get(decision, decision)}: {failed}" if failed else WORDS.get(decision, decision)


def version_title(version: Version) -> str:
    """E.g. ``champion v2 · trained 2024-01-01 – 2025-12-22 · judged after 2025-09-29``."""
    cutoff = version.tags.get("cutoff")
    name = f"{' and '.join(version.aliases) or 'version'} v{version.number}"
    return f"{name} · trained {version.trained}" + (f" · judged after {cutoff}" if cutoff else "")


def _reason(reason: Reason) -> Component:
    mark = "✓" if reason.held else "✗"
    return html.Li([html.Span(mark, className="held" if reason.held else "failed"), html.Span(reason.sentence)])
