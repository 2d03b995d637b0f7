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


def carry_on(
    coefficients: Coefficients, fitted: np.ndarray, residual: np.ndarray, ahead: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Expected target and target where residuals are correlated: weeks after the last observed one go on from its residual.

    Args:
        coefficients: draws.
        fitted: (draws, weeks) mean of the target.
        residual: (draws,) of the last observed week.
        ahead: (weeks,) periods after that week, 0 or less up to it.
        seed: of the residuals.

    Returns:
        (draws, weeks) each. Up to the last observed week the residuals drawn are any, not those that were seen.
    """
    later, none = ahead > 0, np.zeros(len(residual))
    mean = fitted.copy()
    mean[:, later] += coefficients.correlation[:, None] ** ahead[later] * residual[:, None]
    # The expected residual is in the mean; what is drawn beside it starts from nothing.
    parts = [(mean[:, ~later], None), (mean[:, later], none)]
    drawn = [
        predictive_draws(coefficients, part, seed=seed, residual_before=before) if part.shape[1] else part
        for part, before in parts
    ]
    return mean, np.concatenate(drawn, axis=1)


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
