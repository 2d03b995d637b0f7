import numpy as np
import pandas as pd
import pytest

from hierforecast import splits
from hierforecast.errors import PanelError
from hierforecast.precision.origins import rolling_origins


def test_masks_hide_what_splits_cut():
    panel = pd.DataFrame({"week": pd.date_range("2023-01-02", periods=100, freq="7D")})
    cuts = splits.rolling_origins(panel, 13, 4)
    masks = rolling_origins(100, horizon=13, origins=4, min_observed=40)
    assert [np.flatnonzero(mask.observed).tolist() for mask in masks] == [list(cut.train.index) for cut in cuts]
    assert [np.flatnonzero(mask.held_out).tolist() for mask in masks] == [list(cut.holdout.index) for cut in cuts]
    assert {mask.observed.shape for mask in masks} == {(100,)}


def test_weeks_without_a_target_are_in_no_mask_and_the_plan_is_not_counted():
    known = np.ones(60, bool)
    known[50:] = False  # the plan
    known[[5, 47]] = False
    latest, earlier = rolling_origins(known, horizon=5, origins=2, min_observed=39)
    assert np.flatnonzero(latest.held_out).tolist() == [45, 46, 48, 49]
    assert np.flatnonzero(earlier.held_out).tolist() == [40, 41, 42, 43, 44]
    assert latest.observed.sum() == 44
    assert not latest.observed[5]
    assert earlier.observed.sum() == 39


@pytest.mark.parametrize(
    ("weeks", "options", "message"),
    [
        (60, {}, "leave 34 known weeks before origin 2, wanted at least 40; lower origins to 1"),
        (20, {}, "lower horizon or min_observed"),
        (np.zeros(60, bool), {}, "leave 0 known weeks before origin 1"),
        (60, {"origins": 0}, "origins must be at least 1, got 0"),
        (60, {"horizon": -1}, "horizon must be at least 1, got -1"),
        (np.ones(60), {}, "bool mask, got float64"),
        (np.array([True] * 50 + [False] * 13 + [True] * 13), {}, "no target is known in the weeks 50 to 62"),
    ],
)
def test_what_cannot_be_held_out_is_refused(weeks, options, message):
    with pytest.raises(PanelError, match=message):
        rolling_origins(weeks, **{"horizon": 13, "origins": 2, "min_observed": 40} | options)
