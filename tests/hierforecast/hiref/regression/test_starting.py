"""A start takes over what two models share: nodes by name, new ones at what the other levels say of them."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.regression.effects import effects_of
from hierforecast.hiref.regression.starting import start_from
from hierforecast.hiref.regression.training import train
from hierforecast.options import Training


@pytest.mark.parametrize("size", [2, "full"])
def test_known_nodes_keep_their_effects_and_new_ones_start_at_the_average(make, size):
    made, training = make(), Training(embedding_size=size)
    found = train(*made[:3], training).parameters
    keys = pd.DataFrame([("X", "a"), ("X", "new"), ("Z", "d")], columns=["state", "brand"])
    other = Hierarchy.from_panel(keys, ["state", "brand"])
    start = start_from(found, made.hierarchy, made.columns, other, made.columns, training=training)
    before = effects_of(found, np.array([[0, 0], [0, -1], [2, 3]]))
    after = effects_of(start, other.series)
    np.testing.assert_array_equal(after.total, before.total)
    np.testing.assert_array_equal(after.baseline, before.baseline)


def test_another_kind_or_other_columns_lend_nothing(make):
    made = make()
    found = train(*made[:3], Training(embedding_size=2)).parameters
    where = (made.hierarchy, made.columns, made.hierarchy)
    assert start_from(found, *where, made.columns, training=Training(embedding_size="full")) is None
    assert start_from(found, *where, made.columns, training=Training(embedding_size=3)) is None
    renamed = made.columns._replace(names=("f", "h"))
    assert start_from(found, *where, renamed, training=Training(embedding_size=2)) is None


def test_full_embeddings_read_what_the_other_columns_vary_over(make):
    made, training = make(), Training(embedding_size="full")
    found = train(*made[:3], training).parameters
    wider = made.columns._replace(by=(("brand", "state"), ("brand",)))
    start = start_from(found, made.hierarchy, made.columns, made.hierarchy, wider, training=training)
    trained, cold = (train(made.moments, made.hierarchy, wider, training, start=place) for place in (start, None))
    assert trained.loss == pytest.approx(cold.loss, rel=1e-4)
