"""Rows in batches give the columns of the whole panel, however they are cut."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref.columns.design import start_design
from hierforecast.hiref.columns.rows import read_numbers, read_rows
from hierforecast.hiref.columns.survey import columns_to_survey, sum_target, survey_columns
from hierforecast.hiref.link import make_link

STORES = "ABCD"
CUTS = {
    "by week": lambda frame: frame["week"].rank(method="dense"),
    "every five weeks": lambda frame: frame["week"].rank(method="dense") // 5,
    "by store": lambda frame: frame["store"].map(STORES.index),
    "by store, then by time": lambda frame: frame["store"].map(STORES.index) * 10 + (frame["week"] > "2023-09-01"),
    "ragged": lambda frame: (frame["week"].rank(method="dense") + 7 * frame["store"].map(STORES.index)) // 20,
}


def read(frame: pd.DataFrame, origin=None):
    rows = read_rows(frame, ["store"], "week", "week", origin=origin)
    series = np.array([STORES.index(name) for name in rows.keys["store"]])
    return rows, series, read_numbers(frame, "units", rows)


def survey_of(frame, settings):
    rows, series, units = read(frame)
    target = sum_target(units, series[rows.series], len(STORES))
    return survey_columns(rows.dates, {name: frame[name].to_numpy() for name in columns_to_survey(settings)}, target)


def in_batches(frame, batch, settings, training, *, carry=None, design=None):
    """Columns in the frame's order, with the design and the carry."""
    parts = [frame[batch == number] for number in sorted(batch.unique())]
    if design is None:
        survey = sum((survey_of(part, settings) for part in parts[1:]), start=survey_of(parts[0], settings))
        design = start_design(survey, settings, training, means=survey.target.means(make_link("log", frame["units"])))
    carry = carry or design.new_carry(len(STORES))
    found = np.empty((len(frame), len(design.columns.names)))
    for part in parts:
        rows, series, units = read(part, design.origin)
        X, carry = design.training_columns(part, rows, series, carry, value=np.log(units))
        found[frame.index.get_indexer(part.index)] = rows.unsort(X)
    return found, design, carry


@pytest.mark.parametrize("cut", CUTS)
def test_batches_give_the_columns_of_the_whole(frame, settings, training, fit, cut):
    whole = fit(frame, settings, training)
    found, design, carry = in_batches(frame, CUTS[cut](frame), settings, training)
    np.testing.assert_allclose(found, whole.rows.unsort(whole.X), rtol=1e-12, atol=1e-12)
    finished = design.finished(carry)
    assert finished.holidays == whole.design.holidays
    for name, facts in whole.design.facts.items():
        np.testing.assert_allclose(np.array(finished.facts[name], float), np.array(facts, float), rtol=1e-12)
    for name, state in whole.design.carry.states.items():
        np.testing.assert_allclose(finished.carry.states[name], state, rtol=1e-11)
    for name, tail in whole.design.carry.tails.items():
        np.testing.assert_allclose(finished.carry.tails[name], tail, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(finished.expected["warmth"], whole.design.expected["warmth"], rtol=1e-9)
    np.testing.assert_array_equal(finished.carry.through, whole.design.end)


def test_shards_of_different_series_are_joined(frame, settings, training):
    _, design, whole = in_batches(frame, CUTS["by store"](frame), settings, training)
    first, second = (
        in_batches(part, CUTS["by week"](part), settings, training, design=design)[2]
        for part in (frame[frame["store"] < "C"], frame[frame["store"] >= "C"])
    )
    joined = first + second
    np.testing.assert_array_equal(joined.through, whole.through)
    for name, ends in whole.ranges.items():
        assert joined.ranges[name] == pytest.approx(ends)
    for name in whole.tails:
        np.testing.assert_allclose(joined.tails[name], whole.tails[name], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(joined.season.gram, whole.season.gram)
    with pytest.raises(PanelError, match="2 series lie in two shards"):
        first + first


def test_new_weeks_go_on_from_a_finished_design_and_new_series_start_from_nothing(frame, settings, training, fit):
    early = frame["week"] < "2024-01-01"
    head = fit(frame[early & (frame["store"] != "D")].reset_index(drop=True), settings, training)
    carry = head.design.carry.renumber(np.array([0, 1, 2]), 4)
    tail = frame[~early].reset_index(drop=True)
    rows, series, units = read(tail, head.design.origin)
    past = head.design.past
    with_new = replace(head.design, past=past._replace(means=np.append(past.means, np.nan)))
    X, _ = with_new.training_columns(tail, rows, series, carry, value=np.log(units))
    both = frame[(frame["store"] != "D") | ~early]
    whole, *_ = in_batches(both, CUTS["by week"](both), settings, training, design=with_new)
    np.testing.assert_allclose(X, whole[both.index.get_indexer(frame[~early].index)][rows.order], rtol=1e-12, atol=1e-12)


def test_batches_out_of_order_are_refused_and_named(frame, settings, training):
    backwards = -frame["week"].rank(method="dense")
    with pytest.raises(PanelError, match=r"come after later rows of their series, first store .*order of time"):
        in_batches(frame, backwards, settings, training)
