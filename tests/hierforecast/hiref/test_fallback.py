"""Series and nodes that training never saw: what a forecast then rests on is said in every row.

The rule: an unseen node has no embedding, so it adds nothing at its level, neither to the baseline nor to an effect; the
other levels, the common part and the drivers remain. `fallback` names the levels whose node is unseen. A series whose
nodes are all known is new only as a combination: it has no intercept and no recent level of its own, and no fallback.
"""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

LEVELS = ["state", "brand", "pack"]
UNSEEN = [chosen for size in range(len(LEVELS) + 1) for chosen in combinations(LEVELS, size)]


@pytest.fixture(scope="module")
def known(split):
    holdout = split[1]
    return holdout[(holdout["state"] == "S1") & (holdout["brand"] == "B2") & (holdout["pack"] == "small")]


@pytest.mark.parametrize("unseen", UNSEEN, ids=lambda unseen: ",".join(unseen) or "none")
def test_every_combination_of_unseen_levels_is_forecast_and_told(unseen, known, model):
    rows = known.assign(**dict.fromkeys(unseen, "never seen"))
    forecast = model.predict(rows)
    assert (forecast["fallback"] == ",".join(unseen)).all()
    assert np.isfinite(forecast[["lower", "forecast", "upper"]].to_numpy()).all()
    assert (forecast["forecast"] > 0).all()
    parts = model.contributions(rows).drop(columns=[*LEVELS, "week"])
    np.testing.assert_allclose(parts.sum(axis=1), forecast["forecast"], rtol=1e-9)


def test_the_less_is_known_the_wider_the_interval(known, model):
    def width(unseen):
        forecast = model.predict(known.assign(**dict.fromkeys(unseen, "never seen")))
        return np.log(forecast["upper"] / forecast["lower"]).mean()

    for unseen in UNSEEN:
        for further in set(LEVELS) - set(unseen):
            assert width(tuple(level for level in LEVELS if level in (*unseen, further))) >= width(unseen)


def test_a_new_node_takes_the_shared_effect(known, model):
    """With every level unseen, raising the price does what the common elasticity says, and keeps its sign."""
    rows = known.assign(**dict.fromkeys(LEVELS, "never seen"))
    answer = model.simulate(rows, price=lambda price: 1.1 * price)
    slope = np.log(answer["what_if"] / answer["forecast"]) / np.log(1.1)
    effects = model.series_effects()["price"]
    assert np.ptp(slope) < 1e-9
    assert effects.min() < slope.iloc[0] < 0


def test_a_new_combination_of_known_nodes_is_no_fallback(new_market, new_model):
    panel = new_market(seed=9, weeks=60, states=3).panel
    hidden = (panel["state"] == "S0") & (panel["brand"] == "B1")
    model = new_model().fit(panel[~hidden])
    forecast = model.predict(panel[hidden])
    assert (forecast["fallback"] == "").all()
    assert (np.abs(np.log(forecast["forecast"] / panel.loc[hidden, "units"])).mean()) < 0.5
    # It has no intercept and no level of its own, and says so with a wider interval.
    seen = model.predict(panel[(panel["state"] == "S1") & (panel["brand"] == "B1")])
    assert np.log(forecast["upper"] / forecast["lower"]).mean() >= np.log(seen["upper"] / seen["lower"]).mean() * 0.9
    if "level" in (parts := model.contributions(panel[hidden])):
        assert (parts["level"] == 0).all()


def test_known_and_unseen_rows_do_not_touch_each_other(known, model):
    new = known.assign(brand="never seen")
    together = model.predict(pd.concat([known, new], ignore_index=True))
    np.testing.assert_allclose(together["forecast"][: len(known)], model.predict(known)["forecast"], rtol=1e-12)
    np.testing.assert_allclose(together["forecast"][len(known) :], model.predict(new)["forecast"], rtol=1e-12)
