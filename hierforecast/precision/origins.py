"""Rolling origins as masks: weeks are hidden from the likelihood, not cut, so that refits keep their shapes.

`hierforecast.splits.rolling_origins` makes the same splits by cutting a panel.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.errors import PanelError


class Masks(NamedTuple):
    """One origin: what a fit may see, and what its forecasts are judged on. Later weeks are in neither."""

    observed: np.ndarray  # (weeks,) bool
    held_out: np.ndarray  # (weeks,) bool


def rolling_origins(weeks: int | np.ndarray, *, horizon: int, origins: int, min_observed: int) -> list[Masks]:
    """Hold out the last `horizon` known weeks, then those before them, and so on; the latest origin first.

    Args:
        weeks: how many there are, or (weeks,) bool: which have a known target. After the last known one lies the plan.
        horizon: weeks held out at each origin.
        origins: how many.
        min_observed: known weeks that every fit must have at least.

    Returns:
        (origins,) masks.

    Raises:
        PanelError: a number is below 1, there are not enough weeks for so many origins, or a horizon has no known week.
    """
    for name, number in (("horizon", horizon), ("origins", origins), ("min_observed", min_observed)):
        if number < 1:
            raise PanelError(f"rolling origins: {name} must be at least 1, got {number}")
    known = np.asarray(weeks) if np.ndim(weeks) else np.ones(int(weeks), dtype=bool)
    if known.dtype != bool or known.ndim != 1:
        raise PanelError(f"weeks must be a number or a (weeks,) bool mask, got {known.dtype} of {known.shape}")
    place = np.arange(len(known))
    end = int(place[known].max(initial=-1)) + 1
    found = []
    for _ in range(origins):
        masks = Masks(known & (place < end - horizon), known & (end - horizon <= place) & (place < end))
        if masks.observed.sum() < min_observed:
            cure = f"lower origins to {len(found)}" if found else "lower horizon or min_observed"
            raise PanelError(
                f"{origins} origins of {horizon} weeks leave {masks.observed.sum()} known weeks before origin "
                f"{len(found) + 1}, wanted at least {min_observed}; {cure}, or add history"
            )
        if not masks.held_out.any():
            raise PanelError(f"no target is known in the weeks {end - horizon} to {end - 1}; take another horizon")
        found.append(masks)
        end -= horizon
    return found
