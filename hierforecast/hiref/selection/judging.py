"""What a set of drivers is worth: fitted on the blocks before an origin, judged on the block after it.

A set is judged without the penalty that found it (the relaxed lasso: Meinshausen 2007, doi:10.1016/j.csda.2006.12.019):
the penalty also shrinks what is true, and makes up for it by keeping what is not.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.hiref.selection.blocks import ALWAYS, Blocks
from hierforecast.hiref.selection.path import Problem, active, follow_path, project, solve, strongest

ORIGINS = 4
STRENGTHS = 40
UNNOTICED = 1e-3  # of the held-out squared error
WEAKEST = 1e-3  # of the strength that leaves no driver


class Judge(NamedTuple):
    """Problems on the blocks before each origin, and the sums of the block after it.

    Args:
        problem: one problem per origin.
        after: (origins, columns + 1, columns + 1).
        group: (free,) places of the drivers among those that may be left out, 0 .. groups - 1.
        signs: (free,).
    """

    problem: Problem
    after: np.ndarray
    group: np.ndarray
    signs: np.ndarray

    def errors(self, sets: np.ndarray) -> np.ndarray:
        """Held-out mean squared error, (sets, origins), of (sets, groups) sets of drivers, each fitted anew."""
        origins = len(self.after)
        repeated = Problem(*(_repeat(part, len(sets)) for part in self.problem[:2]), self.problem.free, None)
        back = _repeat(self.problem.back, len(sets))
        penalty = np.where(np.repeat(sets, origins, axis=0), 0.0, np.inf)
        slopes = repeated._replace(back=back).widen(solve(repeated, self.group, self.signs, penalty))
        return _squared(slopes, _repeat(self.after, len(sets))).reshape(len(sets), origins)


def open_judge(blocks: Blocks, keep: set[int]) -> Judge:
    """Origins before each of the last blocks; drivers in `keep` are never left out."""
    count = len(blocks.rows)
    origins = np.arange(count - min(ORIGINS, count // 2), count)
    before = np.arange(count)[None, :] < origins[:, None]
    free, group, signs = free_columns(blocks, keep)
    return Judge(project(blocks.total(before), free), blocks.sums[origins], group, signs)


def free_columns(blocks: Blocks, keep: set[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which columns may be left out (columns,), and of these the group from 0 up and the sign, (free,) each."""
    free = (blocks.group != ALWAYS) & ~np.isin(blocks.group, list(keep))
    return free, np.unique(blocks.group[free], return_inverse=True)[1], blocks.signs[free]


def judge_path(judge: Judge) -> tuple[float, np.ndarray]:
    """The strongest penalty whose sets are worth as much as the best ones, but for what nobody would notice.

    Errors hardly change once all that matters is in. The best set then is one of many, and the weakest penalties, which let
    in the most by chance, are as likely to have it as any. The rule of one standard error goes too far the other way.

    Returns:
        The strength, as a share of the one that leaves no driver, and all shares that were tried, falling.
    """
    shares = np.geomspace(1.0, WEAKEST, STRENGTHS)
    highest = strongest(judge.problem, judge.group, judge.signs)
    path = follow_path(judge.problem, judge.group, judge.signs, shares[:, None] * highest)
    each = np.arange(len(judge.after))
    # A set that was found before an origin is judged after that same origin.
    errors = np.array([judge.errors(sets)[each, each] for sets in active(path, judge.group)]).mean(axis=1)
    return float(shares[np.flatnonzero(errors <= errors.min() * (1 + UNNOTICED))[0]]), shares


def _repeat(part: np.ndarray, times: int) -> np.ndarray:
    return np.tile(part, (times,) + (1,) * (part.ndim - 1))


def _squared(slopes: np.ndarray, sums: np.ndarray) -> np.ndarray:
    ends = np.concatenate([-slopes, np.ones((len(slopes), 1))], axis=1)
    return np.einsum("pi,pij,pj->p", ends, sums, ends)
