"""Sums over a selection keep what they sum."""

import numpy as np
import pandas as pd
import pytest

from dashboard.frames import (
    accuracy,
    add_node_bounds,
    compare_scores,
    components_of,
    forecast_over_time,
    keep_largest,
    media_over_time,
    nodes_of,
    select_nodes,
    shares,
    sum_over_time,
)


@pytest.fixture(scope="module")
def tables(tables_of):
    return tables_of("hiref", 5)


@pytest.fixture(scope="module")
def media(tables_of):
    return tables_of("precision", 5)


def test_sums_over_time_equal_pandas(tables):
    frame = tables["forecasts"]
    summed = sum_over_time(frame, ["forecast", "actual"]).set_index("period")
    expected = frame.groupby("period")[["forecast", "actual"]].sum(min_count=1)
    pd.testing.assert_frame_equal(summed[["forecast", "actual"]], expected, check_freq=False)


def test_a_period_that_is_empty_everywhere_stays_empty(tables):
    summed = sum_over_time(tables["forecasts"], ["actual"])
    assert summed.loc[summed["part"] == "future", "actual"].isna().all()
    assert summed.loc[summed["part"] != "future", "actual"].notna().all()


def test_the_parts_of_a_partition_sum_to_the_whole(tables):
    frame = tables["contributions"]
    components = components_of(frame, ["region", "brand", "pack"])
    whole = sum_over_time(frame, components)[components].to_numpy()
    by_brand = [
        sum_over_time(select_nodes(frame, {"brand": [b]}), components)[components].to_numpy() for b in nodes_of(frame, "brand")
    ]
    np.testing.assert_allclose(np.sum(by_brand, axis=0), whole, rtol=1e-12)


def test_summed_components_equal_the_summed_forecast(tables):
    components = components_of(tables["contributions"], ["region", "brand", "pack"])
    chosen = {"region": ["North", "West"], "pack": ["small"]}
    parts = sum_over_time(select_nodes(tables["contributions"], chosen), components)
    forecast = forecast_over_time(select_nodes(tables["forecasts"], chosen))
    np.testing.assert_allclose(parts[components].sum(axis=1), forecast["forecast"], rtol=1e-12)


@pytest.mark.parametrize("chosen", [{}, {"brand": []}, {"brand": None}, {"colour": ["red"]}])
def test_choosing_nothing_keeps_everything(tables, chosen):
    assert len(select_nodes(tables["forecasts"], chosen)) == len(tables["forecasts"])


def test_bounds_are_given_for_a_single_series_only(tables):
    one = {"region": ["North"], "brand": ["Alba"], "pack": ["small"]}
    assert "upper" in forecast_over_time(select_nodes(tables["forecasts"], one))
    assert "upper" not in forecast_over_time(select_nodes(tables["forecasts"], one | {"pack": ["small", "large"]}))


def test_accuracy_counts_held_out_periods_only():
    frame = pd.DataFrame({"part": ["history", "holdout", "holdout", "future"], "actual": [9.0, 10.0, 10.0, np.nan]})
    found = accuracy(frame.assign(forecast=[0.0, 12.0, 9.0, 50.0]))
    assert found.periods == 2
    assert found.wape == pytest.approx(3 / 20)
    assert found.bias == pytest.approx(1 / 20)


def test_accuracy_without_held_out_periods_is_unknown():
    found = accuracy(pd.DataFrame({"part": ["history"], "actual": [1.0], "forecast": [1.0]}))
    assert found.periods == 0
    assert np.isnan(found.wape)


def test_the_rest_keeps_the_sum(tables):
    components = components_of(tables["contributions"], ["region", "brand", "pack"])
    over_time = sum_over_time(tables["contributions"], components)
    kept = keep_largest(over_time, components, count=4)
    names = [name for name in kept if name not in ("period", "part")]
    assert len(names) == 4
    assert "baseline" in names
    np.testing.assert_allclose(kept[names].sum(axis=1), over_time[components].sum(axis=1))


def test_shares_sum_to_one_and_start_with_the_largest(tables):
    components = components_of(tables["contributions"], ["region", "brand", "pack"])
    found = shares(sum_over_time(tables["contributions"], components), components)
    assert found["share"].sum() == pytest.approx(1)
    assert found["component"][0] == "baseline"


@pytest.mark.parametrize("level", ["tactical", "platform", "channel"])
def test_every_media_level_tells_the_whole_fitted_mean(media, level):
    over_time = media_over_time(media["media_contributions"], level)
    total = over_time.drop(columns="period").sum(axis=1)
    np.testing.assert_allclose(total, media["fit"]["forecast"], rtol=1e-12)


def test_scores_stand_side_by_side_in_the_table_order(tables):
    scores = tables["scores"]
    compared = compare_scores(scores, scores.assign(wape=0.5))
    assert compared["level"].tolist() == scores["level"].tolist()
    assert compared["wape_champion"].tolist() == scores["wape"].tolist()
    assert set(compared["wape_challenger"]) == {0.5}
    assert "wape_challenger" not in compare_scores(scores, None)


@pytest.mark.parametrize(
    ("chosen", "node"), [({}, "total"), ({"brand": ["Alba"], "pack": []}, "Alba"), ({"brand": None}, "total")]
)
def test_a_node_has_its_own_bounds(tables, chosen, node):
    over_time = forecast_over_time(select_nodes(tables["forecasts"], chosen))
    found = add_node_bounds(over_time, tables["nodes"], chosen)
    wanted = tables["nodes"].query("node == @node")["upper"].to_numpy()
    np.testing.assert_array_equal(found["upper"], wanted)
    np.testing.assert_array_equal(found["forecast"], over_time["forecast"])


@pytest.mark.parametrize("chosen", [{"brand": ["Alba", "Brio"]}, {"brand": ["Alba"], "pack": ["small"]}])
def test_other_sums_have_no_bounds(tables, chosen):
    over_time = forecast_over_time(select_nodes(tables["forecasts"], chosen))
    assert "upper" not in add_node_bounds(over_time, tables["nodes"], chosen)
