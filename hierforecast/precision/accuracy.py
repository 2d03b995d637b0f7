"""How good predictive draws are: their mean as a forecast, their quantiles as intervals, and the whole of them.

    CRPS[t] = E|X - y| - E|X - X'| / 2,   X and X' independent draws of week t, y what came

It is in target units, and of a forecast without spread it is the absolute error.

Sources: CRPS (equation 21) and interval score (equation 43): Gneiting & Raftery 2007, JASA 102:359-378,
doi:10.1198/016214506000001437; the CRPS of a sample by sorting: Jordan, Krueger & Lerch 2019, Journal of Statistical
Software 90(12), doi:10.18637/jss.v090.i12; WAPE, MAE, RMSE, bias, coverage: `hierforecast.metrics`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from hierforecast import metrics
from hierforecast.errors import PanelError
from hierforecast.precision.origins import Masks

LEVELS = (0.5, 0.8, 0.9, 0.95)
FitAndDraw = Callable[[np.ndarray], np.ndarray]


def mape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Mean absolute percentage error, a share: ``mean(|f - y| / |y|)`` over weeks that sold; NaN where none did."""
    sold = actual != 0
    return float(np.abs((forecast - actual)[sold] / actual[sold]).mean()) if sold.any() else float("nan")


def r_squared(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Share of the variance explained: ``1 - sum (f - y)^2 / sum (y - mean y)^2``; NaN where the target never moved."""
    total = np.square(actual - actual.mean()).sum()
    return float(1 - np.square(forecast - actual).sum() / total) if total > 0 else float("nan")


def crps(actual: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of the draws' own distribution, (weeks,) in target units; 0 is best.

    With the draws sorted, ``E|X - X'| = 2 / n^2 sum_i (2 i - n - 1) x_(i)``: n log n steps rather than n^2.

    Args:
        actual: (weeks,) what came.
        draws: (draws, weeks) predictive draws.
    """
    count = len(draws)
    ranks = 2 * np.arange(1, count + 1) - count - 1
    # Measured from what came: a large level would cost digits.
    apart = ranks @ np.sort(draws - actual, axis=0) / count**2
    return np.abs(draws - actual).mean(axis=0) - apart


def interval_score(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, *, level: float) -> np.ndarray:
    """Width, and ``2 / (1 - level)`` times how far the target lies outside: (weeks,) in target units; 0 is best."""
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return upper - lower + 2 / (1 - level) * outside


def accuracy_table(actual: np.ndarray, draws: np.ndarray, *, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """Every score of one set of predictive draws over the weeks whose target is known.

    Args:
        actual: (weeks,) target, NaN where not known.
        draws: (draws, weeks) predictive draws: noise included, or the intervals are too narrow.
        levels: nominal coverages of central intervals, shares.

    Returns:
        One row: weeks, mape, wape, bias and r2 as shares; rmse, mae and crps in target units; relative_crps, the sum of
        CRPS over the sum of |y|, a share that compares with wape; coverage_80 and interval_score_80 and so on per level.

    Raises:
        PanelError: shapes do not fit, draws are not finite, a level is no share, or no target is known.
    """
    return pd.DataFrame([_scores(_score_weeks(actual, draws, levels), levels)])


def rolling_accuracy(
    fit_and_draw: FitAndDraw, actual: np.ndarray, masks: Sequence[Masks], *, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """Refit at every origin and score what was held out after it.

    Args:
        fit_and_draw: from a (weeks,) bool mask of observed weeks to (draws, weeks) predictive draws of all weeks.
        actual: (weeks,) target.
        masks: from `rolling_origins`.
        levels: as in `accuracy_table`.

    Returns:
        The columns of `accuracy_table` after `origin`, the place of the last observed week: one row per origin, and last
        the row "all" of the held-out weeks of all origins together.

    Raises:
        PanelError: as in `accuracy_table`, or there are no masks.
    """
    if not masks:
        raise PanelError("rolling accuracy needs at least 1 origin, got none; make masks with rolling_origins")
    parts = {}
    for observed, held_out in masks:
        draws = np.asarray(fit_and_draw(observed), dtype=float)
        if draws.ndim != 2 or draws.shape[1] != len(actual):
            raise PanelError(f"fit_and_draw must give draws of all weeks: wanted (draws, {len(actual)}), got {draws.shape}")
        parts[int(np.flatnonzero(observed)[-1])] = _score_weeks(actual[held_out], draws[:, held_out], levels)
    rows = [{"origin": origin, **_scores(weeks, levels)} for origin, weeks in parts.items()]
    together = pd.concat(parts.values(), ignore_index=True)
    return pd.DataFrame([*rows, {"origin": "all", **_scores(together, levels)}])


def _score_weeks(actual: np.ndarray, draws: np.ndarray, levels: Sequence[float]) -> pd.DataFrame:
    """One row per known week: actual, forecast, crps, and the bounds of every level."""
    actual, draws = np.asarray(actual, dtype=float), np.asarray(draws, dtype=float)
    _check(actual, draws, levels)
    known = np.isfinite(actual)
    actual, draws = actual[known], draws[:, known]
    weeks = {"actual": actual, "forecast": draws.mean(axis=0), "crps": crps(actual, draws)}
    for level in levels:
        bounds = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        weeks |= dict(zip(_bound_names(level), bounds, strict=True))
    return pd.DataFrame(weeks)


def _scores(weeks: pd.DataFrame, levels: Sequence[float]) -> dict[str, float]:
    """The columns of `accuracy_table` from the rows of `_score_weeks`."""
    actual, forecast = weeks["actual"].to_numpy(), weeks["forecast"].to_numpy()
    rules = (mape, metrics.wape, metrics.rmse, metrics.mae, metrics.bias)
    scores = {"weeks": len(weeks), **{rule.__name__: rule(actual, forecast) for rule in rules}}
    scores |= {"r2": r_squared(actual, forecast), "crps": weeks["crps"].mean()}
    sold = np.abs(actual).sum()
    scores["relative_crps"] = weeks["crps"].sum() / sold if sold > 0 else float("nan")
    for level in levels:
        lower, upper = (weeks[name].to_numpy() for name in _bound_names(level))
        scores[f"coverage_{100 * level:g}"] = metrics.coverage(actual, lower, upper)
        scores[f"interval_score_{100 * level:g}"] = interval_score(actual, lower, upper, level=level).mean()
    return scores


def _bound_names(level: float) -> tuple[str, str]:
    return f"lower_{100 * level:g}", f"upper_{100 * level:g}"


def _check(actual: np.ndarray, draws: np.ndarray, levels: Sequence[float]) -> None:
    if actual.ndim != 1 or draws.ndim != 2 or draws.shape[1] != len(actual) or not len(draws):
        raise PanelError(f"draws must be (draws, weeks) beside (weeks,) actual: got {draws.shape} beside {actual.shape}")
    if not np.isfinite(actual).any():
        raise PanelError(f"the target is known in none of {len(actual)} weeks; there is nothing to score against")
    if not np.isfinite(draws).all():
        raise PanelError(f"{int((~np.isfinite(draws)).sum())} of the predictive draws are not finite; look at the fit first")
    for level in levels:
        if not 0 < level < 1:
            raise PanelError(f"a level is a share between 0 and 1, got {level:g}; write 0.9 for 90 %")
