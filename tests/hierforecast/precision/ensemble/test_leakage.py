"""The verdict table: planted leaks stop, what merely looks alike does not."""

import time

import numpy as np
import pandas as pd
import pytest

from hierforecast.precision.ensemble.leakage import ALL_TACTICALS, WEEKS_PER_YEAR, find_leakage

SIZES = ((104, 1), (156, 2), (208, 3), (260, 4))  # weeks, seed


class Company:
    """A made company: target = base + trend + season + media effects + noise."""

    def __init__(self, weeks, seed, *, steepness=0.4):
        self.rng = rng = np.random.default_rng(seed)
        self.week = np.arange(weeks)
        phase = rng.uniform(0, 2 * np.pi)
        self.season = np.sin(2 * np.pi * self.week / 52.18 + phase) + 0.3 * np.cos(4 * np.pi * self.week / 52.18)
        self.media = rng.gamma(2.0, 1.0, (weeks, 3)) * (rng.random((weeks, 3)) < 0.7)
        carried = self.media.copy()
        for week in range(1, weeks):
            carried[week] += np.array([0.3, 0.5, 0.1]) * carried[week - 1]
        effects = carried @ np.array([25.0, 15.0, 20.0])
        self.y = 1000 + steepness * self.week + 55 * self.season + effects + rng.normal(0, 35, weeks)

    def noise(self, size):
        return self.rng.normal(0, size, len(self.week))

    def noisy(self, correlation):
        """The target with noise that leaves exactly this correlation."""
        centred = self.y - self.y.mean()
        noise = self.noise(1.0)
        noise -= noise.mean() + centred * (noise @ centred) / (centred @ centred)
        return self.y + noise * np.sqrt((centred @ centred) / (noise @ noise) * (1 / correlation**2 - 1))

    def driver(self, medium, *, share=0.9, season=0.2):
        """A target of which the medium explains `share`; `season` of the rest is season and trend."""
        rest = standard(self.season + 0.3 * standard(self.week))
        parts = (standard(medium), share), (rest, (1 - share) * season), (standard(self.noise(1)), (1 - share) * (1 - season))
        return 1000 + 100 * sum(np.sqrt(part) * values for values, part in parts)


def standard(values):
    return (values - values.mean()) / values.std()


def led(values, steps):
    return np.concatenate([values[steps:], values[-steps:]])


def lagged(values, steps):
    return np.concatenate([np.zeros(steps), values[:-steps]])


def judge(column, y, *, counted=None, **options):
    counted = np.ones(len(y), dtype=bool) if counted is None else counted
    return find_leakage({"clicks": np.reshape(column, (len(y), -1))}, y, counted, **options)


PLANTED = {
    "the target": (lambda c: c.y, "copy", 0),
    "rescaled": (lambda c: c.y / 7, "copy", 0),
    "affine": (lambda c: 30 + 0.02 * c.y, "copy", 0),
    "upside down": (lambda c: 5000 - c.y, "copy", 0),
    "in billions": (lambda c: 1e9 * c.y, "copy", 0),
    "behind a falling trend": (lambda c: c.y - 20 * c.week + 6000, "copy", 0),
    "behind another season": (lambda c: c.y + 400 * np.roll(c.season, 13), "copy", 0),
    "noise, 0.99": (lambda c: c.noisy(0.99), "copy", 0),
    "noise, 0.995": (lambda c: c.noisy(0.995), "copy", 0),
    "rounded to tens": (lambda c: np.round(c.y, -1), "copy", 0),
    "logarithm": (lambda c: np.log(c.y), "copy", 0),
    "led by 1": (lambda c: led(c.y, 1), "future", 1),
    "led by 2": (lambda c: led(c.y, 2), "future", 2),
    "led by 4": (lambda c: led(c.y, 4), "future", 4),
    "led by 1, rescaled": (lambda c: 0.1 * led(c.y, 1) - 3, "future", 1),
    "led by 2, noise": (lambda c: led(c.noisy(0.993), 2), "future", 2),
    "running total": (lambda c: c.y.cumsum(), "running total", 0),
    "running total, rescaled": (lambda c: 0.001 * c.y.cumsum() + 50, "running total", 0),
    "running total of deviations": (lambda c: (c.y - c.y.mean()).cumsum(), "running total", 0),
    "running total, led by 1": (lambda c: led(c.y, 1).cumsum(), "running total", 1),
}


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
@pytest.mark.parametrize("name", PLANTED)
def test_planted_leaks_stop_with_their_kind(name, weeks, seed):
    plant, kind, shift = PLANTED[name]
    company = Company(weeks, seed)
    (leak,) = judge(plant(company), company.y)
    assert (leak.verdict, leak.kind, leak.shift) == ("stop", kind, shift)
    assert leak.sentence.startswith("clicks, tactical 1: knows the ")


