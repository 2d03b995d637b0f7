"""Held-out rows see what was known at their origin: the same as a forecast made there."""

from dataclasses import replace

import numpy as np

from hierforecast.hiref.columns.origin import columns_from, value_from
from hierforecast.hiref.columns.rows import read_rows
from hierforecast.hiref.columns.target import roll_forward
from hierforecast.hiref.regression.effects import SeriesEffects
from hierforecast.options import Training

CUT = 60  # periods; the origin is period 59


def test_it_equals_a_forecast_from_that_origin(frame, settings, fit):
    whole = fit(frame, settings, Training(seasonality=1, trend=True))
    design, rows = whole.design, whole.rows
    rng = np.random.default_rng(0)
    effects = SeriesEffects(rng.normal(2, 1, 4), np.zeros(0), rng.normal(0, 0.1, (4, len(design.columns.names))))
    level = rng.normal(0, 0.1, len(rows.order))
    found = value_from(design, rows, whole.X, effects, CUT - 1, level=level)

    dates = np.sort(frame["week"].unique())
    # What is learned from all rows is the same in both; what is carried is that of the origin.
    early = replace(design, end=CUT - 1, carry=carried_to(design, frame, dates[CUT]))
    late = frame[frame["week"] >= dates[CUT]].reset_index(drop=True)
    ahead = read_rows(late, ["store"], "week", "week", origin=design.origin)
    places = np.array(["ABCD".find(name) for name in ahead.keys["store"]])
    X = early.matrix(late, ahead, places)
    key = {(s, p): v for s, p, v in zip(rows.series, rows.period, level, strict=True)}
    levels = np.array([key[places[s], p] for s, p in zip(ahead.series, ahead.period, strict=True)])
    value = effects.baseline[places][ahead.series] + levels
    value = value + (X * effects.total[places][ahead.series]).sum(axis=1)
    own = effects.total[places][:, design.target_lags]
    past = design.past.without_last(design.end - CUT + 1)
    rolled = roll_forward(past, ahead, places, value, own, (1, 3), CUT - 1).value
    expected = {(places[s], p): v for s, p, v in zip(ahead.series, ahead.period, rolled, strict=True)}
    chosen = np.flatnonzero(rows.period >= CUT)
    assert len(chosen) == len(late)
    np.testing.assert_allclose(found[chosen], [expected[rows.series[r], rows.period[r]] for r in chosen], rtol=1e-9)


def test_rows_up_to_the_origin_are_as_they_were_fitted(frame, settings, training, fit):
    whole = fit(frame, settings, training)
    effects = SeriesEffects(np.ones(4), np.zeros(0), np.full((4, whole.X.shape[1]), 0.1))
    early = whole.rows.period < CUT
    X = columns_from(whole.design, whole.rows, whole.X, CUT - 1)
    np.testing.assert_array_equal(X[early], whole.X[early])
    found = value_from(whole.design, whole.rows, whole.X, effects, CUT - 1)
    np.testing.assert_allclose(found[early], 1.0 + 0.1 * whole.X[early].sum(axis=1))


def carried_to(design, frame, cut):
    """What the series of a design carry at an earlier date."""
    early = frame[frame["week"] < cut].reset_index(drop=True)
    rows = read_rows(early, ["store"], "week", "week", origin=design.origin)
    series = np.array(["ABCD".find(name) for name in rows.keys["store"]])
    value = np.log(early["units"].to_numpy()[rows.order])
    _, carry = design.training_columns(early, rows, series, design.new_carry(4), value=value)
    return carry.advance(CUT - 1, {"tv": 0.7, "trade": 0.3, "trade|regular": 0.3})
