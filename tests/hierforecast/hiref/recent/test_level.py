"""One recent level."""

import numpy as np
import pytest

from hierforecast.hiref.recent.level import Level, LevelChoice, Past, follow_mean, follow_node_mean, follow_ratio, own_ends


def some_past(seed: int, *, series: int = 2, logs: bool = False) -> Past:
    rng = np.random.default_rng(seed)
    shape = (9, series)
    present = rng.random(shape) < 0.7
    mean = rng.uniform(2, 9, shape) * present
    residuals = rng.normal(size=shape) * present
    target = rng.poisson(mean).astype(float) * present
    return Past(present, residuals, target if logs else None, mean if logs else None)


def test_it_is_the_stated_shrunk_discounted_mean_of_the_past():
    past = some_past(0)
    path = follow_mean(past, LevelChoice(0.8, 2.0), np.zeros((10, 2)))
    for period in range(10):
        weights = past.present[:period] * 0.8 ** np.arange(period)[::-1, None]
        expected = (weights * past.residuals[:period]).sum(axis=0) / (2.0 + weights.sum(axis=0))
        np.testing.assert_allclose(path[period], expected, rtol=1e-5)


def test_a_level_follows_what_the_coarser_ones_leave():
    past = some_past(1)
    coarser = np.random.default_rng(2).normal(size=(10, 2))
    path = follow_mean(past, LevelChoice(0.8, 2.0), coarser)
    weights = past.present * 0.8 ** np.arange(9)[::-1, None]
    expected = (weights * (past.residuals - coarser[-1])).sum(axis=0) / (2.0 + weights.sum(axis=0))
    np.testing.assert_allclose(path[-1], expected, rtol=1e-5)


def test_no_single_sale_under_a_log_is_a_new_level():
    calm = Past(np.ones((4, 1), dtype=bool), np.full((4, 1), 0.1), np.ones((4, 1)), np.ones((4, 1)))
    mad = calm._replace(residuals=np.array([[0.1], [0.1], [0.1], [-7.0]]))
    flat = np.zeros((5, 1))
    choice = LevelChoice(0.9, 1.0)
    assert abs(follow_mean(mad, choice, flat)[-1] - follow_mean(calm, choice, flat)[-1]) < 0.25


def test_a_node_is_the_ratio_of_sums_under_a_log_and_the_mean_of_residuals_elsewhere():
    nodes, flat, choice = np.array([0, 1, 0]), np.zeros((10, 3)), LevelChoice(0.7, 3.0)
    past = some_past(3, series=3, logs=True)
    weights = 0.7 ** np.arange(9)[::-1, None]
    path = follow_ratio(past, choice, flat, nodes)
    for node in range(2):
        here = nodes == node
        doubt = 3.0 * past.mean[:, here].sum() / past.present[:, here].sum()
        sold, said = ((weights * table)[:, here].sum() for table in (past.target, past.mean))
        np.testing.assert_allclose(path[-1, node], np.log((sold + doubt) / (said + doubt)), rtol=1e-5)
    plain = follow_node_mean(past, choice, flat, nodes)
    for node in range(2):
        here = nodes == node
        summed = (weights * past.residuals)[:, here].sum() / (3.0 + (weights * past.present)[:, here].sum())
        np.testing.assert_allclose(plain[-1, node], summed, rtol=1e-5)


def test_rows_get_the_level_known_before_them_and_the_last_one_afterwards():
    past = Past(np.ones((2, 1), dtype=bool), np.array([[1.0], [3.0]]), None, None)
    choice = LevelChoice(0.5, 1.0)
    level = Level(choice, follow_mean(past, choice, np.zeros((3, 1))))
    series = np.zeros(5, dtype=int)
    np.testing.assert_allclose(level.of(np.array([-1, 0, 1, 2, 50]), series), [0, 0, 0.5, 1.4, 1.4], rtol=1e-6)
    np.testing.assert_allclose(level.of(np.array([2]), np.array([-1])), [0.0])


@pytest.mark.parametrize("kind", ["identity", "log", "mixed"])
def test_ends_are_where_the_paths_end(kind):
    past = some_past(4, series=5, logs=kind != "identity")
    past = past._replace(residuals=None) if kind == "mixed" else past
    coarser = np.random.default_rng(5).normal(0, 0.5, size=(10, 5))
    choices = [LevelChoice(discount, prior) for discount in (0.7, 0.97) for prior in (1.0, 30.0)]
    for choice, end in own_ends(past, coarser, choices).items():
        whole = follow_ratio(past, choice, coarser, np.arange(5)) if kind == "mixed" else follow_mean(past, choice, coarser)
        np.testing.assert_allclose(end, whole[-1], rtol=1e-5, atol=1e-7)
