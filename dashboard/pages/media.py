"""The media mix: what each channel contributed, how the model fits, how long effects last, and whether sampling converged."""

import pandas as pd
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import CHAMPION, PRECISION, Version
from dashboard.components.cards import card, graph, note, percent, problem, show, stat, stats
from dashboard.components.decision import version_title
from dashboard.components.filters import alias_choice, choice
from dashboard.components.grids import DECIMAL, NUMBER, SHARE, make_grid, number_column, text_column
from dashboard.components.shell import page_title
from dashboard.figures.contributions import draw_contributions
from dashboard.figures.effects import draw_decay
from dashboard.figures.forecast import draw_forecast
from dashboard.frames import accuracy, media_over_time, shares
from dashboard.registry import Registry
from dashboard.view import View
from hierforecast.options import PrecisionGate
from hierforecast.results import BASELINE, DECAY, DIAGNOSTICS, FIT, MEDIA_CONTRIBUTIONS, PERIOD

PATH, TITLE = "/media", "Media mix"
NO_MODEL = "This company has no marketing mix model yet. Train one, or choose another company."
SCOPES = {"all": "everything", "media": "without baseline"}
WORST_PARAMETERS = 10


def layout(view: View) -> Component:
    """Choices above; contributions, fit, decay and diagnostics below."""
    version = view.shown(PRECISION)
    heading = page_title(TITLE, "What media earned, how well the model explains it, and how long its effects last.")
    if version is None:
        return html.Div([heading, problem(NO_MODEL)])
    levels = media_levels(view.registry.table(version, MEDIA_CONTRIBUTIONS), version)
    alias = next(iter(view.query.get("alias", [])), CHAMPION)
    controls = [
        alias_choice(view.catalog, view.company, PRECISION, id=ids.MEDIA_ALIAS, value=alias),
        choice("Media by", {level: level for level in levels}, id=ids.MEDIA_LEVEL, company=view.company),
        choice("Show", SCOPES, id=ids.MEDIA_SCOPE, company=view.company),
    ]
    body = dcc.Loading(html.Div(id=ids.MEDIA_VIEW), delay_show=500, type="dot", parent_className="view")
    return html.Div([heading, html.Div(controls, className="controls"), body])


def register(app: Dash, registry: Registry) -> None:
    """Redraw when the version, the media level or the scope changes."""

    @app.callback(
        Output(ids.MEDIA_VIEW, "children"),
        Input(ids.MEDIA_ALIAS, "value"),
        Input(ids.MEDIA_LEVEL, "value"),
        Input(ids.MEDIA_SCOPE, "value"),
        State(ids.COMPANY, "value"),
    )
    def draw(alias: str, level: str, scope: str, company: str) -> list[Component]:
        version = registry.catalog().shown(company, PRECISION, alias)
        return list(show(lambda: media_parts(registry, version, level, with_baseline=scope == "all")))


def media_levels(contributions: pd.DataFrame, version: Version) -> list[str]:
    """Media levels in the table, from channels down to tacticals."""
    found = set(contributions["level"].astype(str)) - {"control", BASELINE}
    declared = [level for level in reversed(version.levels) if level in found]
    return declared or sorted(found)


def media_parts(registry: Registry, version: Version | None, level: str, *, with_baseline: bool) -> list[Component]:
    """All cards of one version."""
    if version is None:
        return [problem(NO_MODEL)]
    return [
        *contribution_cards(registry.table(version, MEDIA_CONTRIBUTIONS), version, level, with_baseline=with_baseline),
        fit_card(registry.table(version, FIT), version, _interval(registry, version)),
        decay_card(registry.table(version, DECAY), version),
        diagnostics_card(registry.table(version, DIAGNOSTICS), _gate(registry, version)),
    ]


