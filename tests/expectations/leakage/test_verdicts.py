import numpy as np
import pandas as pd
import pytest

from expectations.leakage.likeness import sample_series
from expectations.leakage.verdicts import ExpectNoLeakage, ExpectNoNearLeakage, find_leaks
from expectations.panel_view import PanelView
from hierforecast import synthetic


def view_of(frame: pd.DataFrame, levels: tuple[str, ...] = ("region", "brand")) -> PanelView:
    return PanelView(frame, levels, "week", "week")


def leaking(frame: pd.DataFrame, *, verdict: str = "stop", **columns: pd.Series) -> dict[str, str]:
    """Plant columns and return what is said of those that leak."""
    found = find_leaks(view_of(frame.assign(**columns)), "units", dict.fromkeys(columns, 0), horizon=8)
    return {leak.column: leak.sentence for leak in found.of(verdict)}


def by_series(frame: pd.DataFrame):
    return frame.groupby(["region", "brand"])["units"]


@pytest.mark.parametrize("weeks", [0, 1, 2, 3, 4, 8])
def test_copies_of_the_target_and_of_its_future_are_found(sales, weeks):
    said = leaking(sales, copy=by_series(sales).shift(-weeks))
    when = "of the same week" if weeks == 0 else f"{weeks} week{'s' if weeks > 1 else ''} ahead"
    assert f"equals 'units' {when}" in said["copy"]


def test_rescaled_copies_are_found_even_with_a_scale_for_every_series(sales):
    scale = by_series(sales).ngroup() * 3.7 + 0.2
    offset = by_series(sales).ngroup() * 100
    said = leaking(sales, share=by_series(sales).shift(-1) * scale + offset, minus=-sales["units"] * scale)
    assert "moves with 'units' 1 week ahead" in said["share"]
    assert "moves with 'units' of the same week" in said["minus"]


def test_running_sums_logarithms_and_noisy_copies_are_found(sales):
    noise = np.random.default_rng(1).normal(0, 0.02 * sales["units"].std(), len(sales))
    said = leaking(sales, total=by_series(sales).cumsum(), log=np.log(sales["units"]), nearly=sales["units"] + noise)
    assert set(said) == {"total", "log", "nearly"}
    assert "running sum" in said["total"]


@pytest.mark.parametrize("weeks", [5, 8])
def test_noisy_copies_far_ahead_are_found(sales, weeks):
    noise = np.random.default_rng(1).normal(0, 0.02 * sales["units"].std(), len(sales))
    said = leaking(sales, early=by_series(sales).shift(-weeks) + noise)
    assert f"moves with 'units' {weeks} weeks ahead" in said["early"]


def test_a_copy_in_one_series_only_is_found(sales):
    here = (sales["region"] == "South") & (sales["brand"] == "Brio")
    other = np.random.default_rng(2).gamma(2, 10, len(sales))
    assert set(leaking(sales, partly=pd.Series(np.where(here, sales["units"], other)))) == {"partly"}


def test_copies_are_found_in_a_panel_with_gaps_whether_moved_by_rows_or_by_dates(sales):
    kept = sales.drop(index=sales.sample(frac=0.15, random_state=4).index)
    by_rows = by_series(kept).shift(-1)
    by_dates = by_series(sales).shift(-1).loc[kept.index]
    assert set(leaking(kept, by_rows=by_rows, by_dates=by_dates)) == {"by_rows", "by_dates"}


def test_lags_of_the_target_are_legitimate(sales):
    lagged = {f"lag_{weeks}": by_series(sales).shift(weeks) for weeks in (1, 2, 4)}
    average = by_series(sales).shift(1).rolling(4).mean()
    assert leaking(sales, **lagged, average=average, past_total=by_series(sales).cumsum() - sales["units"]) == {}


def test_a_price_that_explains_most_of_the_variance_is_legitimate(sales):
    price = sales["price"] * 1.0
    units = 400 - 60 * price + np.random.default_rng(5).normal(0, 6, len(sales))
    assert np.corrcoef(price, units)[0, 1] < -0.97
    assert leaking(sales.assign(units=units), price=price) == {}
    assert set(leaking(sales.assign(units=units), price=price, verdict="warn")) == {"price"}


