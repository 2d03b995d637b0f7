"""The target's lags roll forward with the model's own forecasts and never with the panel's target."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.hiref import HiReF
from hierforecast.hiref.columns.rows import read_rows
from hierforecast.hiref.columns.target import TargetPast, roll_forward
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

LAGS = (1, 3)
KNOWN = 12  # periods; the origin is period 11


def by_hand(past, effects, value, period, series):
    """One cell of the recursion, spelled out."""
    known = {(time, s): past.path[time, s] for time in range(KNOWN) for s in range(2)}
    table = {(p, s): v for p, s, v in zip(period, series, value, strict=True)}
    for time in range(KNOWN, max(period) + 1):
        for s in range(2):
            if (time, s) not in table:
                continue
            total = table[time, s]
            for lag, effect in zip(LAGS, effects[s], strict=True):
                before = known.get((time - lag, s), np.nan)
                total += effect * (0.0 if np.isnan(before) else before - past.means[s])
            known[time, s] = total
    return known


def test_many_steps_equal_a_loop_written_by_hand():
    rng = np.random.default_rng(0)
    path = rng.normal(3, 1, (KNOWN, 2))
    path[-1, 1] = np.nan
    past = TargetPast(np.array([3.0, 2.5]), path, -100.0, 100.0)
    dates = pd.date_range("2024-01-01", periods=KNOWN + 7, freq="W-MON")
    frame = pd.DataFrame([(s, date) for s in "AB" for date in dates[KNOWN:]], columns=["store", "week"]).drop(index=[2, 9])
    rows = read_rows(frame, ["store"], "week", "week", origin=dates[0])
    value, effects = rng.normal(3, 1, len(frame)), np.array([[0.5, 0.2], [-0.3, 0.6]])
    rolled = roll_forward(past, rows, np.array([0, 1]), value, effects, LAGS, KNOWN - 1)
    expected = by_hand(past, effects, value, rows.period, rows.series)
    np.testing.assert_allclose(rolled.value, [expected[p, s] for p, s in zip(rows.period, rows.series, strict=True)])
    np.testing.assert_allclose(rolled.value, value + (rolled.columns * effects[rows.series]).sum(axis=1))
    # One step ahead is direct: nothing but the actual past goes in.
    first = rows.period == KNOWN
    direct = value[first] + effects[:, 0] * [path[-1, 0] - 3.0, 0.0] + effects[:, 1] * (path[-3] - past.means)
    np.testing.assert_allclose(rolled.value[first], direct)


def test_new_series_stay_at_their_mean_and_rows_of_the_past_see_the_actual_past():
    path = np.arange(KNOWN, dtype=float)[:, None]
    past = TargetPast(np.array([2.0]), path, -20.0, 20.0)
    dates = pd.date_range("2024-01-01", periods=KNOWN + 2, freq="W-MON")
    frame = pd.DataFrame([(s, date) for s in "AZ" for date in dates], columns=["store", "week"])
    rows = read_rows(frame, ["store"], "week", "week", origin=dates[0])
    rolled = roll_forward(past, rows, np.array([0, -1]), np.zeros(len(frame)), np.full((2, 1), 0.5), (2,), KNOWN - 1)
    np.testing.assert_array_equal(rolled.columns[rows.series == 1], 0.0)
    np.testing.assert_array_equal(rolled.columns[rows.series == 0, 0], [0.0, 0.0, *(path[:, 0] - 2.0)])


def test_a_recursion_that_would_explode_is_bounded():
    past = TargetPast(np.array([0.0]), np.ones((KNOWN, 1)), -1.0, 1.0)
    dates = pd.date_range("2024-01-01", periods=KNOWN + 100, freq="W-MON")
    rows = read_rows(pd.DataFrame({"store": "A", "week": dates[KNOWN:]}), ["store"], "week", "week", origin=dates[0])
    rolled = roll_forward(past, rows, np.array([0]), np.zeros(100), np.array([[3.0]]), (1,), KNOWN - 1)
    assert rolled.columns.max() == 2.0  # the range seen, -1 .. 1, widened by half of its width
    assert np.abs(rolled.value).max() == 6.0


SETTINGS = SalesPanel(levels=["store"], target=Target(name="units"), link="log", target_lags=[1], horizon=6, statistic="median")


def autoregressive(seed: int = 0, stores: int = 30, weeks: int = 120) -> pd.DataFrame:
    """log units = mean[store] + 0.6 (previous - mean) + noise."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(4, 0.5, stores)
    deviation, found = np.zeros(stores), []
    for _ in range(weeks):
        deviation = 0.6 * deviation + rng.normal(0, 0.3, stores)
        found.append(mean + deviation)
    dates = pd.date_range("2022-01-03", periods=weeks, freq="W-MON")
    frame = pd.DataFrame([(f"S{s:02}", date) for s in range(stores) for date in dates], columns=["store", "week"])
    return frame.assign(units=np.exp(np.array(found).T.ravel()))


@pytest.fixture(scope="module")
def model() -> HiReF:
    training = Training(seasonality=0, recent_level=False, embedding_size=1)
    frame = autoregressive()
    return HiReF.from_panel_settings(SETTINGS, training).fit(frame[frame["week"] < "2024-03-11"])


@pytest.fixture(scope="module")
def plan() -> pd.DataFrame:
    frame = autoregressive()
    return frame[frame["week"] >= "2024-03-11"].reset_index(drop=True)


def test_an_autoregression_is_recovered(model):
    fit = model._fit
    answer = fit.answer(autoregressive())
    own = answer.effects.total[:, fit.design.target_lags]
    assert own.mean() == pytest.approx(0.6, abs=0.05)


def test_forecasts_fall_back_to_the_mean_and_read_no_target(model, plan):
    blind = model.predict(plan.drop(columns="units"))["forecast"]
    np.testing.assert_array_equal(blind, model.predict(plan.assign(units=1e6))["forecast"])
    deviation = np.abs(np.log(blind).groupby(plan["store"]).transform("last") - np.log(blind))
    assert deviation.groupby(plan["week"]).mean().is_monotonic_decreasing


def test_one_step_forecasts_beat_those_of_later_steps(model, plan):
    error = np.abs(np.log(model.predict(plan)["forecast"]) - np.log(plan["units"])).groupby(plan["week"]).mean()
    assert error.iloc[0] < error.iloc[3:].mean()


def test_rows_of_training_are_told_as_they_were_fitted(model, plan):
    """Whatever part of the past is in the panel, and whatever its target says."""
    history = autoregressive().query("week < '2024-03-11'")
    whole = model.predict(history)
    late = history[history["week"] >= "2024-01-01"]
    np.testing.assert_allclose(model.predict(late.assign(units=0.0))["forecast"], whole.loc[late.index, "forecast"])
    joined = pd.concat([late, plan], ignore_index=True)
    np.testing.assert_allclose(model.predict(joined)["forecast"].iloc[len(late) :], model.predict(plan)["forecast"])


def test_what_is_carried_is_saved(model, plan, tmp_path):
    loaded = HiReF.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict(plan)["forecast"], model.predict(plan)["forecast"])
    np.testing.assert_array_equal(loaded._fit.design.past.path, model._fit.design.past.path)