def contribution_cards(frame: pd.DataFrame, version: Version, level: str, *, with_baseline: bool) -> list[Component]:
    """The stack of one media level over time, and its totals."""
    over_time = media_over_time(frame, level)
    nodes = [str(name) for name in over_time.columns if name != PERIOD]
    stacked = nodes if with_baseline else [name for name in nodes if name != BASELINE]
    figure = draw_contributions(over_time, stacked, unit=version.unit, total="fitted mean" if with_baseline else None)
    columns = [
        text_column("component", level.capitalize(), width=150),
        number_column("total", version.total_unit, NUMBER),
        number_column("share", "Share of the fitted mean", SHARE, width=160),
    ]
    totals = make_grid(shares(over_time, nodes), columns, id="media-totals")
    return [
        card(f"Contributions by {level}", [graph(figure, id=ids.MEDIA_FIGURE)], about=version_title(version)),
        card("Totals", [totals], about="Posterior means, summed over all periods."),
    ]


def fit_card(fit: pd.DataFrame, version: Version, interval: float | None) -> Component:
    """Actual against the fitted mean with its predictive interval."""
    held = accuracy(fit)
    numbers = stats(
        [
            stat("WAPE, held out", percent(held.wape), hint=f"{held.periods} periods"),
            stat("bias, held out", percent(held.bias), hint="above 0: forecast too high"),
        ]
    )
    figure = draw_forecast(fit.sort_values(PERIOD), unit=version.unit, interval=interval)
    return card(
        "Fit", [numbers, graph(figure, id="fit-figure")], about="Actual against the model's mean and predictive interval."
    )


def decay_card(decay: pd.DataFrame, version: Version) -> Component:
    """The decay table with its picture."""
    period = version.tags.get("frequency", "period")
    columns = [
        text_column("tactical", "Tactical", width=130),
        text_column("channel", "Channel", width=100),
        number_column("decay", "Decay", ".2f", width=90),
        number_column("lower", "Lower", ".2f", width=90),
        number_column("upper", "Upper", ".2f", width=90),
        number_column("half_life", f"Half-life, {period}s", ".1f", width=130),
        number_column("rhat", "R-hat", DECIMAL, width=90),
        number_column("ess_bulk", "Bulk ESS", NUMBER, width=100),
    ]
    about = f"How much of an exposure's effect is carried from one {period} to the next, with its posterior interval."
    return card(
        "Decay",
        [graph(draw_decay(decay, period=period), id="decay-figure"), make_grid(decay, columns, id=ids.MEDIA_DECAY_GRID)],
        about=about,
    )


def diagnostics_card(diagnostics: pd.DataFrame, gate: PrecisionGate) -> Component:
    """Whether the chains agree: the worst figures beside what the gate allows, and the parameters they belong to."""
    worst_rhat, least_ess = diagnostics["rhat"].max(), diagnostics[["ess_bulk", "ess_tail"]].min().min()
    numbers = stats(
        [
            stat(
                "largest R-hat", f"{worst_rhat:.3f}", hint=_verdict(worst_rhat <= gate.max_rhat, f"at most {gate.max_rhat:g}")
            ),
            stat("least ESS", f"{least_ess:,.0f}", hint=_verdict(least_ess >= gate.min_ess, f"at least {gate.min_ess:g}")),
            stat("parameters", f"{len(diagnostics):,}"),
        ]
    )
    columns = [text_column("parameter", "Parameter"), text_column("node", "Node")]
    columns += [number_column(name, name, DECIMAL, width=90) for name in ("mean", "sd", "rhat")]
    columns += [number_column(name, name.replace("_", " "), NUMBER, width=95) for name in ("ess_bulk", "ess_tail")]
    worst = diagnostics.nlargest(WORST_PARAMETERS, "rhat")
    return card(
        "Convergence",
        [numbers, note("The parameters with the largest R-hat:"), make_grid(worst, columns, id="diagnostics-grid")],
    )


def _verdict(holds: bool, limit: str) -> str:
    return f"{'✓' if holds else '✗'} {limit}"


def _gate(registry: Registry, version: Version) -> PrecisionGate:
    settings = registry.settings(version)
    return settings.gates.precision if settings else PrecisionGate()


def _interval(registry: Registry, version: Version) -> float | None:
    settings = registry.settings(version)
    return settings.sampling.interval if settings else None
