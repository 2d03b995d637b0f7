"""What the sales forecast is made of over time, and how strongly each driver works where."""

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import ALL, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.catalog import CHAMPION, HIREF, Version
from dashboard.components.cards import card, graph, note, problem, show
from dashboard.components.decision import version_title
from dashboard.components.filters import alias_choice, choice, chosen_nodes, labelled, level_filters
from dashboard.components.grids import DECIMAL, NUMBER, SHARE, make_grid, number_column, text_column
from dashboard.components.shell import page_title
from dashboard.figures.contributions import draw_contributions
from dashboard.figures.effects import draw_effects
from dashboard.frames import PARTS, components_of, keep_largest, select_nodes, shares, sum_over_time
from dashboard.pages.forecasts import NO_MODEL, describe_selection
from dashboard.registry import Registry
from dashboard.view import View
from hierforecast.results import ABLATION, BASELINE, CONTRIBUTIONS, ELASTICITIES, LOWER, PART, PERIOD, SIGNS, UPPER

PATH, TITLE = "/contributions", "Contributions"
MOST_COMPONENTS = 12
TOTAL = "total"
FINE_SHARE = ".2%"
SAME = 1e-9  # effects closer than this are one effect, but for rounding
ALL_PARTS = {"all": "all periods"}
BASELINE_CHOICES = {"with": "with baseline", "without": "without"}


def layout(view: View) -> Component:
    """Filters, stack and totals; below them the effects of one driver."""
    version = view.shown(HIREF)
    heading = page_title(TITLE, "What the forecast is made of: baseline, season and every driver, in target units.")
    if version is None:
        return html.Div([heading, problem(NO_MODEL)])
    frame = view.registry.table(version, CONTRIBUTIONS)
    alias = next(iter(view.query.get("alias", [])), CHAMPION)
    controls = [
        alias_choice(view.catalog, view.company, HIREF, id=ids.CONTRIBUTION_ALIAS, value=alias),
        choice(
            "Periods",
            ALL_PARTS | {part: part for part in PARTS if (frame[PART] == part).any()},
            id=ids.CONTRIBUTION_PART,
            company=view.company,
        ),
        choice("Baseline", BASELINE_CHOICES, id=ids.CONTRIBUTION_BASELINE, company=view.company),
    ]
    filters = level_filters(frame, version.levels, company=view.company, query=view.query)
    stack = dcc.Loading(html.Div(id=ids.CONTRIBUTION_VIEW), delay_show=500, type="dot", parent_className="view")
    rows = [html.Div(row, className="controls") for row in (controls, filters)]
    return html.Div([heading, *rows, stack, _effects_card(view.registry, version), *_worth_cards(view.registry, version)])


def register(app: Dash, registry: Registry) -> None:
    """Redraw the stack when a choice changes, and the effects when another driver is chosen."""

    @app.callback(
        Output(ids.CONTRIBUTION_VIEW, "children"),
        Input(ids.CONTRIBUTION_ALIAS, "value"),
        Input(ids.CONTRIBUTION_PART, "value"),
        Input(ids.CONTRIBUTION_BASELINE, "value"),
        Input(ids.level_filter(ALL), "value"),
        State(ids.level_filter(ALL), "id"),
        State(ids.COMPANY, "value"),
    )
    def stack(alias: str, part: str, baseline: str, values: list[Any], filters: list[Any], company: str) -> list[Component]:
        version = registry.catalog().shown(company, HIREF, alias)
        chosen = chosen_nodes(filters, values)
        return list(show(lambda: stack_parts(registry, version, chosen, part=part, with_baseline=baseline == "with")))

    @app.callback(
        Output(ids.ELASTICITY_VIEW, "children"),
        Input(ids.ELASTICITY_DRIVER, "value"),
        Input(ids.CONTRIBUTION_ALIAS, "value"),
        State(ids.COMPANY, "value"),
    )
    def effects(driver: str, alias: str, company: str) -> list[Component]:
        version = registry.catalog().shown(company, HIREF, alias)
        return list(show(lambda: effect_parts(registry, version, driver)))


def stack_parts(
    registry: Registry, version: Version | None, chosen: Mapping[str, list[str]], *, part: str, with_baseline: bool
) -> list[Component]:
    """The stack over time and the totals of one version, summed over the chosen nodes."""
    if version is None:
        return [problem(NO_MODEL)]
    frame = registry.table(version, CONTRIBUTIONS)
    components = components_of(frame, version.levels)
    over_time = sum_over_time(select_nodes(frame, chosen), components)
    over_time = over_time if part == "all" else over_time[over_time[PART] == part]
    drawn = keep_largest(_without_baseline(over_time, with_baseline), _named(components, with_baseline), count=MOST_COMPONENTS)
    stacked = [name for name in drawn.columns if name not in (PERIOD, PART)]
    figure = draw_contributions(drawn, stacked, unit=version.unit, total="forecast" if with_baseline else None)
    stack = card(describe_selection(chosen), [graph(figure, id=ids.CONTRIBUTION_FIGURE)], about=version_title(version))
    return [stack, _totals_card(shares(over_time, components), version)]


