"""However rows lie in files, they say the same as in a frame."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError, SettingsError
from hierforecast.hiref import Driver, HiReF
from hierforecast.hiref.material import Material, Recent, from_panel
from hierforecast.hiref.rounds import first_round
from hierforecast.hiref.streaming import material
from hierforecast.hiref.streaming.material import from_files
from hierforecast.options import Training


def assert_same(found: Material, expected: Material) -> None:
    """Everything a fit learns from is equal."""
    assert found.hierarchy.nodes == expected.hierarchy.nodes
    np.testing.assert_array_equal(found.hierarchy.series, expected.hierarchy.series)
    assert (found.cuts, found.rows, found.link) == (expected.cuts, expected.rows, expected.link)
    for mine, theirs in zip(found.blocks, expected.blocks, strict=True):
        scale = np.abs(theirs.products).max(axis=0)
        np.testing.assert_allclose(mine.products / scale, theirs.products / scale, atol=1e-8)
    mine, theirs = found.design, expected.design
    assert (mine.origin, mine.end, mine.columns.names) == (theirs.origin, theirs.end, theirs.columns.names)
    for name, facts in theirs.facts.items():
        assert (mine.facts[name].reference is None) == (facts.reference is None)
        assert mine.facts[name]._replace(reference=0) == pytest.approx(facts._replace(reference=0), rel=1e-12)
        assert (mine.facts[name].reference or 0) == pytest.approx(facts.reference or 0, rel=1e-12)
    for kind in ("states", "tails"):
        for name, memory in getattr(theirs.carry, kind).items():
            np.testing.assert_allclose(getattr(mine.carry, kind)[name], memory, atol=1e-12)
    for name, table in theirs.expected.items():
        np.testing.assert_allclose(mine.expected[name], table, atol=1e-8)


def assert_same_rows(found: Recent, expected: Recent, kept: np.ndarray) -> None:
    """The rows at hand are those of another that are `kept`, sorted by series and period."""
    order = np.lexsort((expected.rows.period, expected.rows.series))
    order = order[kept[order]]
    np.testing.assert_array_equal(found.rows.series, expected.rows.series[order])
    np.testing.assert_array_equal(found.rows.period, expected.rows.period[order])
    np.testing.assert_allclose(found.X, expected.X[order], atol=1e-10)
    np.testing.assert_allclose(found.value, expected.value[order])
    if expected.weight is not None:
        np.testing.assert_array_equal(found.weight, expected.weight[order])


@pytest.mark.parametrize("layout", ["by_series", "by_time", "cut_by_time", "partitioned"])
@pytest.mark.parametrize("kind", ["carrying", "plain"])
def test_files_say_what_the_frame_says(layout, kind, rows, write, training, small_batches, tmp_path, request):
    settings = request.getfixturevalue(kind)
    expected = from_panel(rows, settings, training)
    found = from_files(write(layout, rows, tmp_path), settings, training)
    assert_same(found, expected)
    assert_same_rows(found.recent, expected.recent, np.ones(len(expected.recent.target), dtype=bool))


def test_only_the_last_periods_stay_at_hand(rows, carrying, write, training, small_batches, tmp_path, monkeypatch):
    monkeypatch.setattr(material, "RECENT_PERIODS", 20)
    whole = from_panel(rows, carrying, training)
    found = from_files(write("by_time", rows, tmp_path), carrying, training)
    assert_same(found, whole)
    first = whole.cuts[0] - 20
    kept = whole.recent.rows.period >= first
    assert found.recent.rows.first == first
    assert_same_rows(found.recent, whole.recent, kept)
    assert len(found.recent.target) < 0.4 * found.rows


@pytest.mark.parametrize(("link", "loss"), [("log", "poisson"), ("log", "squared"), ("mixed", "gamma"), ("identity", "gamma")])
@pytest.mark.parametrize("before", [None, 70])
def test_rounds_of_reweighting_read_all_rows_again(
    link, loss, before, rows, carrying, write, training, small_batches, tmp_path, monkeypatch
):
    monkeypatch.setattr(material, "RECENT_PERIODS", 20)
    settings = carrying.model_copy(update={"link": link, "target_lags": []})
    training = training.model_copy(update={"loss": loss, "discount": 0.98})
    whole = from_panel(rows, settings, training)
    found = from_files(write("by_time", rows, tmp_path), settings, training)
    design = whole.design
    near = first_round(
        whole.link, training, whole.means(), whole.logs, len(design.columns.names), design.first_driver, design.end
    )
    expected = whole.sum_round(near, before).products
    scale = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(found.sum_round(near, before).products / scale, expected / scale, atol=1e-8)


def test_fits_of_files_and_of_the_frame_forecast_the_same(rows, carrying, write, training, to_the_end, tmp_path):
    plan = rows[rows["units"].isna()]
    paths = write("cut_by_time", rows, tmp_path)
    frame = HiReF.from_panel_settings(carrying, to_the_end).fit(rows)
    files = HiReF.from_panel_settings(carrying, to_the_end).fit_files(paths)
    np.testing.assert_allclose(files.predict(plan)["forecast"], frame.predict(plan)["forecast"], rtol=1e-5)
    both = from_panel(rows, carrying, training), from_files(paths, carrying, training)
    one, other = (HiReF.from_panel_settings(carrying, to_the_end).fit_prepared(data, like=frame) for data in both)
    for name in ("forecast", "lower", "upper"):
        np.testing.assert_allclose(other.predict(plan)[name], one.predict(plan)[name], rtol=1e-6)
    assert files.diagnostics()["rows"] == frame.diagnostics()["rows"] == rows["units"].notna().sum()


def test_a_long_history_forecasts_nearly_as_with_all_rows_at_hand(rows, plain, write, training, tmp_path, monkeypatch):
    monkeypatch.setattr(material, "RECENT_PERIODS", 40)
    plan = rows[rows["units"].isna()]
    frame = HiReF.from_panel_settings(plain, training).fit(rows)
    files = HiReF.from_panel_settings(plain, training).fit_files(write("by_series", rows, tmp_path))
    assert frame.series_effects()["price"].corr(files.series_effects()["price"]) > 0.999
    near = (files.predict(plan)["forecast"] / frame.predict(plan)["forecast"] - 1).abs()
    assert near.max() < 0.1  # the noise and the recent level of the two rest on different rows
    past = files.predict(rows[rows["week"] == rows["week"].min()])
    assert np.isfinite(past["forecast"]).all()


def test_the_rows_engine_is_refused(rows, plain, write, tmp_path):
    model = HiReF.from_panel_settings(plain, Training(engine="rows"))
    with pytest.raises(SettingsError, match="need the rows themselves"):
        model.fit_files(write("by_series", rows, tmp_path))


def test_integer_and_string_keys_make_the_same_nodes(rows, plain, write, training, tmp_path):
    numbers = rows.assign(pack=pd.factorize(rows["pack"])[0])
    found = from_files(write("by_series", numbers, tmp_path), plain, training)
    assert found.hierarchy.nodes == from_panel(numbers, plain, training).hierarchy.nodes
    assert found.hierarchy.nodes["pack"] == ("0", "1")


def test_a_date_that_stands_for_none_is_refused(rows, plain, write, training, tmp_path):
    odd = rows.assign(week=rows["week"].where(np.arange(len(rows)) != 5, pd.Timestamp("1900-01-01")))
    with pytest.raises(PanelError, match=r"no series has a row between week 1900-01-01 and 2022.*correct the dates"):
        from_files(write("by_time", odd, tmp_path), plain, training)


def test_values_that_are_awaited_do_not_enter_the_mean(rows, plain, write, training, tmp_path):
    warmth = Driver("tv", reference="mean", known_ahead=False, availability_lag=3)
    settings = plain.model_copy(update={"drivers": [warmth]})
    known = rows[rows["units"].notna()]
    awaited = known.assign(tv=known["tv"].where(known["week"] <= known["week"].max() - pd.Timedelta(weeks=3)))
    expected = from_panel(awaited, settings, training)
    found = from_files(write("by_time", awaited, tmp_path), settings, training)
    assert found.design.facts["tv"].reference == pytest.approx(awaited["tv"].mean())
    assert_same(found, expected)
