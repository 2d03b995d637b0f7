"""Strengths chosen on held-out rows forecast about as well as the best of a grid, and better than a bad guess."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SettingsError
from hierforecast.hierarchy import BOTTOM, Hierarchy
from hierforecast.hiref.moments.sums import Moments, sum_moments
from hierforecast.hiref.regression.choosing import choose_strengths, held_out_error
from hierforecast.hiref.regression.effects import Columns
from hierforecast.hiref.regression.training import train
from hierforecast.options import Training

TRAINING = Training(embedding_size="full")
COUNT, WEEKS = 60, 14


def made_sales(seed: int, *, between: float):
    """Few rows of many brands, whose promotion effects differ by `between` and whose seasons are alike."""
    rng = np.random.default_rng(seed)
    keys = pd.DataFrame([(f"b{n % 20:02d}", f"s{n // 20}") for n in range(COUNT)], columns=["brand", "state"])
    hierarchy = Hierarchy.from_panel(keys, ["brand", "state"])
    brand = hierarchy.membership("brand")
    effect, baseline = 1.0 + between * rng.normal(size=20), 2.0 * rng.normal(size=20)
    series = np.repeat(np.arange(COUNT), 3 * WEEKS)
    X = rng.normal(size=(len(series), 3))
    y = baseline[brand[series]] + effect[brand[series]] * X[:, 2] + X[:, :2] @ [0.5, -0.5] + 1.5 * rng.normal(size=len(series))
    third = np.tile(np.arange(3 * WEEKS) // WEEKS, COUNT)
    before, block, after = (sum_moments(X[third == part], y[third == part], series[third == part], COUNT) for part in range(3))
    columns = Columns(
        ("season_cos_1", "season_sin_1", "promo"), np.zeros(3), (("brand", "state"),) * 3, ("season", "season", "promo")
    )
    return before, block, hierarchy, columns, after


def error_with(ridge, before, block, hierarchy, columns):
    return held_out_error(block, train(before, hierarchy, columns, TRAINING.model_copy(update={"ridge": ridge})), hierarchy)


@pytest.mark.parametrize("between", [0.0, 0.7])
def test_chosen_strengths_are_about_the_best_of_a_grid(between):
    made = made_sales(1, between=between)
    chosen = choose_strengths([made[:2]], *made[2:4], TRAINING)
    Training(ridge=chosen).check_levels(["brand", "state"])
    # A level's baseline, season and promotion; series and states have nothing of their own here.
    rest = {"state": 1e4, BOTTOM: 1e4}
    grid = [
        {**rest, "brand": {"baseline": baseline, "season": season, "promo": promo}}
        for baseline in (0.1, 1.0, 10.0)
        for season in (1.0, 30.0, 1e4)
        for promo in (1.0, 10.0, 1e4)
    ]
    best = min(error_with(ridge, *made[:4]) for ridge in grid)
    ours, at_one = error_with(chosen, *made[:4]), error_with(1.0, *made[:4])
    assert ours < 1.02 * best
    assert ours < 0.96 * at_one


def test_what_differs_is_shrunk_less_than_what_does_not():
    made = made_sales(2, between=1.0)
    brand = choose_strengths([made[:2]], *made[2:4], TRAINING)["brand"]
    assert brand["default"] <= 30
    assert brand["season"] >= 10 * brand["default"]


def test_chosen_strengths_forecast_better_what_had_no_say_in_them():
    before, block, hierarchy, columns, after = made_sales(3, between=0.3)
    chosen = choose_strengths([(before, block)], hierarchy, columns, TRAINING)
    ours, at_one = (error_with(ridge, before + block, after, hierarchy, columns) for ridge in (chosen, 1.0))
    assert ours < 0.99 * at_one


def test_held_out_error_is_the_sum_of_squares():
    before, block, hierarchy, columns, _ = made_sales(4, between=0.5)
    trained = train(before, hierarchy, columns, TRAINING)
    total = block.products[:, -1, -1].sum()
    assert 0 < held_out_error(block, trained, hierarchy) < total


def test_nothing_held_out_is_told():
    before, block, hierarchy, columns, _ = made_sales(5, between=0.5)
    with pytest.raises(SettingsError, match="too short"):
        choose_strengths([(before, Moments(np.zeros_like(block.products)))], hierarchy, columns, TRAINING)
