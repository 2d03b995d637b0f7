"""Panels are read in any order, and refused with a reason."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref.columns.rows import period_number, read_numbers, read_rows, time_order


def panel() -> pd.DataFrame:
    weeks = pd.date_range("2024-01-01", periods=4, freq="W-MON")
    frame = pd.DataFrame([(s, b, w) for s in "XY" for b in "ab" for w in weeks], columns=["state", "brand", "week"])
    return frame.assign(units=np.arange(16.0))


def read(frame: pd.DataFrame):
    return read_rows(frame, ["state", "brand"], "week", "week")


def test_rows_are_sorted_by_series_and_time_and_back_again():
    shuffled = panel().sample(frac=1, random_state=1)
    rows = read(shuffled)
    assert len(rows.keys) == 4
    same = rows.series[1:] == rows.series[:-1]
    assert (np.diff(rows.period)[same] == 1).all()
    np.testing.assert_array_equal(rows.unsort(read_numbers(shuffled, "units", rows)), shuffled["units"])
    keys = rows.keys.iloc[rows.series].reset_index(drop=True)
    pd.testing.assert_frame_equal(keys, shuffled.iloc[rows.order][["state", "brand"]].reset_index(drop=True))


def test_dense_tables_keep_gaps_empty():
    rows = read(panel().drop(index=[1]))
    table = rows.dense(np.ones(15))
    assert table.shape == (4, 4)
    assert table.sum() == 15
    np.testing.assert_array_equal(rows.gather(table), np.ones(15))


def test_periods_count_from_the_origin():
    dates = pd.to_datetime(["2023-12-01", "2024-01-01", "2024-03-01"]).to_numpy()
    origin = pd.Timestamp("2024-01-01")
    assert period_number(dates, "month", origin).tolist() == [-1, 0, 2]
    assert period_number(dates, "day", origin).tolist() == [-31, 0, 60]
    assert period_number(dates, "week", origin).tolist() == [-5, 0, 8]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: pd.concat([f, f.iloc[[3]]]), "repeat a series and week"),
        (lambda f: f.rename(columns={"brand": "brnd"}), "did you mean 'brnd'"),
        (lambda f: f.assign(week=f["week"].astype(str)), "to_datetime"),
        (lambda f: f.assign(state=f["state"].where(f.index > 1)), "'state' is empty in 2 rows"),
        (lambda f: f.assign(week=f["week"].where(f.index > 0)), "empty in 1 rows"),
        (lambda f: f.iloc[:0], "no rows"),
    ],
)
def test_unreadable_panels_are_refused_with_the_cure(change, message):
    with pytest.raises(PanelError, match=message):
        read(change(panel()))


@pytest.mark.parametrize("series", [5, 70_000])
def test_rows_are_ordered_as_by_comparing(series):
    rng = np.random.default_rng(4)
    who, when = rng.integers(0, series, 3000), rng.integers(-100_000, 100_000, 3000)
    for order in (np.arange(3000), np.lexsort((when,)), np.lexsort((when, who))):
        mine, numbers = who[order], when[order]
        np.testing.assert_array_equal(time_order(mine, numbers), np.lexsort((numbers, mine)))
