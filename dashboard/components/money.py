"""Cards about money on the media page: returns on spend, response curves, a budget spread anew, returns metric by metric."""

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.cards import card, graph, note, percent, quantity, stat, stats
from dashboard.components.grids import NUMBER, column_group, make_grid, number_column, text_column
from dashboard.figures.returns import draw_budget, draw_response, draw_returns
from hierforecast.hierarchy import TOTAL
from hierforecast.results import ENSEMBLE_ROI, LOWER, UPPER

RETURN = ",.2f"


def returns_card(roi: pd.DataFrame, level: str, *, unit: str) -> Component:
    """Returns of one level's nodes and of everything, as a picture and as a table."""
    rows = roi[roi["level"].isin([level, TOTAL])]
    columns = [
        text_column("node", level.capitalize(), width=130),
        number_column("spend", "Spend", NUMBER, width=90),
        number_column("contribution", unit, NUMBER, width=100),
        column_group("Return on spend", _triple("roi", LOWER, UPPER)),
        column_group("On one more currency unit", _triple("marginal_roi", "marginal_lower", "marginal_upper")),
    ]
    about = f"{unit} per currency unit spent, carry-over included; dashed: one for one. Posterior means with intervals."
    missing = rows.loc[rows["spend"] <= 0, "node"].astype(str)
    parts = [graph(draw_returns(rows, unit=unit), id=ids.MEDIA_RETURNS), make_grid(rows, columns, id=ids.MEDIA_RETURNS_GRID)]
    return card("Returns", [*parts, note(f"Without spend: {', '.join(missing)}.") if len(missing) else None], about=about)


def response_card(response: pd.DataFrame, level: str, *, unit: str) -> Component:
    """The response curves of one level."""
    about = "What a node brings in all if its spend in the trained periods is multiplied. Straight: no saturation was declared."
    if not _is_straight(response):
        about = "What a node brings in all if its spend in the trained periods is multiplied."
    figure = draw_response(response[response["level"] == level], unit=unit)
    return card("Response to spend", [graph(figure, id=ids.MEDIA_RESPONSE)], about=about)


def budget_card(budget: pd.DataFrame, outcome: pd.DataFrame, level: str, *, unit: str) -> Component:
    """The best plan beside the current one: what it gains, spend and contribution per node, and the sentence about it."""
    told = outcome.iloc[0]
    rows = budget[budget["level"] == level]
    gain = f"{quantity(told['difference_lower'])} to {quantity(told['difference_upper'])}"
    numbers = stats(
        [
            stat(f"gain, {unit}", quantity(told["difference"]), hint=gain),
            stat("probability of a gain", percent(told["probability_better"], digits=0)),
            stat("budget", quantity(told["budget"]), hint="the same before and after"),
        ]
    )
    columns = [
        text_column("node", level.capitalize(), width=130),
        column_group("Spend", _pair("spend", NUMBER)),
        column_group(unit, _pair("contribution", NUMBER)),
        column_group("Return", _pair("roi", RETURN)),
        column_group("On one more", _pair("marginal", RETURN)),
    ]
    figures = html.Div(
        [
            graph(draw_budget(rows, measure="spend", title="spend"), id=ids.MEDIA_BUDGET),
            graph(draw_budget(rows, measure="contribution", title=unit), id="budget-contribution"),
        ],
        className="halves",
    )
    what = "The planned" if told["planned"] else "The last"
    about = f"{what} weeks, {told['first']:%Y-%m-%d} to {told['last']:%Y-%m-%d}, with the same budget spread anew."
    grid = make_grid(budget[budget["level"].isin([level, TOTAL])], columns, id=ids.MEDIA_BUDGET_GRID)
    return card("Budget", [numbers, figures, grid, note(_sentence(str(told["message"])))], about=about)


def ensemble_card(weights: pd.DataFrame, roi: pd.DataFrame, level: str) -> Component:
    """How well every metric's model foretells, and what each says of a node."""
    shown = [
        text_column("metric", "Metric", width=130),
        column_group(
            "Weights",
            [
                number_column("weight", "Stacked", ",.2f", width=85),
                number_column("standard_error", "± error", ",.2f", width=85),
                number_column("pseudo_bma", "Pseudo-BMA", ",.2f"),
                number_column("leave_future_out", "Future", ",.2f", width=85),
            ],
        ),
        number_column("elpd", "Log density, left out", ",.1f", width=190),
        number_column("elpd_difference", "Behind the best", ",.1f", width=130),
        number_column("max_pareto_k", "Pareto k", ",.2f"),
    ]
    metrics = [name for name in roi.columns if name not in ENSEMBLE_ROI.columns]
    rows = roi[roi["level"].isin([level, TOTAL])].assign(apart=lambda f: f["disagree"].map({True: "✗ disagree", False: "✓"}))
    quantities = rows["quantity"].iloc[0] if len(rows) else "roi"
    compared = [
        text_column("node", level.capitalize(), width=130),
        *(number_column(name, name, RETURN) for name in (*metrics, "equal", "stacked", "sd")),
        text_column("apart", "Agreement", width=110),
    ]
    about = (
        "One model per metric on the same weeks. Weights are for forecasting: clicks come after people were persuaded, so what "
        "media earned is told metric by metric."
    )
    return card(
        "Metrics side by side",
        [
            make_grid(weights, shown, id=ids.MEDIA_ENSEMBLE_GRID),
            note(f"{'Return on spend' if quantities == 'roi' else 'Contribution'} by every metric:"),
            make_grid(rows, compared, id="ensemble-roi"),
        ],
        about=about,
    )


def _is_straight(response: pd.DataFrame) -> bool:
    """Whether every curve is a line: an effect at twice the spend is twice the effect."""
    once, twice = (response[response["multiple"] == at].set_index(["level", "node"])["effect"] for at in (1.0, 2.0))
    return len(twice) > 0 and bool(((twice - 2.0 * once).abs() <= 1e-6 * once.abs()).all())


def _triple(middle: str, lower: str, upper: str) -> list[dict[str, object]]:
    names = {middle: "Mean", lower: "Lower", upper: "Upper"}
    return [number_column(field, title, RETURN, width=80) for field, title in names.items()]


def _pair(measure: str, form: str) -> list[dict[str, object]]:
    return [number_column(f"{measure}_{side}", side.capitalize(), form, width=85) for side in ("before", "after")]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
