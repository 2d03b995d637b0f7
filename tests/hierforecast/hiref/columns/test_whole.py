"""Every kind of column together, from the settings to a saved model and back."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SettingsError
from hierforecast.hiref import HiReF
from hierforecast.options import Training


@pytest.fixture(scope="module")
def model(new_frame, new_settings) -> HiReF:
    frame = new_frame(weeks=90)
    training = Training(seasonality=1, trend=True, trend_knots=1, month_waves=1, month_by=[], embedding_size=1, iterations=30)
    return HiReF.from_panel_settings(new_settings(gaps="allow", horizon=8), training).fit(frame[frame["week"] < "2024-07-01"])


@pytest.fixture(scope="module")
def plan(new_frame) -> pd.DataFrame:
    frame = new_frame(weeks=90)
    return frame[frame["week"] >= "2024-06-01"].drop(columns="units")


def test_the_front_door_takes_what_the_settings_say(new_settings):
    declared = new_settings()
    door = HiReF(["store"], declared.drivers, target="units", target_lags=(1, 3), holidays=declared.holidays, weight="trust")
    assert door.panel == declared.model_copy(update={"weight": "trust"})
    with pytest.raises(SettingsError, match="target_lags"):
        HiReF(["store"], declared.drivers, target="units", target_lags=(1, 1))


def test_the_groups_name_every_column_once(model):
    design = model._fit.design
    names = np.array(design.columns.names)
    assert names[design.season].tolist() == ["season_cos_1", "season_sin_1"]
    assert names[design.month].tolist() == ["month_cos_1", "month_sin_1"]
    assert [design.columns.by[place] for place in range(design.month.start, design.month.stop)] == [(), ()]
    assert set(names[design.holiday]) == {
        f"{day}{shift}" for day in ("Christmas Day", "Labor Day", "Fair") for shift in ("", " -1", " +1")
    }
    assert names[design.trend].tolist() == ["trend", "trend after knot 1"]
    assert names[design.drivers["price"]].tolist() == ["price", "price lag 1", "price lag 4"]
    assert names[design.drivers["web"]].tolist() == ["web lag 1"]
    assert names[design.target_lags].tolist() == ["units lag 1", "units lag 3"]
    places = [design.season, design.month, design.holiday, design.trend, *design.drivers.values(), design.target_lags]
    assert np.concatenate([np.arange(len(names))[place] for place in places]).tolist() == list(range(len(names)))


def test_what_series_carry_survives_saving(model, plan, tmp_path):
    loaded = HiReF.load(model.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(loaded.predict(plan), model.predict(plan))
    before, after = model._fit.design.carry, loaded._fit.design.carry
    assert before.ranges == after.ranges
    for mine, theirs in ((before.states, after.states), (before.tails, after.tails), (before.season.right, after.season.right)):
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(theirs[name], array)
    np.testing.assert_array_equal(before.season.gram, after.season.gram)
    np.testing.assert_array_equal(before.through, after.through)
    assert loaded._fit.design.holidays == model._fit.design.holidays


def test_forecasts_need_no_past_in_the_panel(model, plan):
    ahead = plan[plan["week"] >= "2024-07-01"]
    pd.testing.assert_frame_equal(model.predict(plan).loc[ahead.index], model.predict(ahead))


def test_contributions_add_up_with_every_kind_of_column(model, plan):
    parts = model.contributions(plan).drop(columns=["store", "week"])
    np.testing.assert_allclose(parts.sum(axis=1), model.predict(plan)["forecast"], rtol=1e-9)


def test_a_what_if_moves_the_weeks_that_its_lags_reach(model, plan):
    first = plan["week"] == "2024-07-01"
    changed = model.simulate(plan, {"web": plan["web"].where(~first, 200.0)})
    moved = changed.groupby("week")["change"].apply(lambda change: (change.abs() > 1e-6).any())
    assert not moved[:"2024-07-01"].any()
    assert moved["2024-07-08"]