def effect_parts(registry: Registry, version: Version | None, driver: str | None) -> list[Component]:
    """Bars and table of one driver's effects; `driver` is ``driver|level`` as the choice holds it."""
    if version is None or not driver:
        return [note("This version carries no effects.")]
    name, level = driver.rsplit("|", 1)
    table = registry.table(version, ELASTICITIES)
    rows = table[(table["driver"] == name) & (table["level"].astype(str) == level)]
    columns = [
        text_column("node", "Node"),
        number_column("effect", "Effect", DECIMAL),
        number_column(LOWER, "at least", DECIMAL),
        number_column(UPPER, "at most", DECIMAL),
    ]
    figure = graph(draw_effects(rows, title=f"effect of {name} by {level}"), id="effects-figure")
    grid = make_grid(rows.assign(node=rows["node"].astype(str)), columns, id="effects-grid")
    return [note(_declared(registry, version, name)), html.Div([figure, grid], className="two")]


def _without_baseline(over_time: pd.DataFrame, with_baseline: bool) -> pd.DataFrame:
    return over_time if with_baseline else over_time.drop(columns=BASELINE)


def _named(components: list[str], with_baseline: bool) -> list[str]:
    return components if with_baseline else [name for name in components if name != BASELINE]


def _totals_card(totals: pd.DataFrame, version: Version) -> Component:
    columns = [
        text_column("component", "Component", width=160),
        number_column("total", version.total_unit, NUMBER),
        number_column("share", "Share of the forecast", SHARE, width=150),
    ]
    return card(
        "Totals", [make_grid(totals, columns, id="totals-grid")], about="Summed over the periods and series shown above."
    )


def _effects_card(registry: Registry, version: Version) -> Component:
    table = registry.table(version, ELASTICITIES)
    # A level that a driver's effect does not vary over would show equal bars.
    spread = table.groupby(["driver", "level"], observed=True, sort=False)["effect"].agg(
        lambda effects: effects.max() - effects.min()
    )
    pairs = [pair for pair, width in spread.items() if width > SAME or pair[1] == TOTAL]
    declared = list(table["driver"].astype(str).drop_duplicates())
    pairs.sort(key=lambda pair: (declared.index(pair[0]), pair[1] == TOTAL))
    options = {f"{driver}|{level}": driver if level == TOTAL else f"{driver} by {level}" for driver, level in pairs}
    control = labelled("Driver", _driver_select(options))
    about = "Mean effect on the model's link scale: with a log link and a log driver it is an elasticity."
    return card("Driver effects", [control, html.Div(id=ids.ELASTICITY_VIEW)], about=about)


def _worth_cards(registry: Registry, version: Version) -> list[Component]:
    """What drivers and declared signs add to the forecast; nothing for versions that do not tell."""
    adds, signs = (registry.table_if_any(version, table) for table in (ABLATION, SIGNS))
    if adds is None or signs is None or adds.empty:
        return []
    drivers = [
        text_column("driver", "Driver"),
        number_column("wape_without", "WAPE without it", FINE_SHARE, width=150),
        number_column("adds", "WAPE it takes off", FINE_SHARE, width=150),
    ]
    declared = [
        text_column("driver", "Driver"),
        text_column("sign", "Sign", width=70),
        number_column("disagree", "Series that disagree", SHARE, width=160),
        number_column("clearly", "… clearly", SHARE),
        number_column("cost", "WAPE it costs", FINE_SHARE, width=130),
    ]
    about = f"Held-out WAPE with all drivers: {adds['wape'].iloc[0]:.2%}. Fitted again without each one, on a sample if large."
    pays = "Disagreeing: the series' own slope has the other sign; clearly: by more than noise. A cost below 0 means it pays."
    return [
        card("What drivers are worth", [make_grid(adds, drivers, id="worth-grid")], about=about),
        card("What declared signs cost", [make_grid(signs, declared, id="signs-grid")], about=pays),
    ]


def _driver_select(options: Mapping[str, str]) -> Component:
    data = [{"value": value, "label": label} for value, label in options.items()]
    return dmc.Select(
        id=ids.ELASTICITY_DRIVER, data=data, value=next(iter(options), None), allowDeselect=False, className="driver"
    )


def _declared(registry: Registry, version: Version, driver: str) -> str:
    settings = registry.settings(version)
    drivers = settings.sales.drivers if settings and settings.sales else []
    found = next((item for item in drivers if item.name == driver), None)
    return f"Declared sign of {driver}: {found.sign}" + (f", in {found.unit}" if found.unit else "") if found else ""
