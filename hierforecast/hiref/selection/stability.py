"""In how many random halves of the blocks of time a driver is found.

Halves of time, not of rows: what all series share in a week, such as the weather, is then resampled too. Halves come in
complementary pairs.

Source: Meinshausen & Bühlmann 2010, doi:10.1111/j.1467-9868.2010.00740.x; Shah & Samworth 2013,
doi:10.1111/j.1467-9868.2011.01034.x.
"""

import numpy as np

from hierforecast.hiref.selection.blocks import Blocks
from hierforecast.hiref.selection.judging import free_columns
from hierforecast.hiref.selection.path import active, follow_path, project, strongest

PAIRS = 50


def share_of_halves(blocks: Blocks, keep: set[int], shares: np.ndarray, *, seed: int) -> np.ndarray:
    """Share of halves in which each driver that may be left out is found at any of the strengths, (groups,)."""
    count = len(blocks.rows)
    rng = np.random.default_rng(seed)
    half = np.array([rng.permutation(count) < count // 2 for _ in range(PAIRS)])
    free, group, signs = free_columns(blocks, keep)
    problem = project(blocks.total(np.concatenate([half, ~half])), free)
    path = follow_path(problem, group, signs, shares[:, None] * strongest(problem, group, signs))
    return active(path, group).any(axis=0).mean(axis=0)


def enters_at(blocks: Blocks, keep: set[int], shares: np.ndarray) -> np.ndarray:
    """The strength, as a share of the strongest, at which each driver enters on the whole history; NaN if never."""
    free, group, signs = free_columns(blocks, keep)
    problem = project(blocks.total(np.ones((1, len(blocks.rows)))), free)
    path = follow_path(problem, group, signs, shares[:, None] * strongest(problem, group, signs))
    found = active(path, group)[:, 0]  # (strengths, groups)
    return np.where(found.any(axis=0), shares[found.argmax(axis=0)], np.nan)
