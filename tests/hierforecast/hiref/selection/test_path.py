"""The path solves what it says: optimal by its own conditions, least squares without penalty, nothing at the top."""

import numpy as np
import pytest

from hierforecast.hiref.selection.path import active, follow_path, project, solve, strongest

GROUP = np.array([0, 0, 1, 2, 2, 2, 3])
SIGNS = np.array([0.0, 0, 1, 0, 0, 0, -1])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 9)) @ (np.eye(9) + 0.3 * rng.normal(size=(9, 9)))
    y = X @ np.array([0.5, 0.4, 0.6, 0, 0, 0, -0.5, 1.0, -1.0]) + rng.normal(size=400)
    return X, y


@pytest.fixture(scope="module")
def problem(rows):
    sides = np.column_stack(rows)
    return project(sides.T @ sides / 400, np.arange(9) < 7)


def test_without_penalty_it_is_least_squares(rows, problem):
    X, y = rows
    slopes = problem.widen(solve(problem, GROUP, np.zeros(7), np.zeros((1, 4))))[0]
    assert np.allclose(slopes, np.linalg.lstsq(X, y, rcond=None)[0], atol=1e-4)


def test_the_strongest_penalty_leaves_nothing_and_a_little_less_leaves_one(problem):
    top = strongest(problem, GROUP, SIGNS)
    path = follow_path(problem, GROUP, SIGNS, np.array([1.0, 0.98])[:, None] * top)
    assert active(path, GROUP).sum(axis=-1).ravel().tolist() == [0, 1]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_solutions_meet_the_conditions_of_an_optimum(problem, share):
    penalty = share * strongest(problem, GROUP, SIGNS)[:, None] * np.sqrt(np.bincount(GROUP))
    slopes = solve(problem, GROUP, SIGNS, penalty)[0]
    pull = problem.cross[0] - problem.gram[0] @ slopes
    for group, limit in enumerate(penalty[0]):
        mine = group == GROUP
        if np.any(slopes[mine]):
            assert np.allclose(pull[mine], limit * slopes[mine] / np.linalg.norm(slopes[mine]), atol=1e-4)
        else:
            signs = SIGNS[mine]
            allowed = np.where(signs == 0, pull[mine], signs * np.maximum(signs * pull[mine], 0))
            assert np.linalg.norm(allowed) <= limit + 1e-4


def test_signs_hold_everywhere_on_the_path(problem):
    top = strongest(problem, GROUP, -SIGNS)
    path = follow_path(problem, GROUP, -SIGNS, np.geomspace(1, 1e-3, 10)[:, None] * top)
    assert (path[..., SIGNS != 0] * -SIGNS[SIGNS != 0] >= 0).all()


def test_an_infinite_penalty_leaves_a_group_out(rows, problem):
    X, y = rows
    slopes = problem.widen(solve(problem, GROUP, np.zeros(7), np.array([[0.0, np.inf, 0.0, 0.0]])))[0]
    others = [0, 1, 3, 4, 5, 6, 7, 8]
    assert slopes[2] == 0
    assert np.allclose(slopes[others], np.linalg.lstsq(X[:, others], y, rcond=None)[0], atol=1e-4)


def test_many_problems_at_once_are_the_same_as_one_by_one(rows):
    sides = np.column_stack(rows)
    sums = np.stack([part.T @ part / len(part) for part in np.array_split(sides, 3)])
    free = np.arange(9) < 7
    penalty = np.full((3, 4), 0.05)
    together = solve(project(sums, free), GROUP, SIGNS, penalty)
    alone = [solve(project(part[None], free), GROUP, SIGNS, penalty[:1])[0] for part in sums]
    assert np.allclose(together, alone, atol=1e-5)
