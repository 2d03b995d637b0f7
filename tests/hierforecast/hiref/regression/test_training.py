"""Training finds the least squares answer where that is known, and the same one twice."""

import numpy as np
import pandas as pd

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.moments.sums import sum_moments
from hierforecast.hiref.regression.effects import Columns, effects_of
from hierforecast.hiref.regression.training import train
from hierforecast.options import Training


def problem(signs: list[float], by: tuple[str, ...] = ("brand",)):
    rng = np.random.default_rng(0)
    keys = pd.DataFrame([(s, b) for s in "XYZ" for b in "abcd"], columns=["state", "brand"])
    hierarchy = Hierarchy.from_panel(keys, ["state", "brand"])
    series = np.repeat(np.arange(12), 200)
    X = rng.normal(size=(len(series), 2))
    slopes = np.column_stack([np.linspace(0.5, 2.0, 4)[hierarchy.membership("brand")], np.full(12, -0.3)])
    y = 3 + np.arange(12)[series] / 10 + (X * slopes[series]).sum(axis=1) + rng.normal(0, 0.5, len(series))
    columns = Columns(("f", "g"), np.array(signs), (by, ()))
    return sum_moments(X, y, series, 12), hierarchy, columns, slopes


def test_effects_per_brand_are_recovered():
    moments, hierarchy, columns, slopes = problem([1.0, -1.0])
    found = train(moments, hierarchy, columns, Training())
    total = effects_of(found.parameters, hierarchy.series).total
    assert found.converged
    np.testing.assert_allclose(total, slopes, atol=0.06)


def test_an_effect_does_not_vary_over_levels_it_is_not_declared_for():
    moments, hierarchy, columns, _ = problem([1.0, -1.0], by=())
    total = effects_of(train(moments, hierarchy, columns, Training()).parameters, hierarchy.series).total
    np.testing.assert_allclose(total, np.broadcast_to(total[0], total.shape))


def test_a_sign_that_the_data_contradict_holds_in_every_series():
    moments, hierarchy, columns, _ = problem([-1.0, 1.0])
    total = effects_of(train(moments, hierarchy, columns, Training()).parameters, hierarchy.series).total
    assert (total[:, 0] <= 0).all()
    assert (total[:, 1] >= 0).all()
    np.testing.assert_allclose(total, 0.0, atol=0.1)


def test_two_fits_from_the_same_seed_are_the_same():
    moments, hierarchy, columns, _ = problem([1.0, 0.0])
    first, second = (train(moments, hierarchy, columns, Training()) for _ in range(2))
    np.testing.assert_array_equal(first.parameters.loadings, second.parameters.loadings)
    np.testing.assert_array_equal(first.intercepts, second.intercepts)


def test_more_ridge_means_less_difference_between_nodes():
    moments, hierarchy, columns, _ = problem([1.0, -1.0])
    spread = [
        np.ptp(effects_of(train(moments, hierarchy, columns, Training(ridge=ridge)).parameters, hierarchy.series).total[:, 0])
        for ridge in (0.1, 100.0, 10_000.0)
    ]
    assert spread[0] > spread[1] > spread[2]
