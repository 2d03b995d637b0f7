import numpy as np
import pandas as pd
import pytest

from expectations.leakage.seasonless import residual, waves
from expectations.leakage.series_blocks import changed, correlate_all, cut, shifted
from expectations.panel_view import PanelView


@pytest.fixture
def view() -> PanelView:
    rng = np.random.default_rng(3)
    weeks = pd.date_range("2023-01-02", periods=70, freq="W-MON")
    frames = [pd.DataFrame({"item": f"i{size}", "week": weeks[:size]}) for size in (5, 70, 31, 30, 6)]
    frame = pd.concat(frames, ignore_index=True).drop(index=[12, 20, 21])
    frame["x"], frame["y"] = rng.normal(size=(2, len(frame)))
    frame.loc[frame.sample(frac=0.1, random_state=1).index, "x"] = np.nan
    return PanelView(frame.sample(frac=1, random_state=2).reset_index(drop=True), ("item",), "week", "week")


def sorted_columns(view):
    return [view.frame[name].to_numpy()[view.ordered.rows] for name in ("x", "y")]


def test_every_row_lies_in_one_block_once(view):
    places = np.concatenate([block.places[block.places >= 0] for block in cut(view.ordered, np.arange(5))])
    assert sorted(places) == list(range(len(view.frame)))


def test_correlations_are_those_of_pandas(view):
    x, y = sorted_columns(view)
    found = {}
    for block in cut(view.ordered, np.arange(5)):
        r = correlate_all(block.take([x, y]), block.take([y, x, x])).r
        found |= {int(number): r[place] for place, number in enumerate(block.series)}
    for number, start in enumerate(view.ordered.starts):
        rows = view.ordered.series == number
        wanted = pd.Series(x[rows]).corr(pd.Series(y[rows]))
        np.testing.assert_allclose(found[number], [[wanted, 1, 1], [1, wanted, wanted]], atol=1e-12)
        assert rows[start]


def test_shifts_pair_only_what_is_so_far_apart_on_the_calendar(view):
    for block in cut(view.ordered, np.arange(5)):
        times = block.take([view.ordered.periods.astype(float)])[:, 0]
        for steps in (-3, -1, 0, 1, 4):
            moved = shifted(times, block.periods, steps)
            assert np.nanmax(np.abs(moved - times - steps), initial=0) == 0
        assert np.nanmin(changed(times, block.periods), initial=1) == 1


def test_trend_and_season_leave_nothing_of_themselves(view):
    periods = np.arange(130)[None] + 40
    known = np.ones((1, 130), dtype=bool)
    calm = (3 + 0.1 * periods + np.cos(2 * np.pi * periods / (365.25 / 7) + 1))[:, None]
    noise = np.random.default_rng(1).normal(size=(1, 1, 130))
    basis = waves(periods, known, "week")
    assert np.abs(residual(calm, basis, known)).max() < 1e-4
    left = residual(calm + noise, basis, known)
    assert np.corrcoef(left[0, 0], noise[0, 0])[0, 1] > 0.9
