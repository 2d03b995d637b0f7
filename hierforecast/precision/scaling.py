"""From the panel's units to the model's and back: target in sd, media in typical on-air weeks.

Scales come from the observed weeks. They are what makes priors free of units: counting the target in cents or a medium in
thousands changes no share.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.errors import PanelError
from hierforecast.precision.media_table import MediaTable


class Scaling(NamedTuple):
    """What was subtracted and divided by."""

    target_mean: float  # target units
    target_sd: float  # target units
    media: np.ndarray  # (tacticals,) mean exposure of the weeks on air, in each tactical's unit

    def target_in(self, target: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """(weeks,) target in sd around its mean; 0 where not observed."""
        return np.where(observed, (np.where(observed, target, 0.0) - self.target_mean) / self.target_sd, 0.0)

    def media_in(self, media: np.ndarray) -> np.ndarray:
        """(tacticals, weeks) exposures as multiples of a typical on-air week."""
        return media / self.media[:, None]


def learn_scaling(
    table: MediaTable, observed: np.ndarray, tacticals: Sequence[str], present: np.ndarray | None = None
) -> Scaling:
    """Learn scales from the observed weeks; a tactical that is only on air later takes its scale from there.

    Args:
        table: the panel's arrays.
        observed: (weeks,) bool.
        tacticals: their names.
        present: (tacticals,) bool, False for those that the panel's metric does not have.

    Raises:
        PanelError: a tactical that should be there has no exposure in any week.
    """
    target = table.target[observed]
    scales = [_typical(row[observed]) or _typical(row) for row in table.media]
    expected = np.ones(len(scales), dtype=bool) if present is None else present
    for name, scale, wanted in zip(tacticals, scales, expected, strict=True):
        if wanted and not scale:
            raise PanelError(f"tactical {name!r} has no exposure in any period; take it out of media.tree or mend its column")
    return Scaling(float(target.mean()), float(target.std()), np.array([scale or 1.0 for scale in scales]))


def _typical(exposure: np.ndarray) -> float:
    """Mean of the positive values, 0 if there are none."""
    on_air = exposure[exposure > 0]
    return float(on_air.mean()) if on_air.size else 0.0