WARNED = {
    "noise, 0.95": (lambda c: c.noisy(0.95), "copy", 0),
    "led by 1, noise, 0.95": (lambda c: led(c.noisy(0.95), 1), "future", 1),
    "own past": (lambda c: lagged(c.y, 1), "own past", -1),
    "own past, 3 weeks": (lambda c: 2 * lagged(c.y, 3), "own past", -3),
    "running total up to last week": (lambda c: lagged(c.y, 1).cumsum(), "own past", -1),
}


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
@pytest.mark.parametrize("name", WARNED)
def test_what_may_be_innocent_warns(name, weeks, seed):
    plant, kind, shift = WARNED[name]
    company = Company(weeks, seed)
    (leak,) = judge(plant(company), company.y)
    assert (leak.verdict, leak.kind, leak.shift) == ("warn", kind, shift)


def seasonal(c):
    return np.maximum(4 + 2 * c.season, 0.2) * c.rng.gamma(8.0, 1 / 8, len(c.week))


def trending(c):
    return 50 + c.week + c.noise(3)


def curve(c):
    return (c.week / len(c.week)) ** 2


def moved_with_trend(c, effect):
    """A medium and sales that share a trend, and `effect` of what the medium does beside it."""
    shock = c.noise(3)
    return 50 + c.week + shock, 1000 + 8 * c.week + effect * shock + c.noise(20)


