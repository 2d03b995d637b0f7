"""The recent-level term."""

import numpy as np

from hierforecast.hiref.recent.level import LevelChoice, choose_level, follow


def test_the_filter_is_the_stated_shrunk_discounted_mean_of_the_past():
    rng = np.random.default_rng(0)
    residuals, present = rng.normal(size=(9, 2)), rng.random((9, 2)) < 0.7
    level = follow(residuals, present, LevelChoice(0.8, 2.0))
    for period in range(10):
        weights = present[:period] * 0.8 ** np.arange(period)[::-1, None]
        expected = (weights * residuals[:period]).sum(axis=0) / (2.0 + weights.sum(axis=0))
        np.testing.assert_allclose(level.path[period], expected, rtol=1e-5)


def test_rows_get_the_level_known_before_them_and_the_last_one_afterwards():
    level = follow(np.array([[1.0], [3.0]]), np.ones((2, 1), dtype=bool), LevelChoice(0.5, 1.0))
    series = np.zeros(5, dtype=int)
    np.testing.assert_allclose(level.of(np.array([-1, 0, 1, 2, 50]), series), [0, 0, 0.5, 1.4, 1.4], rtol=1e-6)
    np.testing.assert_allclose(level.of(np.array([2]), np.array([-1])), [0.0])


def chosen(residuals: np.ndarray) -> LevelChoice | None:
    def error(levels: np.ndarray, origin: int) -> float:
        return float(np.abs(residuals[origin : origin + 8] - levels).sum())

    return choose_level(residuals, np.ones(residuals.shape, dtype=bool), [40, 48, 56], error)


def test_a_level_is_taken_where_levels_wander_and_not_where_there_is_only_noise():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.3, (64, 50))
    steps = rng.normal(0, 0.2, (64, 50)).cumsum(axis=0)
    assert chosen(noise + steps) is not None
    alternating = 0.3 * np.where(np.arange(64) % 2, 1.0, -1.0)[:, None] * np.ones((64, 50))
    assert chosen(alternating) is None
