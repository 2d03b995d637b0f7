"""The group lasso on sums, many problems at once: which drivers a stronger and stronger penalty leaves.

    min_b  b' G b / 2 - c' b + strength * sum_g sqrt(size_g) ||b_g||      with b_k >= 0 or <= 0 where a sign is declared

by accelerated proximal gradients. The proximal step of the penalty under signs is exact: first the wrong signs to 0, then
the group shrunk. Columns that are never left out are projected out of G and c beforehand.

Source: Yuan & Lin 2006, doi:10.1111/j.1467-9868.2005.00532.x; Beck & Teboulle 2009, doi:10.1137/080716542.
"""

from typing import NamedTuple

import numpy as np

STEPS = 400
SETTLED = 1e-6  # of the noise sd: the largest move of a step after which there is nothing left to gain
TINY_RIDGE = 1e-6  # keeps columns apart that say the same


class Problem(NamedTuple):
    """Quadratic problems in what may be left out, and the way back to what may not.

    Args:
        gram: (problems, free, free).
        cross: (problems, free).
        free: (columns,) booleans, which columns may be left out.
        back: (problems, always, free + 1) coefficients of the other columns: ``back @ [-b, 1]``.
    """

    gram: np.ndarray
    cross: np.ndarray
    free: np.ndarray
    back: np.ndarray

    def widen(self, slopes: np.ndarray) -> np.ndarray:
        """(problems, free) slopes to (problems, columns)."""
        whole = np.zeros((len(slopes), len(self.free)))
        whole[:, self.free] = slopes
        ends = np.concatenate([-slopes, np.ones((len(slopes), 1))], axis=1)
        whole[:, ~self.free] = np.einsum("paf,pf->pa", self.back, ends)
        return whole


def project(sums: np.ndarray, free: np.ndarray) -> Problem:
    """Take the columns that are not free out of (problems, columns + 1, columns + 1) sums."""
    sums = np.atleast_3d(sums) if sums.ndim == 3 else sums[None]
    kept = np.append(free, True)
    always = np.append(~free, False)
    inner = sums[:, always][:, :, always] + TINY_RIDGE * np.eye(int(always.sum()))
    between = sums[:, always][:, :, kept]
    back = np.linalg.solve(inner, between)  # (problems, always, free + 1)
    left = sums[:, kept][:, :, kept] - np.swapaxes(between, 1, 2) @ back
    size = int(free.sum())
    return Problem(left[:, :-1, :-1] + TINY_RIDGE * np.eye(size), left[:, :-1, -1], free, back)


def strongest(problem: Problem, group: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The smallest strength that leaves no driver, (problems,); `group` and `signs` are those of the free columns."""
    pull = _right_signs(problem.cross, signs)
    return (_norms(pull, group) / np.sqrt(np.bincount(group))).max(axis=1)


def follow_path(problem: Problem, group: np.ndarray, signs: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Solutions along (strengths, problems) falling strengths, each from the one before: (strengths, problems, free)."""
    slopes = np.zeros_like(problem.cross)
    path = []
    for strength in strengths:
        slopes = solve(problem, group, signs, strength[:, None] * np.sqrt(np.bincount(group)), start=slopes)
        path.append(slopes)
    return np.array(path)


def solve(
    problem: Problem, group: np.ndarray, signs: np.ndarray, penalty: np.ndarray, *, start: np.ndarray | None = None
) -> np.ndarray:
    """Slopes, (problems, free), under (problems, groups) penalties; an infinite one leaves the group out."""
    step = 1.0 / np.linalg.eigvalsh(problem.gram)[:, -1:]
    slopes = np.zeros_like(problem.cross) if start is None else start
    ahead, speed = slopes, 1.0
    for _ in range(STEPS):
        slope_of_loss = np.einsum("pij,pj->pi", problem.gram, ahead) - problem.cross
        found = _shrink(_right_signs(ahead - step * slope_of_loss, signs), group, step * penalty)
        faster = (1.0 + np.sqrt(1.0 + 4.0 * speed**2)) / 2.0
        # Going on in a direction that now leads uphill is what makes acceleration ripple; starting over is the cure.
        turned = ((ahead - found) * (found - slopes)).sum(axis=1, keepdims=True) > 0
        ahead = found + np.where(turned, 0.0, (speed - 1.0) / faster) * (found - slopes)
        moved = np.abs(found - slopes).max(initial=0.0)
        slopes, speed = found, faster
        if moved < SETTLED:
            break
    return slopes


def active(slopes: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Which groups have an effect, (..., groups) booleans, from (..., free) slopes."""
    flat = slopes.reshape(-1, slopes.shape[-1])
    return (_norms(flat, group) > 0).reshape(*slopes.shape[:-1], -1)


def _right_signs(slopes: np.ndarray, signs: np.ndarray) -> np.ndarray:
    return np.where(signs == 0, slopes, signs * np.maximum(signs * slopes, 0.0))


def _norms(slopes: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(problems, groups) lengths of each group's slopes."""
    member = group[:, None] == np.arange(group.max(initial=-1) + 1)
    return np.sqrt(slopes**2 @ member)


def _shrink(slopes: np.ndarray, group: np.ndarray, by: np.ndarray) -> np.ndarray:
    norms = _norms(slopes, group)
    factor = np.where(norms > by, 1.0 - by / np.where(norms > 0, norms, 1.0), 0.0)
    factor = np.where(np.isfinite(factor), factor, 0.0)
    return slopes * factor[:, group]
