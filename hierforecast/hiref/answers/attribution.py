"""Splitting a forecast into parts that add up to it, in the target's units, under either link."""

import numpy as np


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
    start = forecast * np.exp(-total)
    # (exp(d) - 1) / d tends to 1: dividing by a stand-in of 1 where d is 0 gives 0, and the limit is put in instead.
    log_mean = start * np.where(total == 0, 1.0, np.expm1(total) / np.where(total == 0, 1.0, total))
    return np.column_stack([start, parts * log_mean[:, None]])
