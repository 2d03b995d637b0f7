"""Splitting a forecast into parts that add up to it, in the target's units, under either link."""

import numpy as np

_LARGEST = 700.0  # exp of more is infinite


def split(parts: np.ndarray, baseline: np.ndarray, forecast: np.ndarray, link: str) -> np.ndarray:
    """Contributions in units, (rows, 1 + parts): the baseline's, then each part's; each row sums to its forecast.

    Identity: a part contributes itself. Where a forecast was raised to 0, the baseline carries the difference.
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
        raised = forecast - (baseline + total)
        return np.column_stack([baseline + raised, parts])
    # A forecast that is nothing beside its baseline came from it, whatever is left of it in floating point.
    scale = np.minimum(baseline + total, _LARGEST) - np.minimum(baseline, _LARGEST)
    start = np.where(forecast > 0, forecast * np.exp(np.clip(-scale, -_LARGEST, _LARGEST)), 0.0)
    return np.column_stack([start, spread(parts, start, forecast)])


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
