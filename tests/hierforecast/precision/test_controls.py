import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SettingsError
from hierforecast.precision.background import Background
from hierforecast.precision.controls import learn_design
from hierforecast.schema import Holidays

PERIODS = pd.Series(pd.date_range("2023-01-02", periods=130, freq="7D"))
DAYS = pd.Series(pd.date_range("2023-01-01", periods=400, freq="D"))
MONTHS = pd.Series(pd.date_range("2021-01-01", periods=36, freq="MS"))
ALL, BARE = np.ones(130, bool), {"seasonality": 0, "trend": False}
RNG = np.random.default_rng(0)
PRICE, FLAG = 100 + RNG.normal(size=130), (np.arange(130) % 26 == 3).astype(float)
VALUES = np.stack([PRICE, FLAG], axis=1)


def test_columns_are_scaled_over_the_observed_weeks_only():
    observed = np.arange(130) < 104
    design = learn_design(PERIODS, VALUES, ["price", "flag"], observed, seasonality=2, trend=True)
    changed = VALUES.copy()
    changed[104:] += 1000
    again = learn_design(PERIODS, changed, ["price", "flag"], observed, seasonality=2, trend=True)
    matrix = design.matrix(PERIODS, VALUES)
    np.testing.assert_array_equal(matrix, again.matrix(PERIODS, VALUES))
    np.testing.assert_allclose(matrix[observed].std(axis=0), 1)
    np.testing.assert_allclose(matrix[observed][:, :-1].mean(axis=0), 0, atol=1e-12)
    assert (matrix[FLAG == 0, -1] == 0).all()  # a flag contributes nothing where it is not raised


def test_components_and_names():
    design = learn_design(PERIODS, VALUES, ["price", "flag"], np.ones(130, bool), seasonality=1, trend=True)
    assert design.components == ("trend", "season", "price", "flag")
    assert design.column_names == ("trend", "season_sin_1", "season_cos_1", "price", "flag")


def test_the_season_repeats_each_year_whatever_the_window():
    design = learn_design(PERIODS, np.empty((130, 0)), [], np.ones(130, bool), seasonality=3, trend=False)
    later = pd.Series(PERIODS + pd.Timedelta(days=1461))  # four years of 365.25 days
    none = np.empty((130, 0))
    np.testing.assert_allclose(design.matrix(later, none), design.matrix(PERIODS, none), atol=1e-9)


def test_a_control_that_never_moved_stays_finite():
    design = learn_design(PERIODS, np.full((130, 1), 7.0), ["flat"], np.ones(130, bool), seasonality=0, trend=False)
    assert (design.matrix(PERIODS, np.full((130, 1), 7.0)) == 0).all()


def test_a_control_cannot_take_a_built_in_name():
    with pytest.raises(SettingsError, match="'season' has the name of a built-in"):
        learn_design(PERIODS, VALUES, ["season", "flag"], np.ones(130, bool), seasonality=1, trend=True)


def design_of(periods, observed=None, *, frequency="week", **options):
    """The design of a background alone, and its scaled columns."""
    observed = np.ones(len(periods), bool) if observed is None else observed
    none = np.empty((len(periods), 0))
    design = learn_design(periods, none, [], observed, background=Background(**BARE | options), frequency=frequency)
    return design, design.matrix(periods, none)


def test_a_flag_that_was_always_up_moves_nothing():
    design = learn_design(PERIODS, np.ones((130, 1)), ["flag"], ALL, seasonality=0, trend=False)
    assert (design.matrix(PERIODS, np.ones((130, 1))) == 0).all()


def test_the_trend_bends_at_its_knots_and_goes_on_straight():
    observed = np.arange(130) < 101
    design, matrix = design_of(PERIODS, observed, trend=True, trend_knots=3)
    assert design.components == ("trend",)
    assert design.column_names == ("trend", *(f"trend_after_knot_{number}" for number in (1, 2, 3)))
    curve = (matrix * design.scale) @ np.array([1.0, -3.0, 4.0, 0.5])  # a slope per year, and its changes
    slopes = np.diff(curve) * 365.25 / 7
    np.testing.assert_allclose(slopes, np.repeat([1.0, -2.0, 2.0, 2.5], [25, 25, 25, 54]), atol=1e-9)
    np.testing.assert_allclose(matrix[observed].mean(axis=0), 0, atol=1e-12)


def test_knots_follow_the_observed_weeks_alone():
    design, _ = design_of(PERIODS, np.arange(130) < 101, trend=True, trend_knots=2)
    again, _ = design_of(PERIODS[:101], trend=True, trend_knots=2)
    assert design.date.knots == again.date.knots


def test_three_weekly_pairs_tell_the_days_of_the_week_apart():
    design, matrix = design_of(DAYS, frequency="day", weekly_pairs=3)
    assert design.components == ("weekday",)
    assert design.column_names[:2] == ("weekday_sin_1", "weekday_cos_1")
    np.testing.assert_allclose(matrix[7:], matrix[:-7], atol=1e-9)
    by_day = np.column_stack([np.ones(7), matrix[:7]])
    assert np.linalg.matrix_rank(by_day) == 7


