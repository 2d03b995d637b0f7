"""The equations on tensors are those in NumPy, and the penalty is the one on moments."""

import numpy as np
import pandas as pd
import pytest
import torch

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.minibatch.network import make_frame, parameters_of, penalty, series_terms, state_of
from hierforecast.hiref.regression.effects import Columns, Parameters, effects_of
from hierforecast.options import Training

SIZE = 3


@pytest.fixture
def made():
    rng = np.random.default_rng(5)
    keys = pd.DataFrame([(s, b) for s in "XYZ" for b in "ab"], columns=["state", "brand"])
    hierarchy = Hierarchy.from_panel(keys, ["state", "brand"])
    columns = Columns(("f", "g", "h"), np.array([1.0, -1.0, 0.0]), (("state", "brand"), ("brand",), ()))
    mask = np.repeat([[1, 1], [0, 1], [0, 0]], SIZE, axis=1)
    parameters = Parameters(
        bias=np.asarray(rng.normal()),
        weights=rng.normal(size=2 * SIZE),
        theta=rng.normal(size=3),
        loadings=rng.normal(size=(3, 2 * SIZE)) * mask,
        embeddings={"state": rng.normal(size=(3, SIZE)), "brand": rng.normal(size=(2, SIZE))},
        signs=columns.signs,
        column_scales=np.ones(3),
        target_scale=np.asarray(1.0),
    )
    return hierarchy, columns, parameters, rng.normal(size=6)


def test_baseline_and_effects_are_those_of_the_equations_in_numpy(made):
    hierarchy, columns, parameters, intercepts = made
    state = state_of(parameters, intercepts)
    frame = make_frame(hierarchy, columns, Training(embedding_size=SIZE))
    chosen = torch.tensor([4, 0, 4, 5])
    baseline, effects = series_terms(state, frame, chosen)
    wanted = effects_of(parameters, hierarchy.series)
    np.testing.assert_allclose(baseline, (wanted.baseline + intercepts)[chosen], rtol=1e-12)
    np.testing.assert_allclose(effects, wanted.total[chosen], rtol=1e-12)


def test_parameters_come_back_as_they_went(made):
    hierarchy, columns, parameters, intercepts = made
    frame = make_frame(hierarchy, columns, Training(embedding_size=SIZE))
    back = parameters_of(state_of(parameters, intercepts), frame, parameters)
    for name in ("bias", "weights", "theta", "loadings"):
        np.testing.assert_array_equal(getattr(back, name), getattr(parameters, name))
    for level, table in parameters.embeddings.items():
        np.testing.assert_array_equal(back.embeddings[level], table)


def test_every_level_pays_its_own_strength(made):
    hierarchy, columns, parameters, intercepts = made
    ridge = {"state": 2.0, "brand": 5.0, "series": 3.0}
    frame = make_frame(hierarchy, columns, Training(embedding_size=SIZE, ridge=ridge))
    state, brand = slice(0, SIZE), slice(SIZE, 2 * SIZE)
    squares = {
        level: (parameters.embeddings[level] ** 2).sum()
        + (parameters.weights[part] ** 2).sum()
        + (parameters.loadings[:, part] ** 2).sum()
        for level, part in (("state", state), ("brand", brand))
    }
    wanted = (2 * squares["state"] + 5 * squares["brand"] + 3 * (intercepts**2).sum()) / 2
    assert float(penalty(state_of(parameters, intercepts), frame)) == pytest.approx(wanted)
