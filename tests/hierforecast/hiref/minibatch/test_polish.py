"""L-BFGS over rows works on true slopes and ends where moments end, in any kind of embeddings."""

import numpy as np
import pytest

from hierforecast.driver import Adstock, Driver, Saturation
from hierforecast.hiref.minibatch.curves import CURVE
from hierforecast.hiref.minibatch.learning import read_exposures
from hierforecast.hiref.minibatch.packing import Packing
from hierforecast.hiref.minibatch.polish import polish, value_and_slope
from hierforecast.hiref.minibatch.start import begin
from hierforecast.hiref.regression.effects import effects_of
from hierforecast.hiref.regression.training import train

DRIVERS = [
    Driver("price", sign="-", transform="log", reference="regular", by=("brand", "bottom")),
    Driver("tv", sign="+", adstock=Adstock(decay=0.4, learned=True), saturation=Saturation("hill", learned=True)),
]


@pytest.mark.parametrize("size", [2, "full"])
@pytest.mark.parametrize("loss", ["squared", "poisson", "tweedie", "huber"])
def test_slopes_are_those_of_differences(gapped, new_material, rows_training, loss, size):
    training = rows_training(loss).model_copy(update={"embedding_size": size})
    material = new_material(training, drivers=DRIVERS)
    problem, state, start, network = begin(material, training, None, None)
    exposures = read_exposures(gapped, material, start.column_scales)
    problem, state = problem._replace(exposures=exposures), state | {CURVE: exposures.start}
    packing = Packing(network, problem.frame, start)
    place = packing.pack(state)
    assert np.array_equal(packing.pack(packing.unpack(place)), place)
    _, slope = value_and_slope(problem, packing, place)
    rng = np.random.default_rng(1)
    for _ in range(5):
        along = packing.pack(packing.unpack(rng.normal(size=place.shape)))
        along = along / np.linalg.norm(along)
        up, down = (value_and_slope(problem, packing, place + sign * 1e-5 * along)[0] for sign in (1, -1))
        assert slope @ along == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-3 * np.linalg.norm(slope) / 30)


@pytest.mark.parametrize("size", [2, "full"])
@pytest.mark.parametrize("link", ["identity", "log"])
def test_it_ends_where_moments_end(new_material, rows_training, size, link):
    training = rows_training().model_copy(update={"embedding_size": size})
    material = new_material(training, link=link)
    problem, state, start, network = begin(material, training, None, None)
    packing = Packing(network, problem.frame, start)
    found = polish(problem, state, packing, 300, 6e-7)
    wanted = train(material.moments, material.hierarchy, material.design.columns, training)
    assert found.converged
    assert 2 * found.objective / problem.rows == pytest.approx(wanted.loss, rel=1e-3)


def test_what_series_have_of_their_own_is_found_as_on_moments(new_material, rows_training):
    training = rows_training().model_copy(update={"embedding_size": "full"})
    material = new_material(training, drivers=[DRIVERS[0]])
    problem, state, start, network = begin(material, training, None, None)
    packing = Packing(network, problem.frame, start)
    found = packing.unpack(packing.pack(polish(problem, state, packing, 300, 6e-7).state))
    wanted = train(material.moments, material.hierarchy, material.design.columns, training)
    price = material.design.columns.names.index("price")
    total = effects_of(wanted.parameters, material.hierarchy.series, wanted.own).total[:, price]
    own = found["own"].numpy()[:, 0] * float(start.target_scale) / start.column_scales[price]
    np.testing.assert_allclose(own, wanted.own[:, price], atol=0.02 * np.abs(total).mean())
