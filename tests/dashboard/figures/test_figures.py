"""Figures draw the numbers they are given, in the unit they are given."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from dashboard.figures.contributions import draw_contributions
from dashboard.figures.effects import draw_decay, draw_effects
from dashboard.figures.forecast import draw_forecast
from dashboard.figures.scores import draw_scores
from dashboard.figures.theme import component_colours
from dashboard.frames import compare_scores, components_of, forecast_over_time, select_nodes, sum_over_time

ONE = {"region": ["North"], "brand": ["Alba"], "pack": ["small"]}


@pytest.fixture(scope="module")
def tables(tables_of):
    return tables_of("hiref", 6)


def trace(figure, name):
    return next(item for item in figure.data if item.name == name)


def test_a_sum_has_lines_and_shades_but_no_interval(tables):
    over_time = forecast_over_time(tables["forecasts"])
    figure = draw_forecast(over_time, unit="units / week", interval=0.8)
    assert {item.name for item in figure.data} == {"actual", "forecast"}
    assert [shape.type for shape in figure.layout.shapes] == ["rect", "rect"]
    assert [label.text for label in figure.layout.annotations] == ["holdout", "future"]
    assert figure.layout.yaxis.title.text == "units / week"
    np.testing.assert_allclose(trace(figure, "forecast").y, over_time["forecast"])


def test_a_single_series_has_its_interval(tables):
    figure = draw_forecast(forecast_over_time(select_nodes(tables["forecasts"], ONE)), unit="", interval=0.8)
    assert trace(figure, "80% interval").fill == "tonexty"


def test_an_empty_selection_says_so(tables):
    figure = draw_forecast(forecast_over_time(tables["forecasts"].head(0)), unit="")
    assert "Clear a filter" in figure.layout.annotations[0].text


def test_stacked_components_and_their_line_agree(tables):
    components = components_of(tables["contributions"], ["region", "brand", "pack"])
    over_time = sum_over_time(tables["contributions"], components)
    figure = draw_contributions(over_time, components, unit="units / week", total="forecast")
    bars = np.sum([item.y for item in figure.data if item.type == "bar"], axis=0)
    np.testing.assert_allclose(bars, trace(figure, "forecast").y)
    assert figure.layout.barmode == "relative"


def test_a_stack_without_baseline_has_no_line_of_the_sum(tables):
    over_time = sum_over_time(tables["contributions"], ["price", "season"])
    figure = draw_contributions(over_time, ["price", "season"], unit="", total=None)
    assert {item.type for item in figure.data} == {"bar"}


def test_scores_have_a_bar_per_level_and_side(tables):
    figure = draw_scores(compare_scores(tables["scores"], tables["scores"].assign(wape=0.2)))
    np.testing.assert_allclose(trace(figure, "champion").y, tables["scores"]["wape"])
    np.testing.assert_allclose(trace(figure, "challenger").y, 0.2)


def test_decay_bounds_are_where_the_table_has_them(tables_of):
    decay = tables_of("precision", 6)["decay"]
    figure = draw_decay(decay, period="week")
    low = np.concatenate([np.asarray(item.x) - np.asarray(item.error_x.arrayminus) for item in figure.data])
    np.testing.assert_allclose(low, decay["lower"])
    assert [item.name for item in figure.data] == ["TV", "Search", "Radio"]


def test_of_many_effects_the_strongest_are_drawn():
    effects = pd.DataFrame({"node": [f"n{place}" for place in range(100)], "effect": np.arange(100) - 50.0})
    drawn = set(draw_effects(effects, title="").data[0].y)
    assert len(drawn) == 40
    assert {"n0", "n99"} <= drawn
    assert "n50" not in drawn


def test_neighbouring_components_never_share_a_colour():
    names = ["baseline", *(f"driver {place}" for place in range(20)), "other"]
    colours = [component_colours(names)[name] for name in names]
    assert all(first != second for first, second in pairwise(colours))


def test_effects_have_their_intervals_where_they_are_known():
    effects = pd.DataFrame({"node": ["a", "b"], "effect": [-2.0, -1.0]})
    assert draw_effects(effects, title="").data[0].error_x.array is None
    bar = draw_effects(effects.assign(lower=[-2.5, -1.25], upper=[-1.75, -0.875]), title="").data[0]
    ends = dict(zip(bar.y, zip(bar.x - bar.error_x.arrayminus, bar.x + bar.error_x.array, strict=True), strict=True))
    assert ends == {"a": (-2.5, -1.75), "b": (-1.25, -0.875)}
