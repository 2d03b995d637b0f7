"""Columns that change in few of the weeks whose sales are known: they prove nothing, and break nothing."""

import numpy as np
import pandas as pd
import pytest

from expectations.leakage.clearest_series import clearest_series
from expectations.leakage.verdicts import Leaks, find_leaks
from expectations.panel_view import PanelView

PRICES = (3.99, 4.49, 4.99)


def view_of(frame: pd.DataFrame) -> PanelView:
    return PanelView(frame, ("item",), "week", "week")


def series(item: str, known: int, planned: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rare sales beside a price that nobody chose for them, and a long plan of prices."""
    count = known + planned
    units = rng.poisson(rng.uniform(1, 2), count).astype(float)
    units[known:] = np.nan
    weeks = pd.date_range("2024-01-01", periods=count, freq="W-MON")
    return pd.DataFrame({"item": item, "week": weeks, "units": units, "price": rng.choice(PRICES, count)})


@pytest.fixture(scope="module")
def new_items() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frames = [series(f"old {number}", 60, int(rng.integers(26, 41)), rng) for number in range(20)]
    frames += [series(f"new {number}", int(rng.integers(6, 9)), int(rng.integers(26, 41)), rng) for number in range(200)]
    return pd.concat(frames, ignore_index=True)


def test_new_series_with_a_long_plan_do_not_convict_a_price(new_items):
    assert find_leaks(view_of(new_items), "units", {"price": 0}, horizon=8).leaks == ()


def test_the_quick_look_at_a_large_panel_passes_such_series_over(new_items):
    view = view_of(new_items)
    units, price = (new_items[name].to_numpy()[view.ordered.rows] for name in ("units", "price"))
    found = clearest_series(view, [price], units, lag=0, but=np.empty(0, dtype=np.int64))
    assert len(found) == 0


def large(flag_since: dict[int, int]) -> pd.DataFrame:
    """620 series of 100 weeks, too many to look at each; a flag goes up for good in some of those beside the sample."""
    rng = np.random.default_rng(3)
    count, weeks = 620, 100
    week = np.tile(np.arange(weeks), count)
    frame = pd.DataFrame(
        {
            "item": np.repeat([f"{number:03}" for number in range(count)], weeks),
            "week": pd.Timestamp("2022-01-03") + pd.to_timedelta(7 * week, unit="D"),
            "units": rng.gamma(3, 10, count * weeks).round(),
        }
    )
    since = np.repeat([flag_since.get(number, weeks) for number in range(count)], weeks)
    return frame.assign(flag=(week >= since).astype(float))


def test_a_flag_that_goes_up_once_per_series_of_a_large_panel_is_judged():
    frame = large(dict.fromkeys(range(1, 61, 2), 50))
    assert find_leaks(view_of(frame), "units", {"flag": 0}, horizon=8) == Leaks((), unread=("flag",))


@pytest.mark.parametrize(("since", "known"), [(0, 100), (50, 50)])
def test_a_step_from_series_to_series_or_in_the_plan_is_no_change(since, known):
    frame = large(dict.fromkeys(range(1, 61, 2), since))
    frame.loc[frame.groupby("item").cumcount() >= known, "units"] = np.nan
    assert find_leaks(view_of(frame), "units", {"flag": 0}, horizon=8) == Leaks((), ("flag",))
