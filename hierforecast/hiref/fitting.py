"""The order of work of a fit: try from earlier origins, fit on all, see what is left.

The last blocks of `horizon` periods are first held out, one after another. Fits on what came before forecast them, and
these honest errors choose the recent levels, the way from mean to median, and the prediction intervals. Then everything is
fitted on all rows, going on from the last of those fits.
"""

from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from hierforecast.hiref.fit import Fit
from hierforecast.hiref.intervals.errors import Errors, bias, join, wape
from hierforecast.hiref.intervals.noise import series_noise
from hierforecast.hiref.intervals.past import keep_errors, measure_series
from hierforecast.hiref.intervals.yardstick import Yardstick
from hierforecast.hiref.looking_back import errors_within
from hierforecast.hiref.material import Material
from hierforecast.hiref.minibatch.refusals import MEAN_LOSSES
from hierforecast.hiref.origins import Trial, errors_of, fitted_values, origin_of, past_of, try_ahead, with_median
from hierforecast.hiref.recent.chain import choose, follow
from hierforecast.hiref.recent.level import LevelChoice
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.hiref.regression.training import Trained
from hierforecast.hiref.regression.uncertainty import effect_errors
from hierforecast.hiref.settling import settle_ridge
from hierforecast.hiref.solving import Solved, own_effects, solve
from hierforecast.options import Training

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)  # of a series' offset that may lead from its mean to its median


def fit_material(data: Material, training: Training, *, start: Parameters | None = None, checkpoint: Path | None = None) -> Fit:
    """Fit on what was read from a frame or from files; see `material`.

    Args:
        data: what to learn from.
        training: how.
        start: parameters to begin at, see `regression.starting`; None makes them from the moments.
        checkpoint: for the rows engine.
    """
    # One small matrix per series: threads would spend more on meeting than on multiplying, twice the CPU for the same time.
    with threadpool_limits(1, user_api="blas"):
        return _fit(data, training, start, checkpoint)


def _fit(data: Material, training: Training, start: Parameters | None, checkpoint: Path | None) -> Fit:
    training, strengths_told = settle_ridge(data, training, start=start)
    trials = try_ahead(data, training, start, checkpoint)
    choices = _choose_levels(data, trials, training)
    errors = join([errors_of(data, trial, choices, training) for trial in trials])
    share = _median_share(data, trials, errors, training)
    errors = with_median(errors, data.link, share)

    solved = _solve_whole(data, training, trials, start, checkpoint)
    effects, rows = own_effects(solved.trained, data.hierarchy), data.recent.rows
    fitted = fitted_values(data, training, effects, before=data.design.end + 1)
    chain = follow(past_of(data, fitted, training), choices, data.hierarchy)
    level = chain.of(rows.period, rows.series, data.hierarchy.series[rows.series], data.hierarchy.levels)
    residuals = data.link.errors(data.recent.target, fitted.predicted.shifted(level).value)
    noise = series_noise(residuals, rows.series, len(data.hierarchy.series))
    within = errors_within(data, fitted, chain, noise, rows.last + 1 - data.cuts[-1] if data.cuts else 0)
    past = keep_errors(errors, within)
    told = _diagnostics(data, solved.trained, effects.total, measure_series(past), residuals)
    told |= strengths_told | _origins_told(trials, errors, choices, share) | _engine_told(training, solved.trained, trials)
    return Fit(
        design=data.design,
        hierarchy=data.hierarchy,
        parameters=solved.trained.parameters,
        intercepts=solved.trained.intercepts,
        own=solved.trained.own,
        link=data.link,
        level=chain if choices else None,
        factors=fitted.factors,
        factor=fitted.factor,
        middles=np.exp(share * fitted.offsets),
        noise=noise,
        past=past,
        diagnostics=told,
        errors=_effect_errors(data, solved, training),
    )


