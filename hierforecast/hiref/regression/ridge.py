"""Ridge strengths per level and column, from what the settings say of levels and groups of columns.

A strength counts in observations: with strength r, a node that has r rows is drawn half way to what the other levels say
of it. Columns count in their sd within series and the target in noise sds, so that one strength means about the same
everywhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.errors import SettingsError, nearest
from hierforecast.hierarchy import BOTTOM
from hierforecast.hiref.regression.effects import Columns
from hierforecast.options import Training

USUAL = 1.0  # of a level or group that the settings do not name
BASELINE, DEFAULT, AUTO = "baseline", "default", "auto"
GROUPS = (BASELINE, "season", "month", "holidays", "trend", "target", DEFAULT)


class Strengths(NamedTuple):
    """Ridge in units of one observation.

    Args:
        nodes: (levels,) of embeddings of low rank.
        columns: (levels, 1 + columns) of w and P, or, where embeddings are full, of them; first the baseline.
        own: (1 + columns,) of what series have of their own; first their intercept.
    """

    nodes: np.ndarray
    columns: np.ndarray
    own: np.ndarray


def strengths_of(training: Training, columns: Columns, levels: Sequence[str]) -> Strengths:
    """What the settings say.

    Raises:
        SettingsError: a group is unknown, or the choice was left open.
    """
    ridge = training.ridge
    if isinstance(ridge, str):
        raise SettingsError(f"training.ridge is {AUTO!r}, which has to be chosen before training; give numbers")
    if not isinstance(ridge, dict):
        ridge = dict.fromkeys([*levels, BOTTOM], ridge)
    groups = (BASELINE, *(columns.groups or (DEFAULT,) * len(columns.names)))
    said = {level: _by_group(ridge.get(level, USUAL), level, groups) for level in (*levels, BOTTOM)}
    return Strengths(
        nodes=np.array([said[level][DEFAULT] for level in levels]),
        columns=np.array([[said[level].get(group, said[level][DEFAULT]) for group in groups] for level in levels]),
        own=np.array([said[BOTTOM].get(group, said[BOTTOM][DEFAULT]) for group in groups]),
    )


def _by_group(said: float | dict[str, float], level: str, groups: Sequence[str]) -> dict[str, float]:
    if not isinstance(said, dict):
        return {DEFAULT: float(said)}
    known = list(dict.fromkeys([*GROUPS, *groups]))
    for group in said:
        if group not in known:
            raise SettingsError(f"training.ridge[{level!r}] names the column group {group!r}; {nearest(group, known)}")
    return {DEFAULT: USUAL, **said}
