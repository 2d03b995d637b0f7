"""The media page's cards: what they show of a version's tables, and that earlier versions are shown without them."""

import json

import numpy as np
import pandas as pd
import pytest
from dash import html
from plotly.utils import PlotlyJSONEncoder

from dashboard.components.convergence import convergence_card
from dashboard.components.money import budget_card, ensemble_card, response_card, returns_card
from dashboard.figures.returns import draw_budget, draw_response, draw_returns
from dashboard.frames import totals_of
from dashboard.pages.media import media_parts
from dashboard.registry import Registry
from hierforecast.options import PrecisionGate

LATE = [
    "roi",
    "response",
    "budget",
    "budget_outcome",
    "media_totals",
    "left_out",
    "accuracy",
    "ensemble_weights",
    "ensemble_roi",
]
TITLES = [
    "Contributions by channel",
    "Totals",
    "Returns",
    "Response to spend",
    "Budget",
    "Metrics side by side",
    "Fit",
    "Decay",
]


@pytest.fixture(scope="module")
def tables(tables_of):
    return tables_of("precision", 3)


def written(components):
    return json.dumps(html.Div(components), cls=PlotlyJSONEncoder, ensure_ascii=False)


def parts_of(demo, level="channel"):
    registry = Registry(demo.home.tracking_uri)
    version = registry.catalog().shown("demo", "precision")
    return [written(part) for part in media_parts(registry, version, level, with_baseline=True)]


def test_every_table_has_its_card(shared_demo):
    cards = parts_of(shared_demo)
    for title, card in zip([*TITLES, "Convergence"], cards, strict=True):
        assert f'"{title}"' in card


def test_a_version_of_an_earlier_release_shows_what_it_has(demo, tables):
    demo.alias("precision", "champion", demo.add("precision", {k: t for k, t in tables.items() if k not in LATE}))
    cards = parts_of(demo)
    wanted = ["Contributions by channel", "Totals", "Fit", "Decay", "Convergence"]
    assert len(cards) == len(wanted)
    for title, card in zip(wanted, cards, strict=True):
        assert f'"{title}"' in card
    assert "Pareto k" not in cards[-1]
    assert "CRPS" not in cards[2]


def test_points_of_returns_and_their_bounds_are_the_table_s(tables):
    rows = tables["roi"].query("level == 'tactical'")
    figure = draw_returns(rows, unit="EUR")
    bought = rows[rows["spend"] > 0]
    for trace, (middle, lower) in zip(figure.data, [("roi", "lower"), ("marginal_roi", "marginal_lower")], strict=True):
        np.testing.assert_allclose(trace.x, bought[middle])
        np.testing.assert_allclose(np.asarray(trace.x) - trace.error_x.arrayminus, bought[lower])
    assert list(figure.layout.yaxis.ticktext) == list(bought["node"])
    assert "Without spend: drive." in written([returns_card(tables["roi"], "tactical", unit="EUR")])
    assert draw_returns(rows.assign(spend=0.0), unit="EUR").layout.annotations[0].text.startswith("Nothing was spent")


def test_curves_go_through_what_was_spent(tables):
    figure = draw_response(tables["response"].query("level == 'channel'"), unit="EUR")
    curves = [trace for trace in figure.data if trace.hoverinfo != "skip"]
    assert [trace.name for trace in curves] == ["TV", "Search"]
    roi = tables["roi"].set_index("node")["contribution"]
    for trace in curves:
        assert np.interp(1.0, trace.x, trace.y) == pytest.approx(roi[trace.name])


def test_only_straight_curves_are_called_straight(tables):
    assert "Straight" not in written([response_card(tables["response"], "channel", unit="EUR")])
    straight = tables["response"].assign(effect=tables["response"]["multiple"] * 7.0)
    assert "Straight" in written([response_card(straight, "channel", unit="EUR")])


def test_a_budget_shows_both_plans_and_what_they_differ_by(tables):
    rows = tables["budget"].query("level == 'tactical'")
    before, after = draw_budget(rows, measure="spend", title="spend").data
    np.testing.assert_allclose(before.x, rows["spend_before"])
    np.testing.assert_allclose(after.x, rows["spend_after"])
    text = written([budget_card(tables["budget"], tables["budget_outcome"], "tactical", unit="EUR")])
    for shown in ("2,500", "2,000 to 3,000", "97%", "The planned weeks, 2025-12-29 to 2026-03-23", "Spend 10,000 -> 10,000"):
        assert shown in text
    late = tables["budget_outcome"].assign(planned=False)
    assert "The last weeks" in written([budget_card(tables["budget"], late, "tactical", unit="EUR")])


def test_totals_have_bounds_and_rounding_is_none(tables):
    rows = totals_of(tables["media_totals"], "channel").set_index("component")
    assert list(rows.index[:1]) == ["baseline"]
    assert set(rows.index) == {"baseline", "TV", "Search", "Radio", "holiday", "trend"}
    assert rows.loc["trend"].drop("level").eq(0.0).all()
    assert rows["share"].sum() == pytest.approx(1.0)
    assert (rows["lower"] <= rows["total"]).all()


def test_convergence_tells_what_the_gate_thinks(tables):
    gate = PrecisionGate(max_divergences=1)
    metrics = {"divergences": 2.0, "ebfmi": 0.87}
    text = written([convergence_card(tables["diagnostics"], tables["left_out"], metrics, gate)])
    for shown in ("✗ at most 1", "✓ at least 0.3", "✗ at most 0.7", "0.83", "✗ at most 1.01"):
        assert shown in text
    last = tables["left_out"]["period"].iloc[-1]
    assert f"{last:%Y-%m-%d} (0.83)" in text
    fine = tables["left_out"].assign(pareto_k=0.3)
    assert "foretell badly" not in written([convergence_card(tables["diagnostics"], fine, metrics, gate)])
    unknown = tables["left_out"].assign(pareto_k=np.inf)  # no tail to fit
    assert "✗ at most 0.7" in written([convergence_card(tables["diagnostics"], unknown, {}, gate)])


def test_metrics_stand_side_by_side(tables):
    text = written([ensemble_card(tables["ensemble_weights"], tables["ensemble_roi"], "channel")])
    for shown in ("impressions", "clicks", "✗ disagree", "Return on spend by every metric"):
        assert shown in text
    no_metric = pd.DataFrame(columns=tables["ensemble_roi"].columns)
    assert written([ensemble_card(tables["ensemble_weights"], no_metric, "channel")])
