"""What every series has of its own: an intercept, and effects of the columns declared to vary at the bottom.

They need no parameters. For given effects e of the nodes, the best own part delta[s] of a series is a ridge regression,

    min_delta  |y - X e - X_K delta|^2 + delta' L delta,    K = the constant and the columns with own effects,

whose minimum over delta is again a quadratic form in e, with the moments M replaced by

    M - M[:,K] (M[K,K] + L)^-1 M[K,:]

so they are profiled out of the moments before training and read off them afterwards. Where a column has a sign, the own
part is read off so that the total effect keeps it: a ridge regression with bounds, by coordinate descent.
"""

import numpy as np

from hierforecast.hiref.regression.effects import Columns

SWEEPS = 60  # of coordinate descent at most
SMALL = 1e-6  # noise sds per column sd: changes not worth another sweep


def own_places(columns: Columns) -> np.ndarray:
    """Places among the constant and the columns of those that every series has an own part of."""
    return np.flatnonzero(np.concatenate([[True], columns.own]))


def profile_own(products: np.ndarray, places: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Moments after the best own parts.

    Args:
        products: (series, columns + 2, columns + 2) scaled.
        places: (own,) from `own_places`.
        strengths: (1 + columns,) ridge of own parts.
    """
    across = products[:, places, :]  # (series, own, columns + 2)
    inner = across[:, :, places] + np.diag(strengths[places])
    if len(places) == 1:
        half = across[:, 0] / np.sqrt(inner[:, 0])
        left = half[:, :, None] * half[:, None, :]
        return np.subtract(products, left, out=left)
    return products - across.transpose(0, 2, 1) @ np.linalg.solve(inner, across)


def read_own(
    products: np.ndarray, effects: np.ndarray, signs: np.ndarray, places: np.ndarray, strengths: np.ndarray
) -> np.ndarray:
    """The best own parts for given effects, (series, 1 + columns), 0 where there are none.

    Args:
        products: (series, columns + 2, columns + 2) scaled, as before profiling.
        effects: (series, 1 + columns) scaled baselines and effects.
        signs: (1 + columns,) +1, -1, or 0 where free.
        places: (own,) from `own_places`.
        strengths: (1 + columns,) ridge of own parts.
    """
    across = products[:, places, :]
    inner = across[:, :, places] + np.diag(strengths[places])
    right = across[:, :, -1] - (across[:, :, :-1] @ effects[:, :, None])[:, :, 0]
    found = np.linalg.solve(inner, right[:, :, None])[:, :, 0]
    sign = signs[places]
    wrong = ((found + effects[:, places]) * sign < 0).any(axis=1)
    if wrong.any():
        least = np.where(sign > 0, -effects[wrong][:, places], -np.inf)
        most = np.where(sign < 0, -effects[wrong][:, places], np.inf)
        found[wrong] = _bounded(inner[wrong], right[wrong], np.clip(found[wrong], least, most), least, most)
    own = np.zeros_like(effects)
    own[:, places] = found
    return own


def _bounded(inner: np.ndarray, right: np.ndarray, start: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """``min x'Ax / 2 - b'x`` within bounds for every series, by projected coordinate descent."""
    found = start.copy()
    for _ in range(SWEEPS):
        before = found.copy()
        for place in range(found.shape[1]):
            slope = right[:, place] - (inner[:, place] * found).sum(axis=1)
            step = found[:, place] + slope / inner[:, place, place]
            found[:, place] = np.clip(step, least[:, place], most[:, place])
        if np.abs(found - before).max() < SMALL:
            break
    return found
