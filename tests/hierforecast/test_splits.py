import pandas as pd
import pytest

from hierforecast import splits
from hierforecast.errors import PanelError


def panel() -> pd.DataFrame:
    weeks = pd.date_range("2024-01-01", periods=10, freq="W-MON")
    short = pd.DataFrame({"sku": "new", "week": weeks[6:], "units": 2.0})
    return pd.concat([pd.DataFrame({"sku": "old", "week": weeks, "units": 1.0}), short])


def test_holdout_lies_after_training_for_every_series():
    train, holdout = splits.last_weeks(panel(), 3)
    assert train["week"].max() < holdout["week"].min()
    assert holdout["week"].nunique() == 3
    assert len(train) + len(holdout) == len(panel())


def test_too_short_a_panel_is_refused():
    with pytest.raises(PanelError, match="cannot hold out 10 periods of a panel that has 10"):
        splits.last_weeks(panel(), 10)
    with pytest.raises(PanelError, match="did you mean 'week'"):
        splits.last_weeks(panel(), 3, period="weeks")


def test_plan_is_what_follows_the_last_known_target():
    frame = panel()
    frame.loc[frame["week"] >= frame["week"].unique()[8], "units"] = None
    history, plan = splits.observed_and_plan(frame, period="week", target="units")
    assert plan["week"].nunique() == 2
    assert history["units"].notna().all()
    with pytest.raises(PanelError, match="empty in every row"):
        splits.observed_and_plan(frame.assign(units=None), period="week", target="units")
