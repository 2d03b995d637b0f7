"""What the target may be, beside its mean: residuals of every draw's own size, memory and tails.

    r[t] = correlation r[t-1] + noise e[t],   e ~ Student-t(tails), Normal where tails are infinite
    y[t] = fitted[t] + r[t]

`noise` is the scale of one shock, so correlated residuals spread further than it says.
"""

import numpy as np

from hierforecast.errors import PanelError
from hierforecast.precision.response import Coefficients


def predictive_draws(
    coefficients: Coefficients, fitted: np.ndarray, *, seed: int, residual_before: np.ndarray | None = None
) -> np.ndarray:
    """Simulate the target.

    Args:
        coefficients: draws.
        fitted: (draws, weeks) mean of the target, from `fitted_draws`.
        seed: of the residuals.
        residual_before: (draws,) target minus fitted in the week before the first, from where correlated residuals go on.
            Without it they start as if they had always been there: the first has the scale noise / sqrt(1 - correlation^2).

    Returns:
        (draws, weeks) in target units.

    Raises:
        PanelError: fitted or residual_before do not have one row per draw.
    """
    fitted = np.asarray(fitted, dtype=float)
    draws = len(coefficients.noise)
    if fitted.ndim != 2 or len(fitted) != draws:
        raise PanelError(f"fitted must be (draws, weeks): wanted {draws} draws, got shape {fitted.shape}")
    residual = coefficients.noise[:, None] * _shocks(fitted.shape, coefficients.tails, seed)
    correlation = coefficients.correlation
    if residual_before is None:
        residual[:, 0] /= np.sqrt(1.0 - correlation**2)
    else:
        residual[:, 0] += correlation * _checked(residual_before, draws)
    for week in range(1, fitted.shape[1]):
        residual[:, week] += correlation * residual[:, week - 1]
    return fitted + residual


def _shocks(shape: tuple[int, int], tails: np.ndarray, seed: int) -> np.ndarray:
    """(draws, weeks) of unit scale: a Normal over the root of a mean of squares, where tails are finite."""
    normal_seed, tail_seed = np.random.SeedSequence(seed).spawn(2)
    shocks = np.random.default_rng(normal_seed).standard_normal(shape)
    heavy = np.isfinite(tails)
    if not heavy.any():
        return shocks
    freedom = np.broadcast_to(np.where(heavy, tails, 1.0)[:, None], shape)
    squares = np.random.default_rng(tail_seed).chisquare(freedom) / freedom
    return np.where(heavy[:, None], shocks / np.sqrt(squares), shocks)


def _checked(residual_before: np.ndarray, draws: int) -> np.ndarray:
    before = np.asarray(residual_before, dtype=float)
    if before.shape != (draws,) or not np.isfinite(before).all():
        raise PanelError(
            f"residual_before must hold one known residual per draw: wanted shape {(draws,)}, got {before.shape} with "
            f"{int((~np.isfinite(before)).sum())} not finite; leave it out where the week before is not known"
        )
    return before
