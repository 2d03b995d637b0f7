"""A made market: its truth explains it exactly, its options do what they say, and it is made in no time."""

import time
from datetime import date

import numpy as np
import pandas as pd
import pytest

from hierforecast import synthetic
from hierforecast.errors import PanelError
from hierforecast.settings import parse_company
from hierforecast.synthetic.assembly import LEVELS
from hierforecast.synthetic.calendar import easter
from hierforecast.synthetic.law import MarketSize, SalesLaw

SMALL = MarketSize(regions=2, states=4, segments=2, brands=5, packs=2, periods=104, planned=8)
PLAIN = SalesLaw(new=0, ended=0, missing=0, stock_outs=0)


@pytest.fixture(scope="module")
def made():
    return synthetic.market(seed=5, size=SMALL, law=SalesLaw(cannibalisation=0.3, noise_drivers=7, stock_outs=0.03))


def with_law(seed=5, size=SMALL, **law):
    return synthetic.market(seed=seed, size=size, law=SalesLaw(**law))


def test_same_seed_same_market(made):
    again = synthetic.market(seed=5, size=SMALL, law=made.truth.law)
    pd.testing.assert_frame_equal(again.panel, made.panel)
    pd.testing.assert_frame_equal(again.truth.parts, made.truth.parts)
    other = synthetic.market(seed=6, size=SMALL, law=made.truth.law)
    assert not other.truth.effects["price"].equals(made.truth.effects["price"])


