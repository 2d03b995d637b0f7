"""What counts and what does not, wherever rows lie."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.driver import Adstock, Driver
from hierforecast.errors import PanelError
from hierforecast.hiref import HiReF
from hierforecast.hiref.material import from_panel
from hierforecast.hiref.streaming.kept import extended, keep
from hierforecast.hiref.streaming.material import from_files
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

TRAINING = Training(seasonality=1, embedding_size=1, iterations=60, keep_moments=True)


@pytest.fixture(scope="module")
def settings() -> SalesPanel:
    return SalesPanel(
        levels=["state", "brand", "pack"],
        drivers=[Driver("price", transform="log", reference="regular"), Driver("tv", adstock=Adstock(0.5), lags=(0, 1))],
        target=Target(name="units"),
        target_lags=[1],
        weight="weight",
        horizon=8,
    )


@pytest.fixture(scope="module")
def weighted(market) -> pd.DataFrame:
    """A twentieth of all rows, and all of the last week, do not count."""
    panel, rng = market.panel.copy(), np.random.default_rng(5)
    out = (rng.random(len(panel)) < 0.05) | (panel["week"] == panel["week"].max())
    return panel.assign(weight=np.where(out, 0.0, rng.uniform(0.5, 2.0, len(panel)))).sort_values("week")


@pytest.mark.parametrize("link", ["log", "identity", "mixed"])
def test_a_row_of_weight_0_decides_nothing(link, weighted, settings):
    """Neither the effects nor noise, recent level, calibration and intervals."""
    settings = settings.model_copy(update={"link": link, "target_lags": []})
    strange = weighted.assign(units=weighted["units"].where(weighted["weight"] > 0, 50 * weighted["units"]))
    last = weighted[weighted["week"] > weighted["week"].max() - pd.Timedelta(weeks=4)]
    usual, other = (HiReF.from_panel_settings(settings, TRAINING).fit(rows) for rows in (weighted, strange))
    for name in ("forecast", "lower", "upper"):
        np.testing.assert_allclose(other.predict(last)[name], usual.predict(last)[name], rtol=1e-9)
    assert usual.diagnostics()["rows"] == (weighted["weight"] > 0).sum()


def test_a_row_of_weight_0_still_tells_exposure_and_the_past(weighted, settings):
    found = from_panel(weighted, settings, TRAINING)
    whole = from_panel(weighted.assign(weight=1.0), settings, TRAINING)
    counts = whole.recent.only(weighted["weight"].to_numpy()[whole.recent.rows.order] > 0)
    np.testing.assert_array_equal(found.recent.X, counts.X)
    np.testing.assert_array_equal(found.design.carry.states["tv"], whole.design.carry.states["tv"])
    np.testing.assert_array_equal(found.design.past.path, whole.design.past.path)


def test_files_and_updates_leave_the_same_rows_out(weighted, settings, tmp_path):
    weighted.to_parquet(tmp_path / "sales.parquet")
    whole = from_panel(weighted, settings, TRAINING)
    files = from_files(tmp_path, settings, TRAINING)
    late = weighted["week"] >= weighted["week"].unique()[-3]
    old = from_panel(weighted[~late], settings, TRAINING)
    updated = extended(keep(old), old.design, old.hierarchy, old.link, [weighted[late]])
    for found in (files, updated):
        assert found.rows == whole.rows == len(found.recent.target)
        assert found.design.end == whole.design.end
        np.testing.assert_allclose(found.design.past.path, whole.design.past.path)
    for mine, theirs in zip(files.blocks, whole.blocks, strict=True):
        np.testing.assert_allclose(mine.products, theirs.products, rtol=1e-8, atol=1e-8)


def test_rows_that_all_weigh_nothing_are_refused(weighted, settings, tmp_path):
    nothing = weighted.assign(weight=0.0)
    nothing.to_parquet(tmp_path / "sales.parquet")
    with pytest.raises(PanelError, match="weight 'weight' is 0 in every row"):
        from_panel(nothing, settings, TRAINING)
    with pytest.raises(PanelError, match="weight 'weight' is 0 in every row"):
        from_files(tmp_path, settings, TRAINING)
    with pytest.raises(PanelError, match=r"weight 'weight' is empty, infinite or below 0 in \d+ rows.*give 0 to leave"):
        from_panel(weighted.assign(weight=-1.0), settings, TRAINING)


def gone(panel: pd.DataFrame, first: int, last: int) -> np.ndarray:
    """Whether rows lie in the weeks `first` to `last`, counted from the end."""
    back = (panel["week"].max() - panel["week"]).dt.days // 7 + 1
    return back.between(first, last).to_numpy()


@pytest.mark.parametrize("link", ["log", "identity", "mixed"])
@pytest.mark.parametrize(("weeks", "held_out"), [((1, 8), 1), ((9, 16), 1), ((1, 16), 0), ((17, 200), 1)])
def test_weeks_in_which_nothing_counts_judge_nothing(link, weeks, held_out, weighted, settings, tmp_path):
    settings = settings.model_copy(update={"link": link, "target_lags": []})
    rows = weighted.assign(weight=np.where(gone(weighted, *weeks), 0.0, 1.0))
    data = from_panel(rows, settings, TRAINING)
    assert len(data.cuts) == held_out
    ends = zip((None, *data.cuts), (*data.cuts, None), strict=True)
    assert sum(data.between(*pair).counts.sum() for pair in ends) == data.rows == rows["weight"].sum()
    assert data.moments.counts.sum() == data.rows
    rows.to_parquet(tmp_path / "sales.parquet")
    assert from_files(tmp_path, settings, TRAINING).cuts == data.cuts
    late = rows["week"] > rows["week"].max() - pd.Timedelta(weeks=2)
    if weeks != (17, 200):
        old = from_panel(rows[~late], settings, TRAINING)
        assert extended(keep(old), old.design, old.hierarchy, old.link, [rows[late]]).cuts == data.cuts
    forecast = HiReF.from_panel_settings(settings, TRAINING).fit(rows).predict(rows[late])
    assert np.isfinite(forecast[["lower", "forecast", "upper"]].to_numpy()).all()


def test_weeks_without_any_row_judge_nothing(weighted, settings):
    rows = weighted[~gone(weighted, 9, 16)]
    assert len(from_panel(rows, settings, TRAINING).cuts) == 1
    assert HiReF.from_panel_settings(settings, TRAINING).fit(rows).predict(rows)["forecast"].notna().all()
