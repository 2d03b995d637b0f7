"""Season, holidays and trend are what the date alone says."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from hierforecast.errors import SettingsError
from hierforecast.hiref.columns.calendar import make_calendar, shift_dates
from hierforecast.hiref.columns.cuts import cuts_of
from hierforecast.hiref.columns.rows import read_rows
from hierforecast.options import Training
from hierforecast.schema import Holidays, SalesPanel, Target

PLAIN = Training(seasonality=0)


def made(dates, frequency, holidays, training=PLAIN):
    settings = SalesPanel(levels=["store"], target=Target(name="units"), frequency=frequency, holidays=holidays)
    rows = read_rows(pd.DataFrame({"store": "A", "week": dates}), ["store"], "week", frequency)
    return make_calendar(settings, training, dates[0], rows.last), rows


def calendar_of(dates, frequency, holidays, *, training=PLAIN):
    """A table with one column per calendar column, one row per date, trained on these dates."""
    calendar, rows = made(dates, frequency, holidays, training)
    X = np.zeros((len(dates), len(calendar.names)))
    calendar.fill(X, rows)
    return pd.DataFrame(X, columns=list(calendar.names), index=dates)


@pytest.mark.parametrize(
    ("frequency", "dates", "marked"),
    [
        ("day", pd.date_range("2022-12-01", "2023-12-31"), ["2022-12-25", "2023-12-25"]),
        ("week", pd.date_range("2022-12-05", periods=60, freq="W-MON"), ["2022-12-19", "2023-12-25"]),
        ("week", pd.date_range("2022-12-03", periods=60, freq="W-SAT"), ["2022-12-24", "2023-12-23"]),
        ("month", pd.date_range("2022-11-01", periods=15, freq="MS"), ["2022-12-01", "2023-12-01"]),
    ],
)
def test_a_period_counts_a_holiday_that_falls_within_it(frequency, dates, marked):
    table = calendar_of(dates, frequency, Holidays(country="US", names=["Christmas Day"]))
    assert table.index[table["Christmas Day"] == 1].strftime("%Y-%m-%d").tolist() == marked
    assert table["Christmas Day"].sum() == 2


def test_windows_reach_over_new_year_and_have_columns_of_their_own():
    dates = pd.date_range("2022-12-19", periods=3, freq="W-MON")
    table = calendar_of(dates, "week", Holidays(dates={"Ball": ["2023-01-10"], "Sale": ["2022-12-13"]}, before=2, after=1))
    assert table.columns.tolist() == ["Ball -2", "Ball -1", "Sale +1"]
    assert table["Ball -2"].tolist() == [0, 1, 0]
    assert table["Ball -1"].tolist() == [0, 0, 1]
    assert table["Sale +1"].tolist() == [1, 0, 0]


def test_own_dates_join_the_official_ones_of_that_name():
    dates = pd.date_range("2023-01-02", periods=52, freq="W-MON")
    declared = Holidays(country="US", names=["Christmas Day"], dates={"Christmas Day": ["2023-07-25"]})
    table = calendar_of(dates, "week", declared)
    assert table.index[table["Christmas Day"] == 1].month.tolist() == [7, 12]


def test_a_holiday_that_never_occurs_in_training_has_no_column():
    dates = pd.date_range("2023-01-02", periods=24, freq="W-MON")
    names = calendar_of(dates, "week", Holidays(country="US")).columns
    assert "Memorial Day" in names
    assert "Christmas Day" not in names
    calendar, _ = made(dates, "week", Holidays(country="US", dates={"Fair": ["2031-01-01"]}))
    assert {"Christmas Day", "Fair"} <= set(calendar.absent_holidays)
    assert "Memorial Day" not in calendar.absent_holidays


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (Holidays(country="USA2"), "no calendar of 'USA2'; did you mean 'USA'"),
        (Holidays(country="US", subdivision="TXX"), "US has no 'TXX'; did you mean 'TX'"),
        (Holidays(country="US", names=["Chrismas Day"]), "US has no 'Chrismas Day'; did you mean 'Christmas Day'"),
    ],
)
def test_unknown_holidays_are_refused_with_the_nearest(declared, message):
    with pytest.raises(SettingsError, match=message):
        calendar_of(pd.date_range("2023-01-02", periods=60, freq="W-MON"), "week", declared)


def test_a_holiday_that_other_years_have_is_no_mistake():
    dates = pd.date_range("2015-01-05", periods=60, freq="W-MON")
    declared = Holidays(country="US", names=["Juneteenth National Independence Day", "Labor Day"])
    assert calendar_of(dates, "week", declared).columns.tolist() == ["Labor Day"]


def test_the_trend_bends_at_its_knots_and_nowhere_else():
    dates = pd.date_range("2020-01-06", periods=313, freq="W-MON")
    table = calendar_of(dates, "week", None, training=Training(seasonality=0, trend=True, trend_knots=2))
    assert table.columns.tolist() == ["trend", "trend after knot 1", "trend after knot 2"]
    bent = table.to_numpy() @ np.array([1.0, -3.0, 4.0])
    steps = np.diff(bent) * 365.25 / 7
    np.testing.assert_allclose(steps, np.repeat([1.0, -2.0, 2.0], 104), atol=1e-9)


@pytest.mark.parametrize(("periods", "years_after"), [(313, 1.0), (157, 1.0), (120, 0.9), (60, 0.3)])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_after_the_last_knot_comes_enough_training_even_for_the_earliest_origin(periods, years_after, count):
    dates = pd.date_range("2020-01-06", periods=periods, freq="W-MON")
    training = Training(seasonality=0, trend=True, trend_knots=count, origins=2)
    calendar, rows = made(dates, "week", None, training)
    earliest = cuts_of(rows.last + 1, calendar.panel.horizon, training.origins)[0]
    assert len(calendar.knots) == count
    np.testing.assert_allclose(np.diff((0.0, *calendar.knots)), calendar.knots[0])
    assert earliest * 7 / 365.25 - calendar.knots[-1] > years_after


def test_knots_want_a_trend():
    with pytest.raises(ValidationError, match="trend_knots is 2 and there is no trend; add trend: true"):
        Training(trend_knots=2)


@pytest.mark.parametrize(("frequency", "expected"), [("day", "2024-02-28"), ("week", "2024-02-16"), ("month", "2023-12-01")])
def test_dates_move_by_whole_periods(frequency, expected):
    day = "2024-03-01"
    back = {"day": 2, "week": 2, "month": 3}[frequency]
    assert str(shift_dates(np.array([day], dtype="datetime64[ns]"), frequency, back)[0])[:10] == expected
