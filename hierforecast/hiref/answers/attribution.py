"""Splitting a forecast into parts that add up to it, in the target's units, under either link."""

import numpy as np

from hierforecast.hiref.link import LARGEST
from hierforecast.hiref.prediction import raise_to_units


def split(parts: np.ndarray, baseline: np.ndarray, forecast: np.ndarray, link: str) -> np.ndarray:
    """Contributions in units, (rows, 1 + parts): the baseline's, then each part's; each row sums to its forecast.

    Identity: a part contributes itself, times the factor from value to forecast, which is 1 for squared loss. Where a
    forecast was raised to 0, the baseline carries the difference.
    Log: the log-mean Divisia split, which leaves no residual:

        contribution[p] = part[p] * (F - B) / log(F / B),    B = F * exp(-sum of parts),  contribution[baseline] = B

    Args:
        parts: (rows, parts) on the link scale, without the baseline.
        baseline: (rows,) on the link scale.
        forecast: (rows,) in units.
        link: "identity" or "log".

    Source: Ang (2005), The LMDI approach to decomposition analysis, Energy Policy 33(7),
        https://doi.org/10.1016/j.enpol.2003.10.010
    """
    total = parts.sum(axis=1)
    if link == "identity":
        parts = parts * _scale(forecast, baseline + total)[:, None]
        return np.column_stack([forecast - parts.sum(axis=1), parts])
    # A forecast that is nothing beside its baseline came from it, whatever is left of it in floating point.
    scale = np.minimum(baseline + total, LARGEST) - np.minimum(baseline, LARGEST)
    start = np.where(forecast > 0, forecast * np.exp(np.clip(-scale, -LARGEST, LARGEST)), 0.0)
    return np.column_stack([start, spread(parts, start, forecast)])


def split_mixed(
    growing: np.ndarray, adding: np.ndarray, grown: np.ndarray, forecast: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contributions under the mixed link, ``exp(baseline + growing) + adding``: baseline, growing, adding in units.

    Parts that multiply share out what they make of the baseline, parts that add contribute themselves; the factor from
    value to forecast goes to all. Where a forecast was raised to 0, the baseline carries the difference.

    Args:
        growing: (rows, parts) logs.
        adding: (rows, parts) units.
        grown: (rows,) log of what is added to, baseline and growing parts together.
        forecast: (rows,) units.
    """
    whole = raise_to_units(grown)
    scale = _scale(forecast, whole + adding.sum(axis=1))
    table = split(growing, grown - growing.sum(axis=1), whole * scale, "log")
    adding = adding * scale[:, None]
    return forecast - table[:, 1:].sum(axis=1) - adding.sum(axis=1), table[:, 1:], adding


def _scale(forecast: np.ndarray, value: np.ndarray) -> np.ndarray:
    """From values to forecasts; 1 where a value below 0 was raised."""
    return np.divide(forecast, value, out=np.ones(len(value)), where=(value > 0) & (forecast > 0))


def spread(parts: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Share out ``after - before`` among parts whose sum is ``log(after / before)``: (rows, parts), in units.

    This is LMDI for one change; a part that did not move is given nothing.

    Args:
        parts: (rows, parts) changes on the log scale.
        before: (rows,) units.
        after: (rows,) units.
    """
    total = parts.sum(axis=1)
    flat = np.abs(total) < 1e-9
    # (exp(d) - 1) / d tends to 1 + d / 2 as d goes to 0, where the difference itself has lost its digits.
    log_mean = np.where(flat, before * (1.0 + total / 2.0), (after - before) / np.where(flat, 1.0, total))
    return parts * log_mean[:, None]
