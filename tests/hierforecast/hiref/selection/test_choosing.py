"""The drivers that move sales are found, the others are not, and a model of the found ones is no worse."""

import numpy as np
import pytest

from hierforecast import splits
from hierforecast.errors import PanelError, SettingsError
from hierforecast.hiref import HiReF
from hierforecast.hiref.selection.choosing import choose_drivers
from hierforecast.metrics import wape
from hierforecast.options import Training


@pytest.fixture(scope="module")
def selection(candidates, material):
    return choose_drivers(material, candidates.settings)


def test_precision_and_recall(candidates, selection):
    found = {driver.name for driver in selection.drivers}
    assert len(found & candidates.true) >= 0.9 * len(found)
    assert len(found & candidates.true) >= 0.9 * len(candidates.true)


def test_the_report_has_a_row_per_candidate_and_says_what_each_adds(candidates, selection):
    report = selection.report.set_index("driver")
    assert sorted(report.index) == sorted(driver.name for driver in candidates.settings.drivers)
    assert set(report.index[report["selected"]]) == {driver.name for driver in selection.drivers}
    true = report.loc[sorted(candidates.true)]
    noise = report.drop(index=sorted(candidates.true))
    assert true["gain"].median() > 10 * noise["gain"].clip(lower=0).median()
    assert true["enters_at"].median() > 3 * noise["enters_at"].median()
    assert report["stability"].between(0, 1).all()


def test_levels_at_which_an_effect_varies(candidates, selection):
    report = selection.report.set_index("driver")
    assert report.loc["true_0", "by"].split(", ")[0] == "brand"
    assert report.loc["true_0", "by_gain"] > 0.01
    others = report.loc[sorted(candidates.true - {"true_0"})]
    assert (others["by"] == "").mean() >= 0.7
    by = {driver.name: driver.by for driver in selection.drivers}
    assert by["true_0"][0] == "brand"


@pytest.mark.slow
def test_the_chosen_drivers_forecast_no_worse_than_all(candidates):
    train, test = splits.last_weeks(candidates.panel, 13)
    model = HiReF.from_panel_settings(candidates.settings, Training(seasonality=2))
    chosen = model.select_drivers(train).drivers

    def error(drivers) -> float:
        settings = candidates.settings.model_copy(update={"drivers": list(drivers)})
        forecast = HiReF.from_panel_settings(settings, Training(seasonality=2)).fit(train).predict(test)
        return wape(test["units"].to_numpy(), forecast["forecast"].to_numpy())

    assert error(chosen) <= error(candidates.settings.drivers) + 0.001


def test_what_is_kept_stays_and_is_not_judged(candidates, material):
    kept = choose_drivers(material, candidates.settings, keep=("noise_3",))
    row = kept.report.set_index("driver").loc["noise_3"]
    assert row["kept"]
    assert row["selected"]
    assert "noise_3" in {driver.name for driver in kept.drivers}


def test_equal_seeds_choose_equally(candidates, material, selection):
    again = choose_drivers(material, candidates.settings, seed=7)
    assert again.report.equals(selection.report)


def test_nothing_is_found_where_nothing_is(new_candidates):
    empty = new_candidates(seed=4, true=3, noise=12)
    units = np.random.default_rng(0).permutation(empty.panel["units"].to_numpy())
    model = HiReF.from_panel_settings(empty.settings, Training(seasonality=2))
    assert len(model.select_drivers(empty.panel.assign(units=units)).drivers) <= 1


def test_a_wrong_sign_is_never_chosen(candidates):
    flipped = [
        driver if driver.name != "true_1" else type(driver)("true_1", sign="+") for driver in candidates.settings.drivers
    ]
    settings = candidates.settings.model_copy(update={"drivers": flipped})  # its true effect is negative
    found = HiReF.from_panel_settings(settings, Training(seasonality=2)).select_drivers(candidates.panel)
    assert "true_1" not in {driver.name for driver in found.drivers}


def test_unknown_names_and_short_histories_are_told(candidates):
    model = HiReF.from_panel_settings(candidates.settings, Training(seasonality=0))
    with pytest.raises(SettingsError, match=r"cannot keep 'true_00'.*did you mean 'true_0'"):
        model.select_drivers(candidates.panel, keep=("true_00",))
    early = candidates.panel[candidates.panel["week"] < candidates.panel["week"].min() + np.timedelta64(70, "D")]
    with pytest.raises(PanelError, match="this history has 10 periods"):
        model.select_drivers(early)


@pytest.mark.parametrize("stable", [0, 7, "most"])
def test_stability_is_a_share(candidates, material, stable):
    with pytest.raises(SettingsError, match="stable must be a share"):
        choose_drivers(material, candidates.settings, stable=stable)


def test_keep_is_a_list(candidates, material):
    with pytest.raises(SettingsError, match=r"keep must be a list of drivers, e.g. \['true_1'\]"):
        choose_drivers(material, candidates.settings, keep="true_1")
