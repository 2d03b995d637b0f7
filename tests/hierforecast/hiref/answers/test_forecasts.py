"""Forecasts of nodes are sums of rows, and children add up to their parents."""

import numpy as np

LEVELS = ["state", "brand", "pack"]


def test_children_add_up_to_their_parents_nested_and_crossed(model, split):
    rows = split[1]
    total = model.predict(rows, level="total").set_index("week")["forecast"]
    for level in ("state", ["brand", "pack"], ["pack", "state"], "bottom"):
        node = model.predict(rows, level=level)
        np.testing.assert_allclose(node.groupby("week")["forecast"].sum(), total, rtol=1e-12)
    pairs = model.predict(rows, level=["brand", "pack"]).groupby(["brand", "week"])["forecast"].sum()
    np.testing.assert_allclose(pairs, model.predict(rows, level="brand").set_index(["brand", "week"])["forecast"], rtol=1e-12)


def test_the_bottom_is_the_rows_themselves(model, split):
    rows = split[1].sort_values([*LEVELS, "week"])
    np.testing.assert_allclose(model.predict(rows, level="bottom")["forecast"], model.predict(rows)["forecast"], rtol=1e-12)


def test_sums_are_of_means_also_where_medians_are_declared(split, new_model):
    train, holdout = split
    model = new_model(statistic="median").fit(train)
    mean = model.predict(holdout, statistic="mean")["forecast"].sum()
    assert model.predict(holdout, level="total")["forecast"].sum() > model.predict(holdout)["forecast"].sum()
    np.testing.assert_allclose(model.predict(holdout, level="total")["forecast"].sum(), mean, rtol=1e-12)