@pytest.mark.parametrize(
    ("periods", "frequency", "wanted"),
    [
        (PERIODS, "week", {"2023-12-25": 2, "2024-12-23": 3}),  # Mondays: 25-31 and 23-29 December
        (MONTHS, "month", {f"{year}-12-01": 3 for year in (2021, 2022, 2023)}),
        (DAYS, "day", {f"2023-12-{day}": 1 for day in (24, 25, 26)}),
    ],
)
def test_a_holiday_counts_its_days_within_the_period(periods, frequency, wanted):
    fair = Holidays(dates={"Fair": [date(year, 12, day) for year in range(2020, 2027) for day in (24, 25, 26)]})
    design, matrix = design_of(periods, frequency=frequency, holidays=fair)
    assert design.components == ("holidays",)
    days = pd.Series((matrix * design.scale)[:, 0], periods.dt.strftime("%Y-%m-%d"))
    found = days[days > 0].round(9).to_dict()
    wanted = wanted | ({"2023-12-18": 1} if frequency == "week" else {})
    assert found == wanted
    assert days.min() == 0  # nothing where there is no holiday
    assert matrix.std() == pytest.approx(1)


def test_official_days_have_a_column_per_name_and_around_them():
    declared = Holidays(country="US", names=["Christmas Day", "Labor Day"], before=1)
    design, matrix = design_of(PERIODS, holidays=declared)
    assert set(design.column_names) == {"Christmas Day", "Christmas Day -1", "Labor Day", "Labor Day -1"}
    week = pd.Series(range(130), PERIODS)
    raised = {name: np.flatnonzero(matrix[:, place]) for place, name in enumerate(design.column_names)}
    assert raised["Labor Day"].tolist() == week[["2023-09-04", "2024-09-02"]].tolist()
    assert raised["Christmas Day -1"].tolist() == week[["2023-12-18", "2024-12-16"]].tolist()


def test_a_holiday_that_was_never_observed_has_no_column_and_others_keep_theirs():
    declared = Holidays(dates={"Fair": [date(2023, 5, 1), date(2025, 6, 16)], "New": [date(2025, 6, 18)]})
    design, matrix = design_of(PERIODS, np.arange(130) < 104, holidays=declared)
    assert design.column_names == ("Fair",)
    later = pd.Series(pd.to_datetime(["2025-06-16", "2025-06-23"]))
    value = design.matrix(later, np.empty((2, 0)))[:, 0]
    assert value[0] == pytest.approx(matrix.max())
    assert value[1] == 0


def test_every_part_of_the_background_stands_before_the_controls():
    declared = Holidays(dates={"Fair": [date(2023, 5, 1)]})
    background = Background(seasonality=1, trend=True, trend_knots=1, weekly_pairs=1, holidays=declared)
    prices = np.sin(np.arange(400.0))[:, None]
    design = learn_design(DAYS, prices, ["price"], np.ones(400, bool), background=background, frequency="day")
    assert design.components == ("trend", "season", "weekday", "holidays", "price")
    matrix = design.matrix(DAYS, prices)
    assert matrix.shape == (400, len(design.columns))
    assert np.linalg.matrix_rank(np.column_stack([np.ones(400), matrix])) == 9  # no column says what others say
    assert Background.from_json(json.loads(json.dumps(background.to_json()))) == background


def test_a_background_says_as_much_as_its_two_old_keywords():
    new = learn_design(PERIODS, VALUES, ["price", "flag"], ALL, background=Background(seasonality=1, trend=False))
    old = learn_design(PERIODS, VALUES, ["price", "flag"], ALL, seasonality=1, trend=False)
    assert new.column_names == old.column_names
    np.testing.assert_array_equal(new.matrix(PERIODS, VALUES), old.matrix(PERIODS, VALUES))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trend_knots": 2}, "trend_knots is 2 and there is no trend"),
        ({"trend": True, "trend_knots": -1}, "trend_knots must lie within 0 and 20, got -1"),
        ({"weekly_pairs": 4}, "weekly_pairs must lie within 0 and 3, got 4"),
        ({"weekly_pairs": 1}, "the periods are weeks, which have no day of the week"),
        ({"holidays": Holidays(country="US", by=["brand"])}, "a media panel is one series"),
        ({"holidays": Holidays(country="US", names=["Chrismas Day"])}, "did you mean 'Christmas Day'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(SettingsError, match=message):
        design_of(PERIODS, **options)


def test_a_control_cannot_be_named_like_a_holiday():
    background = Background(holidays=Holidays(dates={"flag": [date(2023, 5, 1)]}))
    with pytest.raises(SettingsError, match="would be named 'flag'"):
        learn_design(PERIODS, VALUES, ["price", "flag"], ALL, background=background)
