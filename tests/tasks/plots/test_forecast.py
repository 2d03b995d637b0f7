import numpy as np
import pandas as pd
import pytest

from tasks.plots.forecast import draw_nodes, draw_total, last_periods
from tasks.plots.sums import sum_forecast

LEVELS = ["region", "brand"]


def line(axes, label) -> np.ndarray:
    return next(line for line in axes.lines if line.get_label() == label).get_ydata()


def test_the_total_is_the_sum_of_all_series(forecasts):
    whole, close = draw_total(forecasts, unit="units / week").axes
    summed = forecasts.groupby("period")[["forecast", "actual"]].sum(min_count=1)
    np.testing.assert_allclose(line(whole, "forecast"), summed["forecast"])
    np.testing.assert_allclose(line(whole, "actual"), summed["actual"])
    assert np.isnan(line(whole, "actual")[-4:]).all()  # nothing is known of the future
    assert len(line(close, "forecast")) == 40  # all of it is near
    assert whole.get_ylabel() == "units / week"


def test_sums_have_no_interval_and_single_series_do(forecasts):
    assert "lower" not in sum_forecast(forecasts)
    one = forecasts[(forecasts["region"] == "North") & (forecasts["brand"] == "Alba")]
    assert "lower" in sum_forecast(one)
    assert not any(axes.collections for axes in draw_total(forecasts, unit="").axes)
    drawn = draw_nodes(forecasts, LEVELS, unit="", title="", interval=0.8)
    assert all(len(axes.collections) == 1 for axes in drawn.axes)
    assert drawn.axes[0].collections[0].get_label() == "80% interval"


def test_the_largest_nodes_come_first(forecasts):
    titles = [axes.get_title(loc="left") for axes in draw_nodes(forecasts, LEVELS, unit="", title="", count=2).axes]
    assert titles[0] == "South / Brio"
    assert len(titles) == 2
    assert [axes.get_title(loc="left") for axes in draw_nodes(forecasts, ["region"], unit="", title="").axes] == [
        "South",
        "North",
    ]


def test_a_close_look_is_some_held_out_lengths_long():
    weeks = pd.date_range("2020-01-06", periods=200, freq="W-MON")
    summed = pd.DataFrame({"period": weeks, "part": ["history"] * 180 + ["holdout"] * 13 + ["future"] * 7})
    near = last_periods(summed)
    assert near["part"].value_counts().to_dict() == {"history": 65, "holdout": 13, "future": 7}


@pytest.mark.parametrize("spoil", ["nothing sold", "no holdout", "one row", "infinite bound", "dollars"])
def test_odd_panels_are_drawn(forecasts, tmp_path, spoil):
    frame = {
        "nothing sold": forecasts.assign(actual=0.0, forecast=0.0, lower=0.0, upper=0.0),
        "no holdout": forecasts[forecasts["part"] == "history"],
        "one row": forecasts.head(1),
        "infinite bound": forecasts.assign(upper=np.inf),
        "dollars": forecasts.assign(brand="$x_{1$"),
    }[spoil]
    draw_total(frame, unit="units").savefig(tmp_path / "total.png")
    draw_nodes(frame, LEVELS, unit="units", title="series").savefig(tmp_path / "nodes.png")
    assert (tmp_path / "nodes.png").stat().st_size > 1000