DRIVERS = {
    "seasonal": seasonal,
    "steady": lambda c: c.rng.gamma(3.0, 1.0, len(c.week)),
    "in flights": lambda c: c.media[:, 0],
    "trending": lambda c: (1 + c.week / 50) * c.rng.gamma(9.0, 1 / 9, len(c.week)),
}


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
@pytest.mark.parametrize("season", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("name", DRIVERS)
def test_a_medium_that_causes_nine_tenths_of_the_target_never_stops(name, season, weeks, seed):
    company = Company(weeks, seed)
    medium = DRIVERS[name](company)
    assert all(leak.verdict == "warn" for leak in judge(medium, company.driver(medium, season=season)))


INNOCENT = {
    "a medium of the company": lambda c: (c.media[:, 0], c.y),
    "all its media": lambda c: (c.media, c.y),
    "a pure season": lambda c: (100 + 30 * c.season, c.y),
    "a seasonal medium beside seasonal sales": lambda c: (seasonal(c), c.y + 200 * c.season),
    "a trending medium beside trending sales": lambda c: (trending(c), c.y + 8 * c.week),
    "a straight line beside trending sales": lambda c: (1.0 * c.week, c.y + 8 * c.week),
    "falling beside rising": lambda c: (1000 - trending(c), c.y + 8 * c.week),
    "a running total of its own": lambda c: (c.media[:, 0].cumsum(), c.y + 8 * c.week),
    "two curved trends": lambda c: (50 + 100 * curve(c) + c.noise(5), c.y + 1000 * curve(c)),
    "a trending medium with a small effect": lambda c: moved_with_trend(c, 2.4),
    "two random walks": lambda c: (c.noise(1).cumsum(), 1000 + c.noise(1).cumsum()),
    "the target's past beyond the window": lambda c: (lagged(c.y - c.y.mean(), 9), c.y - 45 * c.season - 0.4 * c.week),
    "a constant": lambda c: (np.full(len(c.week), 7.0), c.y),
    "conversions at their lag": lambda c: (lagged(0.1 * c.media[:, 0] * c.rng.uniform(0.8, 1.2, len(c.week)), 4), c.y),
}


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
@pytest.mark.parametrize("name", INNOCENT)
def test_innocent_look_alikes_pass(name, weeks, seed):
    column, y = INNOCENT[name](Company(weeks, seed))
    assert judge(column, y) == []


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
def test_a_trending_medium_with_an_effect_never_stops(weeks, seed):
    assert all(leak.verdict == "warn" for leak in judge(*moved_with_trend(Company(weeks, seed), 5.0)))


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
def test_one_shared_week_never_stops(weeks, seed):
    company = Company(weeks, seed)
    launch = company.week == 40
    medium, y = company.rng.gamma(3.0, 0.3, weeks) + 100 * launch, 1000 + company.noise(1) + 200 * launch
    assert all(leak.verdict == "warn" for leak in judge(medium, y))


def test_one_shared_christmas_never_stops():
    for _, seed in SIZES:
        company = Company(156, seed)
        christmas = np.isin(company.week % 52, (50, 51))
        medium = company.rng.gamma(3.0, 0.3, 156) + 30 * christmas
        assert all(leak.verdict == "warn" for leak in judge(medium, company.y + 2000 * christmas))


@pytest.mark.parametrize("seed", range(10))
def test_random_gamma_media_are_not_found(seed):
    rng = np.random.default_rng(seed)
    scales = {"impressions": (5.0, 20.0), "clicks": (3.0, 2.0), "conversions": (2.0, 0.5)}
    metrics = {name: rng.gamma(*shape, size=(100, 4)) for name, shape in scales.items()}
    assert find_leakage(metrics, rng.normal(1000, 50, 100), np.ones(100, dtype=bool)) == []


@pytest.mark.parametrize(("weeks", "seed"), SIZES)
def test_a_sum_that_is_the_target_stops_where_no_column_does(weeks, seed):
    company = Company(weeks, seed)
    parts = company.rng.dirichlet([1.0, 1.0, 1.0, 1.0], weeks) * company.y[:, None]
    (leak,) = judge(3 * parts, company.y)
    assert (leak.tactical, leak.verdict, leak.kind) == (ALL_TACTICALS, "stop", "copy")
    assert judge(3 * parts, company.y, aggregate=False) == []


def test_a_sum_is_not_told_twice():
    company = Company(156, 1)
    found = judge(np.column_stack([company.y, company.media]), company.y)
    assert [leak.tactical for leak in found] == ["tactical 1"]


def test_names_masks_and_metrics_are_kept_apart():
    company = Company(156, 1)
    columns = np.column_stack([company.media[:, 0], company.y, led(company.y, 1)])
    metrics = {"clicks": columns, "views": company.media}
    mask = {"clicks": np.array([True, True, False]), "views": np.ones(3, dtype=bool)}
    (leak,) = find_leakage(metrics, company.y, np.ones(156, bool), tacticals=("a", "b", "c"), present=mask)
    assert (leak.metric, leak.tactical) == ("clicks", "b")
    assert leak.correlation == pytest.approx(1.0)


def test_only_counted_weeks_and_known_targets_are_judged():
    company = Company(156, 2)
    counted, y, column = np.arange(156) >= 4, company.y.copy(), company.y.copy()
    column[:4] = 0.0
    y[[20, 21, 90, 150]] = np.nan
    assert [leak.verdict for leak in judge(column, y, counted=counted)] == ["stop"]
    assert [leak.kind for leak in judge(company.y.cumsum(), y, counted=counted)] == ["running total"]


def test_correlations_do_not_depend_on_units():
    company = Company(156, 3)
    column = company.noisy(0.97)
    (first,), (second,) = judge(column, company.y), judge(1e-6 * column, 1e6 * company.y)
    assert first.verdict == second.verdict
    assert first.correlation == pytest.approx(second.correlation, abs=1e-9)


def test_the_threshold_moves_both_verdicts():
    company = Company(156, 1)
    column = company.noisy(0.95)
    assert [leak.verdict for leak in judge(column, company.y, threshold=0.9)] == ["stop"]
    assert judge(company.noisy(0.9), company.y, threshold=0.985) == []


def test_dates_say_where_the_season_lies():
    company = Company(156, 1)
    dates = pd.date_range("2021-01-04", periods=156, freq="7D")
    column, y = seasonal(company), company.y + 300 * company.season
    assert judge(column, y, dates=dates) == judge(column, y) == []
    with_dates, without = judge(company.noisy(0.99), company.y, dates=dates), judge(company.noisy(0.99), company.y)
    assert [leak.verdict for leak in with_dates] == [leak.verdict for leak in without] == ["stop"]


def test_too_few_weeks_and_no_columns_are_not_judged():
    assert judge(np.arange(12.0), np.arange(12.0)) == []
    assert find_leakage({}, np.arange(100.0), np.ones(100, dtype=bool)) == []


def test_a_target_without_noise_is_still_recognised():
    week = np.arange(120.0)
    assert [(leak.verdict, leak.shift) for leak in judge(3 * week + 1, 1000 + 2 * week)] == [("stop", 0)]
    season = 1000 + np.sin(2 * np.pi * week / WEEKS_PER_YEAR)
    assert [(leak.verdict, leak.shift) for leak in judge(led(season, 1)[:-1], season[:-1])] == [("stop", 1)]


def test_ten_years_of_two_hundred_tacticals_are_fast():
    rng = np.random.default_rng(0)
    metrics = {name: rng.gamma(3.0, 1.0, (520, 200)) for name in ("impressions", "clicks", "conversions")}
    start = time.process_time()
    assert find_leakage(metrics, rng.normal(1000, 50, 520), np.ones(520, dtype=bool)) == []
    assert time.process_time() - start < 2.0