def _solve_whole(
    data: Material, training: Training, trials: tuple[Trial, ...], start: Parameters | None, checkpoint: Path | None
) -> Solved:
    """Train on all rows, going on from the latest trial; by rows, for as many epochs as that took to be at its best."""
    around = trials[-1].solved.trained if trials else None
    epochs = (around.trace or {}).get("best_epoch") if around else None
    return solve(data, training, start=start, around=around, epochs=epochs, checkpoint=checkpoint)


def _choose_levels(data: Material, trials: tuple[Trial, ...], training: Training) -> tuple[LevelChoice, ...]:
    if not training.recent_level or not trials:
        return ()
    return choose([origin_of(data, trial, training) for trial in trials], training.recent_by, data.hierarchy)


def _median_share(data: Material, trials: tuple[Trial, ...], errors: Errors, training: Training) -> float:
    """How far to go from mean to median, so that the absolute error from earlier origins is least."""
    if training.loss == "quantile" or not any(trial.fitted.offsets.any() for trial in trials):
        return 0.0
    return min(SHARES, key=lambda share: wape(errors, with_median(errors, data.link, share).median))


def _effect_errors(data: Material, solved: Solved, training: Training) -> dict[str, np.ndarray]:
    return effect_errors(
        solved.moments,
        data.hierarchy,
        data.design.columns,
        solved.trained.parameters,
        solved.trained.intercepts,
        strengths=strengths_of(training, data.design.columns, data.hierarchy.levels),
        weights=solved.weights,
        own=solved.trained.own,
    )


def _diagnostics(
    data: Material, trained: Trained, total: np.ndarray, yardstick: Yardstick, residuals: np.ndarray
) -> dict[str, Any]:
    return {
        "rows": data.rows,
        "series": len(data.hierarchy.series),
        "periods": data.recent.rows.last + 1,
        "iterations": trained.iterations,
        "converged": trained.converged,
        "loss": trained.loss,
        "noise": float(np.sqrt(np.mean(residuals**2))),
        "wrong_sign_share": float((data.design.columns.signs * total < 0).mean()) if total.size else 0.0,
        "zero_targets": int((data.recent.target == 0).sum()),
        "interval_inflation": yardstick.inflation,
        "interval_growth": yardstick.growth,
        "interval_freedom": yardstick.quantiles.freedom,
    }


def _origins_told(trials: tuple[Trial, ...], errors: Errors, choices: tuple[LevelChoice, ...], share: float) -> dict[str, Any]:
    """What the held-out periods said: choices made on them, and how far off the forecasts were."""
    own = next((choice for choice in choices if choice.by == "bottom"), LevelChoice(0.0, 0.0))
    told = {
        "calibration_errors": len(errors.actual),
        "level_discount": own.discount,
        "level_prior": own.prior,
        "levels": [choice._asdict() for choice in choices],
        "median_share": share,
    }
    if len(errors.actual):
        told |= {
            "held_out_bias_mean": bias(errors, errors.mean),
            "held_out_bias_median": bias(errors, errors.median),
            "held_out_wape": wape(errors, errors.median),
            "held_out_wape_by_origin": {str(trial.cut): _wape_from(errors, trial.cut) for trial in trials},
        }
    return told


def _wape_from(errors: Errors, cut: int) -> float:
    here = errors.origin == cut
    return float(np.abs(errors.median - errors.actual)[here].sum() / max(errors.actual[here].sum(), 1e-300))


def _engine_told(training: Training, trained: Trained, trials: tuple[Trial, ...]) -> dict[str, Any]:
    """What the engine did; the learning curve is that of the trial, where weeks were held out to judge it by."""
    target = {"quantile": f"quantile {training.rows.quantile:g}"} | dict.fromkeys((*MEAN_LOSSES, "gamma"), "mean")
    told = {"engine": training.engine, "loss_name": training.loss, "forecast_is": target.get(training.loss, "as asked")}
    judged = (trials[-1].solved.trained.trace if trials else None) or trained.trace or {}
    return told | (trained.trace or {}) | {name: judged[name] for name in ("learning_curve", "best_epoch") if name in judged}