def test_a_shared_season_and_a_shared_trend_are_no_leak(sales):
    week = sales.groupby(["region", "brand"]).cumcount().to_numpy()
    rng = np.random.default_rng(6)
    common = 100 + 3.0 * week + 60 * np.sin(2 * np.pi * week / 52)
    units, medium = (common + rng.normal(0, 4, len(sales)) for _ in range(2))
    assert np.corrcoef(units, medium)[0, 1] > 0.99
    assert leaking(sales.assign(units=units), medium=pd.Series(medium)) == {}


def test_intermittent_sales_and_rare_flags_are_no_leak(sales):
    rng = np.random.default_rng(7)
    rare = pd.Series((rng.random(len(sales)) < 0.02).astype(float))
    units = rare * rng.gamma(4, 5, len(sales)) + (rng.random(len(sales)) < 0.05)
    assert leaking(sales.assign(units=units), flag=rare, zeros=rare * 0) == {}


def test_constants_and_columns_that_hardly_move_are_named_as_not_judged(sales):
    flag = pd.Series(0.0, index=sales.index)
    flag.iloc[5] = 1.0
    found = find_leaks(view_of(sales.assign(flag=flag)), "units", {"regular_price": 0, "flag": 0, "price": 0})
    assert found.skipped == ("regular_price", "flag")
    assert found.unread == ()


def test_columns_with_nothing_new_in_them_are_named(sales):
    trend = sales.groupby(["region", "brand"]).cumcount() * 1.0
    given = {"target": "units", "lags": {"trend": 0, "price": 0}, "horizon": 8}
    where = {"levels": ["region", "brand"], "period": "week", "frequency": "week"}
    said = ExpectNoLeakage(**given, **where).find(view_of(sales.assign(trend=trend))).found
    assert said == "2 columns judged, none knows 'units'. Too short or too regular to tell whether means of later weeks: trend."


def test_media_are_judged_after_their_declared_lag(media):
    view = view_of(media.assign(clicks=0.3 * media["revenue"], early=media["revenue"].shift(-1)), ())
    assert [leak.column for leak in find_leaks(view, "revenue", {"clicks": 0})[0]] == ["clicks"]
    assert find_leaks(view, "revenue", {"clicks": 1}).leaks == ()
    told = find_leaks(view, "revenue", {"early": 1})[0][0].sentence
    assert "equals 'revenue' of the same week after its lag of 1 week" in told


@pytest.mark.parametrize("seed", range(10))
def test_made_companies_never_alarm(seed):
    made = synthetic.company(seed=seed, weeks=104)
    levels = ("region", "state", "segment", "brand", "pack")
    drivers = ["price", "regular_price", "promotion", "tv_spend", "temperature"]
    assert find_leaks(view_of(made.sales, levels), "units", dict.fromkeys(drivers, 0)).leaks == ()
    media = [name for name in made.media if name not in ("week", "revenue")]
    assert find_leaks(view_of(made.media, ()), "revenue", dict.fromkeys(media, 0)).leaks == ()


def test_both_checks_look_at_a_panel_once(sales, monkeypatch):
    looks = []
    monkeypatch.setattr("expectations.leakage.verdicts.find_copies", lambda *given: looks.append(given) or ([], []))
    where = {"levels": ["region", "brand"], "period": "week", "frequency": "week"}
    given = {"target": "units", "lags": {"price": 0}, "horizon": 8, **where}
    view = view_of(sales)
    for expectation in (ExpectNoLeakage(**given), ExpectNoNearLeakage(**given)):
        assert expectation.find(view).count == 0
    assert len(looks) == 1


@pytest.mark.parametrize("weeks_ahead", [2, 8])
def test_a_copy_in_one_series_of_a_large_panel_is_found_beside_the_sample(weeks_ahead):
    rng = np.random.default_rng(8)
    count, weeks = 1300, 60
    frame = pd.DataFrame(
        {
            "item": np.repeat(np.arange(count), weeks).astype(str),
            "week": np.tile(pd.date_range("2023-01-02", periods=weeks, freq="W-MON"), count),
            "units": rng.gamma(3, 10, count * weeks).round(),
            "x": rng.normal(size=count * weeks),
        }
    )
    here = frame["item"] == "701"
    frame.loc[here, "x"] = 2 * frame.loc[here, "units"].shift(-weeks_ahead) + 1
    view = view_of(frame, ("item",))
    assert len(sample_series(view.ordered)) < count
    (leak,) = find_leaks(view, "units", {"x": 0}).leaks
    assert f"'units' {weeks_ahead} weeks ahead" in leak.sentence
    assert view.keys(leak.rows)[0] == "item=701, week=2023-01-02"
