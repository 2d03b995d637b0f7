"""The rough inverse of the curvature is one: symmetric, positive, and near the truth."""

import numpy as np
import pytest

from hierforecast.hiref.minibatch.curvature import curvature_at
from hierforecast.hiref.minibatch.packing import Packing
from hierforecast.hiref.minibatch.polish import value_and_slope
from hierforecast.hiref.minibatch.start import begin


@pytest.fixture(params=[("squared", 2), ("squared", "full"), ("poisson", "full"), ("tweedie", 2), ("huber", 2)])
def made(request, new_material, rows_training):
    loss, size = request.param
    training = rows_training(loss).model_copy(update={"embedding_size": size})
    problem, state, start, network = begin(new_material(training), training, None, None)
    packing = Packing(network, problem.frame, start)
    return problem, packing, packing.pack(state)


def test_it_is_symmetric_and_positive(made):
    problem, packing, place = made
    apply = curvature_at(problem, packing, place)
    rng = np.random.default_rng(0)
    one, other = (packing.pack(packing.unpack(rng.normal(size=place.shape))) for _ in range(2))
    assert one @ apply(other) == pytest.approx(other @ apply(one), rel=1e-6, abs=1e-9)
    assert one @ apply(one) > 0


def test_a_step_by_it_brings_most_of_what_it_promises(made):
    problem, packing, place = made
    value, slope = value_and_slope(problem, packing, place)
    step = -curvature_at(problem, packing, place)(slope)
    lengths = (0.03, 0.1, 0.3, 1.0)
    best = min(value_and_slope(problem, packing, place + length * step)[0] for length in lengths)
    plain = min(value_and_slope(problem, packing, place - length / problem.rows * slope)[0] for length in lengths)
    assert best < value
    assert value - best > 3 * (value - plain)  # than a step down the slope itself
