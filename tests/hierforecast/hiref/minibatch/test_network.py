"""The equations on tensors are those in NumPy, of both kinds of embeddings, and each part pays its own strength."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.minibatch.network import OWN, make_frame, own_of, parameters_of, penalty, series_terms, state_of
from hierforecast.hiref.regression.effects import Columns, Parameters, effects_of
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.options import Training

SIZE = 3
LEVELS = ["state", "brand"]


class Made(NamedTuple):
    hierarchy: Hierarchy
    columns: Columns
    parameters: Parameters
    intercepts: np.ndarray
    own: np.ndarray

    def frame(self, **ridge):
        return make_frame(self.hierarchy, self.columns, strengths_of(Training(**ridge), self.columns, LEVELS), self.parameters)

    def state(self):
        own = torch.as_tensor(self.own[:, self.columns.own])
        return state_of(self.parameters, 6, 1) | {"intercepts": torch.as_tensor(self.intercepts), OWN: own}


@pytest.fixture(params=["low rank", "full"])
def made(request) -> Made:
    rng = np.random.default_rng(5)
    keys = pd.DataFrame([(s, b) for s in "XYZ" for b in "ab"], columns=LEVELS)
    columns = Columns(("f", "g", "h"), np.array([1.0, -1.0, 0.0]), (("state", "brand"), ("brand", "bottom"), ()))
    varies = np.array([[1, 1], [0, 1], [0, 0]])
    if request.param == "full":
        size = 4
        loadings = np.hstack([varies[:, [level]] * np.eye(4)[1:] for level in (0, 1)])
        weights, kept = np.tile(np.eye(4)[0], 2), np.vstack([[1, 1], varies]).T
    else:
        size = SIZE
        loadings = rng.normal(size=(3, 2 * SIZE)) * np.repeat(varies, SIZE, axis=1)
        weights, kept = rng.normal(size=2 * SIZE), np.ones((2, SIZE))
    parameters = Parameters(
        bias=np.asarray(rng.normal()),
        weights=weights,
        theta=rng.normal(size=3),
        loadings=loadings,
        embeddings={
            level: rng.normal(size=(count, size)) * row for level, count, row in zip(LEVELS, (3, 2), kept, strict=True)
        },
        signs=columns.signs,
        column_scales=np.ones(3),
        target_scale=np.asarray(1.0),
    )
    own = np.zeros((6, 3))
    own[:, 1] = rng.normal(size=6)
    return Made(Hierarchy.from_panel(keys, LEVELS), columns, parameters, rng.normal(size=6), own)


def test_baseline_and_effects_are_those_of_the_equations_in_numpy(made):
    chosen = torch.tensor([4, 0, 4, 5])
    baseline, effects = series_terms(made.state(), made.frame(), chosen)
    wanted = effects_of(made.parameters, made.hierarchy.series, made.own)
    np.testing.assert_allclose(baseline, (wanted.baseline + made.intercepts)[chosen], rtol=1e-12)
    np.testing.assert_allclose(effects, wanted.total[chosen], rtol=1e-12, atol=1e-15)
    assert (effects[:, 0] >= 0).all()
    assert (effects[:, 1] <= 0).all()


def test_parameters_come_back_as_they_went(made):
    back = parameters_of(made.state(), made.frame(), made.parameters)
    for name in ("bias", "weights", "theta", "loadings"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made.parameters, name))
    for level, table in made.parameters.embeddings.items():
        np.testing.assert_array_equal(back.embeddings[level], table)
    np.testing.assert_array_equal(own_of(made.state(), made.frame()), made.own)


def test_every_level_pays_its_own_strength(made):
    ridge = {"state": 2.0, "brand": 5.0, "bottom": 3.0}
    squares = {level: (table**2).sum() for level, table in made.parameters.embeddings.items()}
    if not made.parameters.full:
        for place, level in enumerate(LEVELS):
            part = slice(place * SIZE, (place + 1) * SIZE)
            squares[level] += (made.parameters.weights[part] ** 2).sum() + (made.parameters.loadings[:, part] ** 2).sum()
    wanted = (2 * squares["state"] + 5 * squares["brand"] + 3 * ((made.intercepts**2).sum() + (made.own**2).sum())) / 2
    assert float(penalty(made.state(), made.frame(ridge=ridge))) == pytest.approx(wanted, rel=1e-4)
