"""Low rank begins at the full answer: exact where the rank allows it, as cheap as can be, and no matter of chance."""

import numpy as np
import pytest

from hierforecast.hiref.regression.effects import effects_of, spelled_out
from hierforecast.hiref.regression.factoring import factor_embeddings
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.hiref.regression.training import train
from hierforecast.options import Training

ALL = ("state", "brand")
RIDGE = {"state": {"baseline": 3.0, "default": 0.5}, "brand": 7.0}


def factored(make, size):
    made = make(by=(ALL, ("state",)), spread=0.5)
    full = train(*made[:3], Training(embedding_size="full", ridge=RIDGE)).parameters
    strengths = strengths_of(Training(ridge=RIDGE), made.columns, made.hierarchy.levels)
    return full, factor_embeddings(full, size, strengths), strengths, made


@pytest.mark.parametrize("size", [3, 5])
def test_nothing_is_lost_where_the_rank_is_enough(make, size):
    full, found, _, made = factored(make, size)
    assert not found.full
    for level, table in spelled_out(found).items():
        np.testing.assert_allclose(table, full.embeddings[level] * made_mask(made, level), atol=1e-9)


def made_mask(made, level):
    place = made.hierarchy.levels.index(level)
    return np.append(1.0, made.columns.varies(made.hierarchy.levels)[:, place])


def test_both_sides_cost_the_same_so_that_no_other_split_is_cheaper(make):
    _, found, strengths, _ = factored(make, 3)
    shared = np.vstack([found.weights, found.loadings])
    for place, table in enumerate(found.embeddings.values()):
        block = shared[:, 3 * place : 3 * (place + 1)]
        nodes = strengths.nodes[place] * (table**2).sum(axis=0)
        np.testing.assert_allclose(nodes, (strengths.columns[place][:, None] * block**2).sum(axis=0), atol=1e-9)


def test_the_seed_decides_nothing_and_a_smaller_rank_fits_nearly_as_well(make):
    made = make(by=(ALL, ALL), spread=0.5, rows=40)
    one, other = (train(*made[:3], Training(embedding_size=2, seed=seed)) for seed in (1, 2))
    totals = [effects_of(found.parameters, made.hierarchy.series).total for found in (one, other)]
    np.testing.assert_array_equal(*totals)
    full = train(*made[:3], Training(embedding_size="full"))
    assert one.loss < 1.02 * full.loss
