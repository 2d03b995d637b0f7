"""Training finds the least squares answer where that is known, keeps signs, and gives the same answer twice."""

from itertools import pairwise

import numpy as np
import pytest

from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import effects_of
from hierforecast.hiref.regression.training import train
from hierforecast.options import Training

KINDS = pytest.mark.parametrize("size", [4, "full"])
ALL = ("state", "brand")


def totals(made, training):
    found = train(*made[:3], training)
    return effects_of(found.parameters, made.hierarchy.series, found.own).total


@KINDS
def test_effects_per_brand_are_recovered(make, size):
    made = make()
    found = train(*made[:3], Training(embedding_size=size))
    assert found.converged
    assert found.parameters.full == (size == "full")
    np.testing.assert_allclose(effects_of(found.parameters, made.hierarchy.series).total, made.slopes, atol=0.06)


@KINDS
def test_an_effect_does_not_vary_over_levels_it_is_not_declared_for(make, size):
    total = totals(make(by=((), ())), Training(embedding_size=size))
    np.testing.assert_allclose(total, np.broadcast_to(total[0], total.shape))


@KINDS
def test_a_sign_that_the_data_contradict_holds_in_every_series(make, size):
    total = totals(make(signs=(-1.0, 1.0)), Training(embedding_size=size))
    assert (total[:, 0] <= 0).all()
    assert (total[:, 1] >= 0).all()
    np.testing.assert_allclose(total, 0.0, atol=0.1)


def test_full_embeddings_solve_the_ridge_regression_they_stand_for(make):
    made = make(signs=(0.0, 0.0), by=(ALL, ("state",)), rows=8)
    ridge = {"state": {"baseline": 3.0, "f": 5.0, "default": 2.0}, "brand": {"f": 7.0, "baseline": 4.0}, "bottom": 6.0}
    made = made._replace(columns=made.columns._replace(groups=("f", "g")))
    found = train(*made[:3], Training(embedding_size="full", ridge=ridge))
    scale, noise = found.parameters.column_scales, float(found.parameters.target_scale)
    state, brand = made.hierarchy.series[made.series].T
    f, g = (made.X / scale).T
    one = np.ones(len(f))
    sides = [(one, 0.0, None), (f, 0.0, None), (g, 0.0, None)]
    sides += [(one, 3.0, state), (f, 5.0, state), (g, 2.0, state), (one, 4.0, brand), (f, 7.0, brand), (one, 6.0, made.series)]
    blocks = [side[:, None] if code is None else np.eye(code.max() + 1)[code] * side[:, None] for side, _, code in sides]
    strengths = np.concatenate([np.full(b.shape[1], s) for b, (_, s, _) in zip(blocks, sides, strict=True)])
    X = np.hstack(blocks)
    wanted = X @ np.linalg.solve(X.T @ X + np.diag(strengths + 1e-9), X.T @ made.y)
    effects = effects_of(found.parameters, made.hierarchy.series)
    got = (effects.baseline + found.intercepts)[made.series] + (made.X * effects.total[made.series]).sum(axis=1)
    np.testing.assert_allclose(got, wanted, atol=0.01 * noise)


def test_series_may_have_effects_of_their_own(make):
    made = make(by=(("brand", "bottom"), ()), spread=0.3)
    found = train(*made[:3], Training(embedding_size="full"))
    total = effects_of(found.parameters, made.hierarchy.series, found.own).total
    np.testing.assert_allclose(total, made.slopes, atol=0.1)
    assert not found.own[:, 1].any()
    without = train(*made[:2], made.columns._replace(by=(("brand",), ())), Training(embedding_size="full"))
    assert without.own is None
    assert found.loss < 0.9 * without.loss


@KINDS
def test_own_effects_that_would_break_a_sign_end_at_zero(make, size):
    made = make(by=(("brand", "bottom"), ("bottom",)), spread=1.5, rows=60)
    found = train(*made[:3], Training(embedding_size=size))
    effects = effects_of(found.parameters, made.hierarchy.series)
    total = effects_of(found.parameters, made.hierarchy.series, found.own).total
    assert (made.slopes[:, 0] < -0.2).any()
    assert (total[:, 0] >= 0).all()
    assert (total[:, 1] <= 0).all()
    np.testing.assert_allclose(effects.total + found.own, total, atol=1e-9)  # nothing is left to be cut off
    free = made.slopes[:, 0] > 0.2
    np.testing.assert_allclose(total[free, 0], made.slopes[free, 0], atol=0.25)


def test_two_fits_from_the_same_seed_are_the_same(make):
    made = make(signs=(1.0, 0.0))
    first, second = (train(*made[:3], Training()) for _ in range(2))
    np.testing.assert_array_equal(first.parameters.loadings, second.parameters.loadings)
    np.testing.assert_array_equal(first.intercepts, second.intercepts)


@KINDS
def test_more_ridge_means_less_difference_between_nodes(make, size):
    spread = [np.ptp(totals(make(), Training(ridge=ridge, embedding_size=size))[:, 0]) for ridge in (0.1, 100.0, 10_000.0)]
    assert spread[0] > spread[1] > spread[2]


def test_a_group_of_columns_has_a_strength_of_its_own(make):
    made = make(groups=("f", "season"))
    weak, strong = (totals(made, Training(embedding_size="full", ridge={"brand": {"f": strength}})) for strength in (1.0, 1e6))
    assert np.ptp(weak[:, 0]) > 1.0
    assert np.ptp(strong[:, 0]) < 0.05


def test_the_first_side_may_be_other_than_one_where_rows_are_told(make):
    made = make()
    products = made.moments.products.copy()
    products[:, 0, :] *= 5.0
    products[:, :, 0] *= 5.0  # as if every row said 5 where it says 1: baselines become a fifth, the rest stays
    plain = train(*made[:3], Training(embedding_size="full"))
    told = train(Moments(products), *made[1:3], Training(embedding_size="full"), rows=float(len(made.y)))
    np.testing.assert_allclose(told.parameters.target_scale, plain.parameters.target_scale)
    five, one = (effects_of(found.parameters, made.hierarchy.series) for found in (told, plain))
    np.testing.assert_allclose(five.total, one.total, atol=1e-3)
    np.testing.assert_allclose(5.0 * (five.baseline + told.intercepts), one.baseline + plain.intercepts, atol=0.01)


def test_going_on_from_the_answer_takes_few_iterations_and_stays(make):
    made = make()
    first = train(*made[:3], Training())
    again = train(*made[:3], Training(), start=first.parameters)
    assert again.iterations <= 6
    assert again.loss == pytest.approx(first.loss, rel=1e-4)
    trace = first.trace["loss_trace"]
    assert len(trace) == first.iterations + 1
    assert all(later <= earlier for earlier, later in pairwise(trace))
