import numpy as np
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


def test_rolling_origins_are_disjoint_and_go_back_in_time():
    panel = pd.DataFrame({"week": np.repeat(pd.date_range("2024-01-01", periods=12, freq="W-MON"), 2), "units": range(24)})
    folds = splits.rolling_origins(panel, 3, 3)
    assert [len(fold.holdout) for fold in folds] == [6, 6, 6]
    assert pd.concat([folds[2].train, *(fold.holdout for fold in reversed(folds))]).equals(panel)
    for fold in folds:
        assert fold.train["week"].max() < fold.holdout["week"].min()


@pytest.mark.parametrize(("origins", "told"), [(0, "at least 1 origin"), (5, "cannot hold out 3 periods")])
def test_impossible_origins_are_told(origins, told):
    panel = pd.DataFrame({"week": pd.date_range("2024-01-01", periods=12, freq="W-MON")})
    with pytest.raises(PanelError, match=told):
        splits.rolling_origins(panel, 3, origins)


def test_weeks_that_a_model_was_trained_on_are_not_scored():
    train, holdout = splits.last_weeks(panel(), 3)
    splits.refuse_overlap(train["week"].max(), holdout["week"])
    with pytest.raises(
        PanelError, match="trained up to 2024-02-19, and 1 held-out periods lie before that, from 2024-02-19 on"
    ):
        splits.refuse_overlap("2024-02-19", holdout["week"])
