from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from hierforecast.schema import Holidays
from hierforecast.transforms.holidays import days_within, holiday_dates

PERIODS = {
    "day": pd.date_range("2023-11-20", periods=90, freq="D"),
    "week": pd.date_range("2023-11-22", periods=20, freq="7D"),  # Wednesdays
    "month": pd.date_range("2023-06-30", periods=14, freq="ME"),  # dated by their last day
}


@pytest.mark.parametrize("frequency", PERIODS)
@pytest.mark.parametrize("back", [-2, 0, 1])
def test_days_are_counted_as_by_hand(frequency, back):
    rng = np.random.default_rng(3)
    days = [date(2023, 1, 1) + timedelta(int(day)) for day in rng.choice(700, 120, replace=False)]
    alias = {"day": "D", "week": "W-TUE", "month": "M"}[frequency]  # a week that ends on a Tuesday starts on a Wednesday
    wanted = [
        sum(pd.Timestamp(day).to_period(alias) == period.to_period(alias) - back for day in days)
        for period in PERIODS[frequency]
    ]
    assert sum(wanted) > 0
    np.testing.assert_array_equal(days_within(days, PERIODS[frequency].to_numpy(), frequency, back=back), wanted)


def test_no_days_count_nothing():
    assert not days_within([], PERIODS["week"].to_numpy(), "week").any()


def test_own_dates_join_the_official_ones_of_the_same_name():
    declared = Holidays(country="US", names=["Labor Day"], dates={"Labor Day": [date(2024, 9, 3)], "Fair": [date(2030, 1, 1)]})
    assert holiday_dates(declared, 2023, 2024) == {"Labor Day": [date(2023, 9, 4), date(2024, 9, 2), date(2024, 9, 3)]}
