"""Recent levels one after another, and which of them are followed."""

import numpy as np
import pandas as pd

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.recent.chain import Origin, choose, follow
from hierforecast.hiref.recent.level import LevelChoice, Past

STORES, ITEMS, PERIODS = 6, 10, 64


def hierarchy() -> Hierarchy:
    keys = pd.MultiIndex.from_product([[f"s{i}" for i in range(STORES)], [f"i{i}" for i in range(ITEMS)]])
    return Hierarchy.from_panel(keys.to_frame(index=False, name=["store", "item"]), ["store", "item"])


def origins_of(residuals: np.ndarray, *, logs: bool = False) -> list[Origin]:
    def origin(cut: int) -> Origin:
        known = residuals[:cut]
        target, mean = (np.exp(known) * 20, np.full(known.shape, 20.0)) if logs else (None, None)
        past = Past(np.ones(known.shape, dtype=bool), known, target, mean)
        return Origin(past, lambda levels: float(np.abs(residuals[cut : cut + 8] - levels).sum()))

    return [origin(cut) for cut in (40, 48, 56)]


def test_a_level_is_taken_where_levels_wander_and_not_where_there_is_only_noise():
    rng = np.random.default_rng(1)
    shape = (PERIODS, STORES * ITEMS)
    wandering = rng.normal(0, 0.3, shape) + rng.normal(0, 0.2, shape).cumsum(axis=0)
    assert [choice.by for choice in choose(origins_of(wandering), [], hierarchy())] == ["bottom"]
    alternating = 0.3 * np.where(np.arange(PERIODS) % 2, 1.0, -1.0)[:, None] * np.ones(shape)
    assert choose(origins_of(alternating), ["store"], hierarchy()) == ()


def test_what_all_items_of_a_store_do_is_followed_in_the_store():
    rng = np.random.default_rng(2)
    stores = rng.normal(0, 0.15, (PERIODS, STORES)).cumsum(axis=0)
    items = np.repeat(stores, ITEMS, axis=1) + rng.normal(0, 0.4, (PERIODS, STORES * ITEMS))
    for logs in (True, False):
        origins = origins_of(items, logs=logs)
        chosen = choose(origins, ["store"], hierarchy())
        assert "store" in [choice.by for choice in chosen]
        alone = choose(origins, [], hierarchy())
        error = [
            sum(o.error(follow(o.past, steps, hierarchy()).at_end(hierarchy())) for o in origins) for steps in (chosen, alone)
        ]
        assert error[0] < 0.97 * error[1]


def test_a_new_series_has_the_levels_of_its_known_nodes():
    residuals = np.full((PERIODS, STORES * ITEMS), 0.5)
    known = hierarchy()
    past = Past(np.ones(residuals.shape, dtype=bool), residuals, None, None)
    chain = follow(past, [LevelChoice(0.9, 1.0, "store"), LevelChoice(0.9, 1.0)], known)
    period, codes = np.array([PERIODS, PERIODS]), np.array([[0, -1], [-1, -1]])
    told = chain.of(period, np.array([-1, -1]), codes, known.levels)
    assert 0.4 < told[0] <= 0.5
    assert told[1] == 0.0
    whole = chain.of(period[:1], np.array([0]), known.series[:1], known.levels)
    np.testing.assert_allclose(whole, chain.at_end(known)[:1], rtol=1e-6)
