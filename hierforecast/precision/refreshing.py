"""What a refresh changed: old and new posteriors side by side, so that a jump is seen before it is believed."""

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.intervals import central_interval
from hierforecast.precision.response import Coefficients


def compare_posteriors(
    old: Coefficients, new: Coefficients, hierarchy: Hierarchy, control_columns: tuple[str, ...], *, interval: float
) -> pd.DataFrame:
    """One row per scalar in the columns of `results.REFRESH`.

    Args:
        old: draws before.
        new: draws after, of the same form.
        hierarchy: the media tree.
        control_columns: names of the control matrix's columns.
        interval: nominal coverage of the intervals.
    """
    rows = []
    for quantity, nodes, before, after in _pairs(old, new, hierarchy, control_columns):
        lower, upper = central_interval(before, interval)
        new_lower, new_upper = central_interval(after, interval)
        shift = (after.mean(axis=0) - before.mean(axis=0)) / np.maximum(before.std(axis=0), 1e-300)
        columns = (before.mean(axis=0), lower, upper, after.mean(axis=0), new_lower, new_upper, shift)
        rows += [(quantity, node, *map(float, row)) for node, row in zip(nodes, np.column_stack(columns), strict=True)]
    return pd.DataFrame(rows, columns=list(results.REFRESH.columns))


def _pairs(
    old: Coefficients, new: Coefficients, hierarchy: Hierarchy, control_columns: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...], np.ndarray, np.ndarray]]:
    """Quantity, its nodes, and (draws, nodes) before and after."""
    tacticals = hierarchy.tacticals
    pairs = [
        ("effect", tacticals, old.beta, new.beta),
        ("decay", tacticals, old.decay, new.decay),
        ("control", control_columns, old.control, new.control),
        ("baseline", ("",), old.baseline[:, None], new.baseline[:, None]),
        ("noise", ("",), old.noise[:, None], new.noise[:, None]),
    ]
    if old.saturation.kind != "none":
        pairs.append(("half_saturation", tacticals, old.saturation.half, new.saturation.half))
    if old.saturation.kind == "hill":
        pairs.append(("hill_slope", tacticals, old.saturation.slope, new.saturation.slope))
    if old.correlation.any():
        pairs.append(("correlation", ("",), old.correlation[:, None], new.correlation[:, None]))
    if np.isfinite(old.tails).all():
        pairs.append(("tails", ("",), old.tails[:, None], new.tails[:, None]))
    return [pair for pair in pairs if pair[1]]
