"""An update is a fit of all rows, and reads the new ones only."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import ModelFolderError, NotFittedError, PanelError, SettingsError
from hierforecast.hiref import HiReF
from hierforecast.hiref.material import Material, from_panel
from hierforecast.hiref.streaming import material
from hierforecast.hiref.streaming.kept import extended, keep
from hierforecast.schema import Holidays

WEEKS = pd.date_range("2022-01-03", periods=104, freq="W-MON")


@pytest.fixture
def settled(carrying):
    """Settings whose facts do not depend on the rows, so that an update leaves nothing to be frozen."""
    fixed = {"regular": 4.0, "tv": 0.0}
    drivers = [replace(d, reference=fixed.get(d.name, d.reference), saturation=None) for d in carrying.drivers]
    return carrying.model_copy(update={"drivers": drivers, "target_lags": []})


@pytest.fixture
def keeping(training):
    return training.model_copy(update={"keep_moments": True})


def cut(rows: pd.DataFrame, week: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    return rows[rows["week"] < WEEKS[week]], rows[rows["week"] >= WEEKS[week]]


def sums(data: Material) -> np.ndarray:
    return np.stack([block.products for block in data.blocks])


@pytest.mark.parametrize("window", [104, 20])
@pytest.mark.parametrize("first", [60, 96, 103])
def test_sums_of_old_and_new_rows_are_those_of_all(window, first, rows, settled, training, monkeypatch):
    monkeypatch.setattr(material, "RECENT_PERIODS", window)
    old, new = cut(rows, first)
    whole, start = from_panel(rows, settled, training), from_panel(old, settled, training)
    frames = [frame for _, frame in new[new["units"].notna()].groupby("week")]
    found = extended(keep(start), start.design, start.hierarchy, whole.link, frames)
    assert found.cuts == whole.cuts
    assert found.rows == whole.rows
    scale = np.abs(sums(whole)).max(axis=(0, 1))
    np.testing.assert_allclose(sums(found) / scale, sums(whole) / scale, atol=1e-8)
    for kind in ("states", "tails"):
        for name, memory in getattr(whole.design.carry, kind).items():
            np.testing.assert_allclose(getattr(found.design.carry, kind)[name], memory, atol=1e-10)
    np.testing.assert_allclose(found.design.expected["tv"], whole.design.expected["tv"], atol=1e-8)
    kept = whole.recent.rows.period >= max(whole.cuts[0] - window, 0)
    assert len(found.recent.target) == kept.sum()
    assert found.recent.target.sum() == pytest.approx(whole.recent.target[kept].sum())


def test_an_update_forecasts_as_a_refit_of_all_rows_from_the_same_start(rows, settled, to_the_end, write, tmp_path):
    old, new = cut(rows, 100)
    plan = rows[rows["units"].isna()]
    model = HiReF.from_panel_settings(settled, to_the_end).fit_files(write("by_time", old, tmp_path / "old"))
    model = HiReF.load(model.save(tmp_path / "model"))
    refit = HiReF.from_panel_settings(settled, to_the_end).fit_prepared(from_panel(rows, settled, to_the_end), like=model)
    by_frame = HiReF.load(tmp_path / "model").update(new)
    by_files = HiReF.load(tmp_path / "model").update_files(write("cut_by_time", new, tmp_path / "new"))
    for name in ("forecast", "lower", "upper"):
        np.testing.assert_allclose(by_frame.predict(plan)[name], refit.predict(plan)[name], rtol=1e-6)
        np.testing.assert_allclose(by_files.predict(plan)[name], refit.predict(plan)[name], rtol=1e-6)
    assert by_frame.diagnostics()["rows"] == rows["units"].notna().sum()


def test_week_after_week_adds_up_and_new_series_come_in(rows, carrying, keeping, tmp_path):
    new_brand = rows[(rows["brand"] == "B3") & (rows["week"] >= WEEKS[102])].assign(brand="A new one")
    rows = pd.concat([rows, new_brand], ignore_index=True)
    old, new = cut(rows, 102)
    model = HiReF.from_panel_settings(carrying, keeping).fit(old)
    places = model.series_effects()["price"].to_numpy()
    for _, week in new[new["units"].notna()].groupby("week"):
        model.save(tmp_path / "model")
        model = HiReF.load(tmp_path / "model").update(week)
    told = model.diagnostics()
    assert (told["rows"], told["periods"]) == (rows["units"].notna().sum(), 104)
    assert told["series"] == len(places) + new_brand[["state", "pack"]].drop_duplicates().shape[0]
    answer = model.predict(rows[rows["units"].isna()])
    assert (answer["fallback"] == "").all()
    assert np.isfinite(answer[["forecast", "lower", "upper"]]).all(axis=None)


def test_what_an_update_cannot_take_is_refused_with_a_cure(rows, plain, keeping, training, tmp_path):
    old, new = cut(rows, 100)
    with pytest.raises(NotFittedError):
        HiReF.from_panel_settings(plain, keeping).update(new)
    with pytest.raises(SettingsError, match="keep_moments=True"):
        HiReF.from_panel_settings(plain, training).fit(old).update(new)
    model = HiReF.from_panel_settings(plain, keeping).fit(old)
    with pytest.raises(PanelError, match=r"ended in the week 2023-11-27; got rows of 2023-11-27; .*fit anew"):
        model.update(cut(rows, 99)[1])
    with pytest.raises(PanelError, match="no row with a known units"):
        model.update(new.assign(units=np.nan))
    with pytest.raises(PanelError, match="no target column 'units'"):
        model.update(new.drop(columns="units"))
    with pytest.raises(PanelError, match="below 0"):
        model.update(new.assign(units=-1.0))
    with pytest.raises(PanelError, match="no series has a row between"):
        model.update(new.assign(week=new["week"] + pd.Timedelta(weeks=52 * 200)))
    with pytest.raises(PanelError, match="no column for level 'state'"):
        model.update(new.drop(columns="state"))
    with pytest.raises(PanelError, match="wanted a pandas DataFrame"):
        model.update(None)
    before = model.predict(new)["forecast"]
    np.testing.assert_array_equal(model.predict(new)["forecast"], before)


def test_new_columns_of_the_calendar_are_refused(rows, plain, keeping):
    young = rows[rows["week"] < WEEKS[50]]
    model = HiReF.from_panel_settings(plain, keeping).fit(young)
    with pytest.raises(PanelError, match="reaches a year"):
        model.update(rows[(rows["week"] >= WEEKS[50]) & (rows["week"] < WEEKS[53])])
    fair = plain.model_copy(update={"holidays": Holidays(dates={"Fair": [WEEKS[101].date()]})})
    old, new = cut(rows, 100)
    with pytest.raises(PanelError, match="Fair"):
        HiReF.from_panel_settings(fair, keeping).fit(old).update(new)
    knots = keeping.model_copy(update={"trend_knots": 2})
    with pytest.raises(PanelError, match="trend_knots"):
        HiReF.from_panel_settings(plain, knots).fit(old).update(new)


def test_a_damaged_memory_is_named(rows, plain, keeping, tmp_path):
    folder = HiReF.from_panel_settings(plain, keeping).fit(cut(rows, 60)[0]).save(tmp_path / "model")
    (folder / "moments.safetensors").write_bytes(b"no")
    with pytest.raises(ModelFolderError, match="moments"):
        HiReF.load(folder)


def test_an_update_is_near_a_fit_of_all_rows_from_nothing(rows, plain, keeping):
    uneven = rows.assign(units=rows["units"] * rows["brand"].map({f"B{place}": 3.0**place for place in range(6)}))
    settings = plain.model_copy(update={"link": "identity"})
    old, new = cut(uneven, 100)
    plan = uneven[uneven["units"].isna()]
    updated = HiReF.from_panel_settings(settings, keeping).fit(old).update(new).predict(plan)["forecast"]
    anew = HiReF.from_panel_settings(settings, keeping).fit(uneven).predict(plan)["forecast"]
    assert updated.sum() == pytest.approx(anew.sum(), rel=1e-3)
    assert (updated - anew).abs().max() < 0.01 * anew.mean()
