import pandas as pd
import pytest

from expectations.calendar import ExpectCompleteCalendar, ExpectFullLastPeriod, ExpectNoGaps, ExpectRegularDates
from expectations.grid import Grid
from expectations.panel_view import PanelView

WHERE = {"levels": ["shop"], "period": "date", "frequency": "week"}


def view_of(dates, frequency="week", shop="A") -> PanelView:
    frame = pd.DataFrame({"shop": shop, "date": pd.DatetimeIndex(dates), "units": 1.0})
    return PanelView(frame, ("shop",), "date", frequency)


def day_of_every_month(day: int) -> pd.DatetimeIndex:
    """That day of 30 months, the last where a month is shorter."""
    return pd.DatetimeIndex([pd.Timestamp("2022-01-01") + pd.DateOffset(months=month, day=day) for month in range(30)])


@pytest.mark.parametrize(
    ("frequency", "dates"),
    [
        ("day", pd.date_range("2024-02-20", periods=20, freq="D")),
        ("week", pd.date_range("2023-12-01", periods=60, freq="W-WED")),
        ("month", pd.date_range("2022-01-01", periods=30, freq="MS")),
        ("month", pd.date_range("2022-01-31", periods=30, freq="ME")),
        ("month", pd.date_range("2022-01-01", periods=30, freq="MS") + pd.Timedelta(days=14)),
        *(("month", day_of_every_month(day)) for day in (28, 29, 30, 31)),
        ("month", day_of_every_month(30)[1:3]),
        ("month", pd.date_range("2022-01-31", periods=30, freq="ME") - pd.Timedelta(days=1)),
        *(("month", pd.date_range("2022-01-31", periods=30, freq=rule) + pd.Timedelta(hours=6)) for rule in ("MS", "ME")),
    ],
)
def test_regular_calendars_pass_and_dates_come_back_from_their_numbers(frequency, dates):
    grid = Grid.fitting(dates, frequency)
    numbers = grid.numbers(dates)
    assert grid.fits(dates).all()
    assert [grid.date(number) for number in numbers] == list(dates)
    assert (numbers[1:] - numbers[:-1] == 1).all()
    view = view_of(dates, frequency)
    for expectation in (ExpectRegularDates, ExpectCompleteCalendar, ExpectNoGaps):
        assert expectation(**WHERE | {"frequency": frequency}).find(view).count == 0


@pytest.mark.parametrize(
    ("frequency", "dates", "moved"),
    [
        ("day", pd.date_range("2024-02-20", periods=20, freq="D"), pd.Timedelta(hours=3)),
        ("week", pd.date_range("2023-12-01", periods=60, freq="W-WED"), pd.Timedelta(days=1)),
        ("month", pd.date_range("2022-01-01", periods=30, freq="MS"), pd.Timedelta(days=1)),
        ("month", pd.date_range("2022-01-31", periods=30, freq="ME"), -pd.Timedelta(days=3)),
    ],
)
def test_a_date_beside_the_calendar_is_named(frequency, dates, moved):
    shifted = dates.to_list()
    shifted[7] += moved
    finding = ExpectRegularDates(**WHERE | {"frequency": frequency}).find(view_of(shifted, frequency))
    assert finding.count == 1
    assert str(shifted[7].date()) in finding.keys[0]


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        (day_of_every_month(1), "day 1 of every month"),
        (day_of_every_month(30), "day 30 of every month"),
        (day_of_every_month(31), "the last day of every month"),
        (day_of_every_month(31) - pd.Timedelta(days=1), "1 day before the last of every month"),
        (day_of_every_month(31) - pd.Timedelta(days=2), "2 days before the last of every month"),
    ],
)
def test_the_day_of_the_month_is_worded(dates, words):
    assert str(Grid.fitting(dates, "month")) == words


def test_a_month_at_another_time_of_day_is_beside_the_calendar():
    dates = (pd.date_range("2022-01-01", periods=12, freq="MS") + pd.Timedelta(hours=6)).to_list()
    dates[7] += pd.Timedelta(hours=1)
    assert ExpectRegularDates(**WHERE | {"frequency": "month"}).find(view_of(dates, "month")).count == 1


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_periods_without_any_row_are_named(frequency):
    rule = {"day": "D", "week": "W-MON", "month": "MS"}[frequency]
    dates = pd.date_range("2024-01-01", periods=12, freq=rule)
    finding = ExpectCompleteCalendar(**WHERE | {"frequency": frequency}).find(view_of(dates.delete([4, 5]), frequency))
    assert finding.count == 2
    assert finding.keys == tuple(f"date={dates[place].date()}" for place in (4, 5))


def test_a_hole_in_one_series_is_named_with_its_series():
    dates = pd.date_range("2024-01-01", periods=12, freq="W-MON")
    frame = pd.concat([view_of(dates, shop="A").frame, view_of(dates.delete([4, 5, 9]), shop="B").frame], ignore_index=True)
    view = PanelView(frame.sample(frac=1, random_state=0).reset_index(drop=True), ("shop",), "date", "week")
    assert ExpectCompleteCalendar(**WHERE).find(view).count == 0
    finding = ExpectNoGaps(**WHERE).find(view)
    assert finding.keys == ("shop=B, date=2024-01-29 to 2024-02-05", "shop=B, date=2024-03-04")
    assert "3 missing rows inside 1 series" in finding.found


def test_series_of_different_length_have_no_gap():
    dates = pd.date_range("2024-01-01", periods=12, freq="W-MON")
    frame = pd.concat([view_of(dates, shop="A").frame, view_of(dates[3:8], shop="B").frame], ignore_index=True)
    assert ExpectNoGaps(**WHERE).find(PanelView(frame, ("shop",), "date", "week")).count == 0


def test_a_half_delivered_last_week_is_named_with_who_is_absent():
    dates = pd.date_range("2024-01-01", periods=12, freq="W-MON")
    whole = pd.concat([view_of(dates, shop=shop).frame for shop in "ABCDE"], ignore_index=True)
    expectation = ExpectFullLastPeriod(**WHERE, target="units")
    assert expectation.find(PanelView(whole, ("shop",), "date", "week")).count == 0
    late = (whole["date"] == dates[-1]) & whole["shop"].isin(["B", "C", "E"])
    finding = expectation.find(PanelView(whole[~late].reset_index(drop=True), ("shop",), "date", "week"))
    assert finding.count == 1
    assert finding.keys == ("shop=B", "shop=C", "shop=E")