def test_parts_make_every_row(made):
    """sold = exp(sum of parts) * noise - lost + rounding, in the plan as well."""
    parts, known = made.truth.parts, made.panel["units"].notna()
    sold = made.truth.mean * parts["noise"] - parts["lost"] + parts["rounding"]
    np.testing.assert_allclose(sold, parts["sold"], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(made.panel.loc[known, "units"], parts.loc[known, "sold"])
    assert made.panel.loc[~known, "week"].nunique() == SMALL.planned
    assert parts["rounding"].abs().max() <= 0.5 + 1e-9


def test_contributions_sum_to_the_mean(made):
    np.testing.assert_allclose(made.truth.contributions().sum(axis=1), made.truth.mean, rtol=1e-9)


def test_parts_follow_from_the_panel_and_the_effects(made):
    """What a person reads in the panel, times the effect, is the part: for every driver without carry-over."""
    rows = made.panel.merge(made.truth.effects, on=LEVELS, suffixes=("", "_effect"), how="left")
    moved = {
        "price": np.log(rows["price"] / rows["reference_price"]),
        "distribution": rows["distribution"] - 80,
        "temperature": rows["temperature"] - 12,
        "confidence": rows["confidence"] - 100,
    } | {name: rows[name] for name in ("depth", "feature", "display", "trade_spend", "rival_depth")}
    for name, values in moved.items():
        known = values.notna()
        np.testing.assert_allclose((rows[f"{name}_effect"] * values)[known], made.truth.parts[name][known], atol=1e-12)


def test_media_carry_over_and_saturate():
    made = synthetic.market(seed=2, size=SMALL, law=PLAIN)
    one = (made.panel[LEVELS] == made.panel.loc[0, LEVELS]).all(axis=1)
    spend, carried = made.panel.loc[one, "tv_spend"], [0.0]
    for exposed in spend:
        carried.append(0.4 * exposed + 0.6 * carried[-1])
    carried = np.array(carried[1:])
    lift = made.truth.effects.loc[0, "tv_spend"]
    np.testing.assert_allclose(made.truth.parts.loc[one, "tv_spend"], lift * carried / (carried + 40), atol=1e-12)


def test_a_promotion_is_followed_by_a_dip():
    made = synthetic.market(seed=2, size=SMALL, law=PLAIN)
    depth = made.panel.groupby(LEVELS, observed=True)["depth"]
    before = depth.shift(1).fillna(0) + 0.5 * depth.shift(2).fillna(0)
    dip = made.truth.parts["after_promotion"]
    assert (dip[before > 0] < 0).all()
    assert (dip[before == 0] == 0).all()


def test_noise_has_mean_one_and_a_level_its_sd():
    made = synthetic.market(seed=2, size=MarketSize(states=20, periods=100), law=PLAIN)
    assert made.truth.parts["noise"].mean() == pytest.approx(1, abs=0.003)
    assert np.log(made.truth.parts["noise"]).std() == pytest.approx(0.12, rel=0.02)
    assert made.truth.parts["level"].std() == pytest.approx(0.06, rel=0.1)


def test_launched_and_delisted_series_have_no_rows_outside_their_life():
    made = with_law(new=0.2, ended=0.2, missing=0)
    span = made.panel.groupby(LEVELS, observed=True)["week"].agg(["min", "max", "size"])
    dates = SMALL.dates
    new, ended = span["min"] > dates[0], span["max"] < dates[-1]
    assert new.groupby(["brand", "pack"], observed=True).first().sum() == 2  # a fifth of ten brand-packs
    assert ended.groupby(["brand", "pack"], observed=True).first().sum() == 2
    assert not (new & ended).any()
    assert (span.loc[~new & ~ended, "size"] == len(dates)).all()
    launched = made.panel.merge(span[new].reset_index(), on=LEVELS)
    first = launched.loc[launched["week"] == launched["min"], "distribution"].mean()
    assert first < 0.5 * launched["distribution"].median()


@pytest.mark.parametrize("rows", ["zero", "missing"])
def test_empty_shelves_are_zeros_or_no_rows(rows):
    made = with_law(new=0, ended=0, missing=0, stock_outs=0.05, stock_out_rows=rows)
    known = made.panel["units"].notna()
    lost = made.truth.parts["lost"][known] > 0
    if rows == "zero":
        assert (made.panel.loc[known, "units"][lost] == 0).all()
        assert lost.mean() == pytest.approx(0.05, rel=0.25)
    else:
        assert not lost.any()
        assert 1 - known.sum() / (SMALL.series * SMALL.periods) == pytest.approx(0.05, rel=0.25)


def test_missing_rows_are_as_many_as_asked_and_never_planned():
    made = with_law(new=0, ended=0, missing=0.1, stock_outs=0)
    planned = made.panel["units"].isna()
    assert planned.sum() == SMALL.series * SMALL.planned
    assert (~planned).sum() / (SMALL.series * SMALL.periods) == pytest.approx(0.9, abs=0.01)


def test_one_number_changes_one_part():
    one, other = with_law(tv_lift=0.2), with_law(tv_lift=0.4)
    differs = [name for name in one.truth.part_names if not one.truth.parts[name].equals(other.truth.parts[name])]
    assert differs == ["tv_spend"]


def test_noise_drivers_are_none_of_the_truth(made):
    wasted = [name for name in made.panel.columns if name.startswith("noise_")]
    assert wasted == [f"noise_{number:03d}" for number in range(1, 8)]
    assert not set(wasted) & set(made.truth.effects.columns)
    drivers = synthetic.true_drivers(made.truth.law)
    assert set(drivers) == set(made.truth.effects.columns) - {*LEVELS, "baseline", "after_promotion"}
    columns = made.panel[wasted]
    assert abs(columns["noise_001"].autocorr()) < 0.05 < 0.8 < columns["noise_002"].autocorr()
    price = np.log(made.panel["price"] / made.panel["reference_price"])
    assert 0.4 < columns["noise_004"].corr(price) < 0.75


@pytest.mark.parametrize(("frequency", "step"), [("day", 1), ("week", 7), ("month", 31)])
def test_every_frequency_has_its_column_and_calendar(frequency, step):
    size = MarketSize(regions=1, states=1, segments=1, brands=2, packs=1, periods=60, planned=2, frequency=frequency)
    made = synthetic.market(seed=1, size=size)
    assert made.panel[frequency].min() == pd.Timestamp("2021-01-01" if frequency == "month" else "2021-01-04")
    assert made.panel[frequency].drop_duplicates().sort_values().diff().max() == pd.Timedelta(days=step)
    lifted = made.truth.parts["holidays"] > 0
    days = {day for days in made.truth.holidays.values() for day in days}
    ends = pd.DateOffset(**{f"{frequency}s": 1})
    for start in made.panel.loc[lifted, frequency].unique():
        assert any(start.date() <= day < (start + ends).date() for day in days)


def test_easter_is_where_the_church_has_it():
    assert [easter(year) for year in (2000, 2011, 2024, 2025, 2038)] == [
        *(date(2000, 4, 23), date(2011, 4, 24), date(2024, 3, 31), date(2025, 4, 20), date(2038, 4, 25))
    ]


def test_the_declared_settings_fit_the_panel(made):
    company = parse_company(synthetic.declare(made.truth))
    assert set(company.sales.columns) <= set(made.panel.columns)
    assert {driver.name for driver in company.sales.drivers} >= set(synthetic.true_drivers(made.truth.law))
    assert company.sales.horizon == 13
    bounded = [driver for driver in company.sales.drivers if driver.lower is not None]
    for driver in bounded:
        assert made.panel[driver.name].min() >= driver.lower
        assert driver.upper is None or made.panel[driver.name].max() <= driver.upper


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: MarketSize(states=0), "states must lie in 1 to 100000, got 0"),
        (lambda: MarketSize(brands=2.5), "brands must be a whole number, got 2.5"),
        (lambda: MarketSize(regions=5, states=3), "5 regions need at least as many states, got 3"),
        (lambda: MarketSize(frequency="weekly"), "did you mean 'week'"),
        (lambda: MarketSize(first="soon"), "first must be a date"),
        (lambda: MarketSize(first="NaT"), "first must be a date"),
        (lambda: MarketSize(first=20210104), "first must be a date"),
        (lambda: MarketSize(first="2021-01-04T00:00+02:00"), "first must be a date"),
        (lambda: MarketSize(states=10_000, brands=100, packs=10), "several smaller markets"),
        (lambda: SalesLaw(elasticity=1.0), "elasticity must lie in -6 to -0.2, got 1.0"),
        (lambda: SalesLaw(noise=float("nan")), "noise must lie in"),
        (lambda: SalesLaw(noise="loud"), "noise must be a number, got 'loud'"),
        (lambda: SalesLaw(stock_out_rows="empty"), "zero, missing"),
        (lambda: synthetic.market(seed=-1), "seed of 0 or more, got -1"),
        (lambda: synthetic.market(seed=None), "seed of 0 or more, got None"),
        (lambda: synthetic.market(seed=1.5), "seed of 0 or more, got 1.5"),
        (lambda: synthetic.company(1, weeks=100.5), "60 to 1040 weeks with a known target, got 100.5"),
    ],
)
def test_what_cannot_be_made_is_told(make, told):
    with pytest.raises(PanelError, match=told):
        make()


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_shelves_are_empty_as_often_as_declared(share):
    made = with_law(size=MarketSize(states=20, periods=100), new=0, ended=0, missing=0, stock_outs=share)
    history = made.panel["units"].notna()
    assert (made.truth.parts.loc[history, "lost"] > 0).mean() == pytest.approx(share, rel=0.04)


def test_holidays_lie_where_they_are_in_any_century():
    made = synthetic.market(seed=1, size=MarketSize(states=4, periods=60, frequency="month", first="2300-01-01"), law=PLAIN)
    lifted = made.panel.loc[made.truth.parts["holidays"] > 0, "month"].dt.month
    assert set(lifted) == {3, 4, 6, 12}


def test_half_a_million_rows_take_less_than_two_seconds():
    size = MarketSize(regions=5, states=25, brands=36, packs=9, periods=72, planned=0, frequency="month")
    began = time.process_time()
    made = synthetic.market(seed=1, size=size, law=PLAIN)
    assert len(made.panel) == 583_200
    assert time.process_time() - began < 2.0
