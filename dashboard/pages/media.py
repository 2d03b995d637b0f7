"""The media mix: what each channel contributed and returned, how the model fits, how long effects last, how it was sampled."""

import pandas as pd
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import CHAMPION, PRECISION, Version
from dashboard.components import money
from dashboard.components.cards import card, graph, percent, problem, quantity, show, stat, stats
from dashboard.components.convergence import convergence_card
from dashboard.components.decision import version_title
from dashboard.components.filters import alias_choice, choice
from dashboard.components.grids import DECIMAL, NUMBER, SHARE, column_group, make_grid, number_column, text_column
from dashboard.components.shell import page_title
from dashboard.figures.contributions import draw_contributions
from dashboard.figures.effects import draw_decay
from dashboard.figures.forecast import draw_forecast
from dashboard.frames import accuracy, media_over_time, shares, totals_of
from dashboard.registry import Registry
from dashboard.view import View
from hierforecast.options import PrecisionGate
from hierforecast.results import (
    ACCURACY,
    BASELINE,
    BUDGET,
    BUDGET_OUTCOME,
    DECAY,
    DIAGNOSTICS,
    ENSEMBLE_ROI,
    ENSEMBLE_WEIGHTS,
    FIT,
    LEFT_OUT,
    LOWER,
    MEDIA_CONTRIBUTIONS,
    MEDIA_TOTALS,
    PERIOD,
    RESPONSE,
    ROI,
    UPPER,
)

PATH, TITLE = "/media", "Media mix"
NO_MODEL = "This company has no marketing mix model yet. Train one, or choose another company."
SCOPES = {"all": "everything", "media": "without baseline"}


def layout(view: View) -> Component:
    """Choices above; contributions, money, fit, decay and diagnostics below."""
    version = view.shown(PRECISION)
    heading = page_title(TITLE, "What media earned and returned, how well the model explains it, and how long effects last.")
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
    """All cards of one version; those whose tables it does not carry are left out."""
    if version is None:
        return [problem(NO_MODEL)]
    contributions, totals = registry.table(version, MEDIA_CONTRIBUTIONS), registry.table_if_any(version, MEDIA_TOTALS)
    return [
        stack_card(contributions, version, level, with_baseline=with_baseline),
        totals_card(contributions, totals, version, level),
        *money_cards(registry, version, level),
        fit_card(registry.table(version, FIT), registry.table_if_any(version, ACCURACY), version, _interval(registry, version)),
        decay_card(registry.table(version, DECAY), version),
        convergence_card(
            registry.table(version, DIAGNOSTICS),
            registry.table_if_any(version, LEFT_OUT),
            registry.metrics(version),
            _gate(registry, version),
        ),
    ]


def stack_card(frame: pd.DataFrame, version: Version, level: str, *, with_baseline: bool) -> Component:
    """The stack of one media level over time."""
    over_time = media_over_time(frame, level)
    nodes = [str(name) for name in over_time.columns if name != PERIOD]
    stacked = nodes if with_baseline else [name for name in nodes if name != BASELINE]
    figure = draw_contributions(over_time, stacked, unit=version.unit, total="fitted mean" if with_baseline else None)
    return card(f"Contributions by {level}", [graph(figure, id=ids.MEDIA_FIGURE)], about=version_title(version))


def totals_card(contributions: pd.DataFrame, totals: pd.DataFrame | None, version: Version, level: str) -> Component:
    """Totals of one media level with their intervals; without, where the version carries none."""
    component = text_column("component", level.capitalize(), width=150)
    if totals is None:
        over_time = media_over_time(contributions, level)
        rows = shares(over_time, [str(name) for name in over_time.columns if name != PERIOD])
        total = number_column("total", version.total_unit, NUMBER)
        share = number_column("share", "Share of the fitted mean", SHARE, width=160)
        grid = make_grid(rows, [component, total, share], id="media-totals")
        return card("Totals", [grid], about="Posterior means, summed over all periods.")
    columns = [
        component,
        column_group(version.total_unit, _with_bounds("total", LOWER, UPPER, NUMBER)),
        column_group("Share of the fitted mean", _with_bounds("share", "share_lower", "share_upper", SHARE)),
    ]
    grid = make_grid(totals_of(totals, level), columns, id="media-totals")
    return card("Totals", [grid], about="Summed over all trained periods: posterior means with their intervals.")


def money_cards(registry: Registry, version: Version, level: str) -> list[Component]:
    """Returns, response curves, budget and the metrics side by side, as far as the version carries them."""
    unit, found = version.total_unit, []
    roi, response, budget, outcome = (
        registry.table_if_any(version, table) for table in (ROI, RESPONSE, BUDGET, BUDGET_OUTCOME)
    )
    weights, compared = (registry.table_if_any(version, table) for table in (ENSEMBLE_WEIGHTS, ENSEMBLE_ROI))
    if roi is not None:
        found.append(money.returns_card(roi, level, unit=unit))
    if response is not None:
        found.append(money.response_card(response, level, unit=unit))
    if budget is not None and outcome is not None:
        found.append(money.budget_card(budget, outcome, level, unit=unit))
    if weights is not None and compared is not None:
        found.append(money.ensemble_card(weights, compared, level))
    return found


def fit_card(fit: pd.DataFrame, scores: pd.DataFrame | None, version: Version, interval: float | None) -> Component:
    """Actual against the fitted mean with its predictive interval, and how good the held-out forecast was."""
    held = accuracy(fit)
    numbers = [
        stat("WAPE, held out", percent(held.wape), hint=f"{held.periods} periods"),
        stat("bias, held out", percent(held.bias), hint="above 0: forecast too high"),
    ]
    if scores is not None:
        told = scores.iloc[0]
        numbers += [
            stat("MAPE, held out", percent(told["mape"])),
            stat(f"CRPS, {version.unit}", quantity(told["crps"]), hint=f"{percent(told['relative_crps'])} of the actual"),
            stat("within 90% intervals", percent(told["coverage_90"], digits=0), hint="of the held-out periods"),
        ]
    figure = draw_forecast(fit.sort_values(PERIOD), unit=version.unit, interval=interval)
    return card(
        "Fit",
        [stats(numbers), graph(figure, id="fit-figure")],
        about="Actual against the model's mean and predictive interval.",
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


def _with_bounds(middle: str, lower: str, upper: str, form: str) -> list[dict[str, object]]:
    names = {middle: "Mean", lower: "Lower", upper: "Upper"}
    return [number_column(field, title, form, width=85) for field, title in names.items()]


def _gate(registry: Registry, version: Version) -> PrecisionGate:
    settings = registry.settings(version)
    return settings.gates.precision if settings else PrecisionGate()


def _interval(registry: Registry, version: Version) -> float | None:
    settings = registry.settings(version)
    return settings.sampling.interval if settings else None
