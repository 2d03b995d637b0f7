"""The slopes that training follows are those of its loss, for both kinds of embeddings."""

import numpy as np
import pytest

from hierforecast.hiref.regression.effects import effects_of
from hierforecast.hiref.regression.network import make_network
from hierforecast.hiref.regression.own import own_places, profile_own
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.hiref.regression.training import _Loss, begin
from hierforecast.options import Training

KINDS = pytest.mark.parametrize("size", [2, "full"])


def loss_and_place(make, size):
    made = make(by=(("brand", "state", "bottom"), ("state",)), rows=15)
    training = Training(embedding_size=size, ridge={"state": {"baseline": 3.0}, "brand": 0.5})
    strengths = strengths_of(training, made.columns, made.hierarchy.levels)
    start = begin(*made[:3], training, strengths, rows=float(len(made.y)))
    network = make_network(made.hierarchy, made.columns, strengths, start)
    products = made.moments.scaled(start.column_scales, float(start.target_scale))
    loss = _Loss(profile_own(products, own_places(made.columns), strengths.own), network, start.signs)
    place = network.pack(start)
    moved = network.pack(network.unpack(place + 0.3 * np.random.default_rng(1).normal(size=place.size), start))
    return made, start, network, loss, moved


@KINDS
def test_slopes_are_those_of_the_loss(make, size):
    *_, network, loss, place = loss_and_place(make, size)
    _, slope = loss.value_and_slope(place)
    rng = np.random.default_rng(2)
    for _ in range(5):
        direction = network.pack(network.unpack(rng.normal(size=place.size), loss_and_place(make, size)[1]))
        ahead, behind = (loss.value_and_slope(place + step * direction)[0] for step in (1e-5, -1e-5))
        assert slope @ direction == pytest.approx((ahead - behind) / 2e-5, rel=1e-5)


@KINDS
def test_packed_parameters_come_back_and_mean_the_same_effects(make, size):
    made, start, network, loss, place = loss_and_place(make, size)
    parameters = network.unpack(place, start)
    np.testing.assert_array_equal(network.pack(parameters), place)
    unit = parameters._replace(column_scales=np.ones(2), target_scale=np.asarray(1.0))
    effects = effects_of(unit, made.hierarchy.series)
    np.testing.assert_allclose(loss.effects(place), np.column_stack([effects.baseline, effects.total]))


@KINDS
def test_the_rough_curvature_points_downhill(make, size):
    *_, loss, place = loss_and_place(make, size)
    value, slope = loss.value_and_slope(place)
    direction = loss.curvature(place)(slope)
    assert slope @ direction > 0
    assert loss.value_and_slope(place - 0.1 * direction)[0] < value


def test_few_parameters_share_the_curvature_of_gauss_and_newton(make):
    made, start, network, _, place = loss_and_place(make, 2)
    gram = made.moments.scaled(start.column_scales, float(start.target_scale))[:, :-1, :-1]
    step = 1e-6
    ways = [(network.raw(place + step * way) - network.raw(place - step * way)) / (2 * step) for way in np.eye(place.size)]
    slopes = np.stack(ways, axis=2)  # (series, 1 + columns, parameters), 0 for those that do not exist
    wanted = np.einsum("ski,skl,slj->ij", slopes, gram, slopes) + np.diag(network.ridge)
    apply = network.curvature(place, gram)
    exists = network.pack(network.unpack(np.ones_like(place), start)) > 0
    direction = np.random.default_rng(3).normal(size=place.size) * exists
    np.testing.assert_allclose((wanted @ apply(direction))[exists], direction[exists], rtol=1e-4, atol=1e-4)
