"""Ridge strengths as the rows engine reads them: one per level and one for the series' own intercepts."""

from collections.abc import Sequence
from typing import NamedTuple

from hierforecast.errors import SettingsError
from hierforecast.options import Training

USUAL = 1.0  # of a level that the settings do not name
OWN = "series"  # the name under which the settings give the strength of intercepts


class Strengths(NamedTuple):
    """Ridge in units of one observation: (levels,) of embeddings, and of series intercepts."""

    levels: tuple[float, ...]
    intercepts: float


def strengths_of(training: Training, levels: Sequence[str]) -> Strengths:
    """What the settings say. Raises SettingsError where they leave the choice open."""
    ridge = training.ridge
    if isinstance(ridge, dict):
        return Strengths(tuple(ridge.get(level, USUAL) for level in levels), ridge.get(OWN, USUAL))
    if isinstance(ridge, str):
        raise SettingsError("training.ridge is 'auto', which has to be chosen before rows are trained on; give numbers")
    return Strengths((float(ridge),) * len(levels), float(ridge))
