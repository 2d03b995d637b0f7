"""Contributions add up to the forecast, whatever the link, the statistic, the level and the components."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError, SettingsError
from hierforecast.hiref import Driver, HiReF
from hierforecast.options import Training
from hierforecast.schema import Holidays, SalesPanel, Target

LEVELS = ["state", "brand", "pack"]
PLACES = [None, "bottom", "state", ["state", "pack"], ["pack"], "total"]


def rich_model(link: str) -> HiReF:
    """Every kind of component at once."""
    drivers = [
        Driver("price", sign="-", transform="log", reference="regular", by=("brand", "pack"), lags=(0, 1)),
        Driver("tv", sign="+", adstock=0.5, by=()),
    ]
    panel = SalesPanel(
        levels=LEVELS,
        drivers=drivers,
        target=Target(name="units"),
        link=link,
        horizon=8,
        target_lags=[1, 2],
        holidays=Holidays(country="US", names=["Christmas Day", "Independence Day"]),
    )
    return HiReF.from_panel_settings(panel, Training(seasonality=1, embedding_size=2, trend=True, iterations=40))


@pytest.fixture(scope="module", params=["log", "identity"])
def rich(request, split) -> HiReF:
    return rich_model(request.param).fit(split[0])


def components(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[name for name in (*LEVELS, "week") if name in table])


@pytest.mark.parametrize("level", PLACES)
@pytest.mark.parametrize("detail", ["driver", "whole", "lag"])
def test_components_sum_to_the_forecast_of_their_node(rich, split, level, detail):
    for rows in split:
        parts = rich.contributions(rows, level=level, detail=detail)
        forecast = rich.predict(rows, level=level)
        pd.testing.assert_frame_equal(
            parts[[name for name in (*LEVELS, "week") if name in parts]],
            forecast[[name for name in (*LEVELS, "week") if name in forecast]],
        )
        np.testing.assert_allclose(components(parts).sum(axis=1), forecast["forecast"], rtol=1e-10, atol=1e-9)


def test_under_the_mixed_link_drivers_add_units_and_all_sums(split, new_model):
    train, holdout = split
    model = new_model(link="mixed", training=Training(seasonality=1, trend=True, embedding_size=2)).fit(train)
    for statistic in ("mean", "median"):
        parts = components(model.contributions(holdout, statistic=statistic))
        np.testing.assert_allclose(parts.sum(axis=1), model.predict(holdout, statistic=statistic)["forecast"], rtol=1e-10)
    plain = components(model.contributions(holdout.assign(price=holdout["regular"])))
    assert plain["price"].abs().max() < 1e-9
    calendar = components(model.contributions(holdout))[["season", "trend", "tv"]]
    moved = plain[["season", "trend", "tv"]]
    # What multiplies the baseline does not see the price, whose effect is added; factors change nothing in that.
    np.testing.assert_allclose(moved, calendar, rtol=1e-9)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_rows_sum_under_either_statistic(rich, split, statistic):
    parts = components(rich.contributions(split[1], statistic=statistic))
    np.testing.assert_allclose(
        parts.sum(axis=1), rich.predict(split[1], statistic=statistic)["forecast"], rtol=1e-10, atol=1e-9
    )


def test_every_component_has_its_column(rich, split):
    found = list(components(rich.contributions(split[1])).columns)
    wanted = ["baseline", "trend", "season", "holidays", "price", "price by hierarchy", "tv", "units lags"]
    assert [name for name in found if name != "level"] == wanted
    assert "price lag 1" in rich.contributions(split[1], detail="lag")
    assert "price by hierarchy" not in rich.contributions(split[1], detail="whole")


def test_details_only_regroup(rich, split):
    by_driver, whole, by_lag = (rich.contributions(split[1], detail=detail) for detail in ("driver", "whole", "lag"))
    np.testing.assert_allclose(by_driver["price"] + by_driver["price by hierarchy"], whole["price"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_lag["price"] + by_lag["price lag 1"], by_driver["price"], rtol=1e-9, atol=1e-9)


def test_a_forecast_that_is_clipped_at_zero_still_adds_up(split):
    train, holdout = split
    model = rich_model("identity").fit(train.assign(units=lambda rows: rows["units"] * (rows["price"] < rows["regular"])))
    crowded = holdout.assign(price=holdout["regular"] * 1.5)
    forecast = model.predict(crowded)["forecast"]
    assert (forecast == 0).any()
    np.testing.assert_allclose(components(model.contributions(crowded)).sum(axis=1), forecast, atol=1e-9)


@pytest.mark.parametrize("level", [3, [None]])
def test_what_is_no_level_is_told(model, split, level):
    with pytest.raises(PanelError, match="valid names: state, brand, pack, bottom, total"):
        model.contributions(split[1], level=level)


def test_unknown_levels_details_and_sums_of_medians_are_refused(model, split):
    with pytest.raises(PanelError, match="did you mean 'state'"):
        model.contributions(split[1], level="stat")
    with pytest.raises(PanelError, match="twice"):
        model.predict(split[1], level=["state", "state"])
    with pytest.raises(SettingsError, match="did you mean 'driver'"):
        model.contributions(split[1], detail="drivers")
    with pytest.raises(SettingsError, match="sum of medians"):
        model.predict(split[1], statistic="median", level="state")
