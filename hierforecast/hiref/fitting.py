"""The order of work of a fit: try on the last weeks, fit on all, see what is left.

The last `horizon` periods are first held out. A fit on the rest forecasts them, and these honest errors choose the
recent-level term and set the prediction intervals. Then everything is fitted on all rows, from that fit's parameters.
"""

from typing import Any, NamedTuple

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.fit import Fit, weigh
from hierforecast.hiref.intervals.conformal import Interval, conformal, noise_of, series_noise
from hierforecast.hiref.link import calibrate
from hierforecast.hiref.material import Material
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.recent.level import Level, LevelChoice, choose_level, follow
from hierforecast.hiref.regression.effects import Parameters, SeriesEffects, effects_of
from hierforecast.hiref.regression.training import Trained, train
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

LEVEL_ORIGINS = 4  # the recent-level term is judged from so many weeks in the past, so that no single one decides


class _Trial(NamedTuple):
    """What the fit without the last periods taught."""

    start: Parameters | None
    choice: LevelChoice | None
    errors: np.ndarray


def fit_material(data: Material, settings: SalesPanel, training: Training) -> Fit:
    """Fit on what was read from a frame or from files; see `material`."""
    trial = _try_ahead(data, data.cuts[-1], training) if data.cuts else None
    trial = trial or _Trial(None, None, np.empty(0))

    trained = _train(data.moments, data, training, trial.start)
    regression = _regression(data, trained)
    everywhere = np.ones(len(regression), dtype=bool)
    level = _level(data, data.recent.value - regression, trial.choice, present=everywhere)
    fitted = regression if level is None else regression + level.of(data.recent.rows.period, data.recent.rows.series)
    residuals, series = data.recent.value - fitted, data.recent.rows.series
    count = len(data.hierarchy.series)
    noise = series_noise(residuals, series, count)
    factors, factor = np.ones(count), 1.0
    if settings.link == "log":
        factors, factor = calibrate(data.recent.target, data.link.back(fitted), series, count)
    interval = conformal(trial.errors, residuals / noise[series], training.interval)
    told = _diagnostics(data, trained, trial, interval, residuals)
    return Fit(
        design=data.design,
        hierarchy=data.hierarchy,
        parameters=trained.parameters,
        intercepts=trained.intercepts,
        link=data.link,
        level=level,
        factors=factors,
        factor=factor,
        noise=noise,
        interval=interval,
        diagnostics=told,
    )


def _train(moments: Moments, data: Material, training: Training, start: Parameters | None) -> Trained:
    """Train; under a log twice, the second time weighing each series by how precise its sales are.

    The log of small counts is noisy (its variance falls as one over the mean), so equal weights would let the many
    small series decide what the few large ones, which people look at, are given.
    """
    columns = data.design.columns
    trained = train(moments, data.hierarchy, columns, training, start=start)
    if data.link.name == "identity":
        return trained
    noise = noise_of(_squares(moments, trained, data.hierarchy), moments.counts)
    weights = 1.0 / noise**2
    weights = weights / (weights * moments.counts).sum() * moments.counts.sum()
    weighted = Moments(moments.products * weights[:, None, None])
    again = train(weighted, data.hierarchy, columns, training, start=trained.parameters)
    return again._replace(iterations=trained.iterations + again.iterations)


def _squares(moments: Moments, trained: Trained, hierarchy: Hierarchy) -> np.ndarray:
    """Squared residuals summed per series, (series,), from moments alone."""
    effects = _own_effects(trained, hierarchy)
    residual = np.column_stack([-effects.baseline, -effects.total, np.ones(len(effects.baseline))])
    return np.maximum(np.einsum("si,sij,sj->s", residual, moments.products, residual), 0.0)


def _own_effects(trained: Trained, hierarchy: Hierarchy) -> SeriesEffects:
    effects = effects_of(trained.parameters, hierarchy.series)
    return effects._replace(baseline=effects.baseline + trained.intercepts)


def _regression(data: Material, trained: Trained) -> np.ndarray:
    """The regression's value per row, (rows,), without the recent level."""
    effects = _own_effects(trained, data.hierarchy)
    return effects.baseline[data.recent.rows.series] + weigh(
        data.recent.X, effects.total, data.recent.rows.series, range(data.recent.X.shape[1])
    )


def _try_ahead(data: Material, cut: int, training: Training) -> _Trial:
    """Fit on the rows before a cut and forecast the block after it."""
    head, tail = data.before(cut), data.recent.rows.period >= cut
    trained = _train(head, data, training, None)
    regression = _regression(data, trained)
    series = data.recent.rows.series
    residuals = data.recent.value - regression
    choice = _choose_level(data, regression, head.counts > 0, cut) if training.recent_level else None
    level = _level(data, np.where(tail, 0.0, residuals), choice, present=~tail)
    ahead = residuals if level is None else residuals - level.of(np.full(len(series), cut), series)
    noise = series_noise(residuals[~tail], series[~tail], len(head.counts))
    judged = tail & (head.counts > 0)[series]
    return _Trial(trained.parameters, choice, ahead[judged] / noise[series[judged]])


def _choose_level(data: Material, regression: np.ndarray, seen: np.ndarray, cut: int) -> LevelChoice | None:
    """Choose at the cut and at origins one horizon earlier each; `seen` (series,) are those with rows before the cut."""
    rows, horizon = data.recent.rows, data.recent.rows.last + 1 - cut
    origins = [cut - back * horizon for back in range(LEVEL_ORIGINS) if cut - back * horizon >= rows.first + horizon]

    def error(levels: np.ndarray, origin: int) -> float:
        after = (rows.period >= origin) & (rows.period < origin + horizon) & seen[rows.series]
        forecast = data.link.back(regression[after] + levels[rows.series[after]])
        return float(np.abs(forecast - data.recent.target[after]).sum())

    present = rows.dense(np.ones(len(regression))) > 0
    return choose_level(rows.dense(data.recent.value - regression), present, origins, error, first=rows.first)


def _level(data: Material, residuals: np.ndarray, choice: LevelChoice | None, *, present: np.ndarray) -> Level | None:
    """The term over all training periods, from the (rows,) residuals that are `present`."""
    if choice is None:
        return None
    rows = data.recent.rows
    return follow(rows.dense(residuals), rows.dense(present.astype(float)) > 0, choice, first=rows.first)


def _diagnostics(data: Material, trained: Trained, trial: _Trial, interval: Interval, residuals: np.ndarray) -> dict[str, Any]:
    columns = data.design.columns
    total = effects_of(trained.parameters, data.hierarchy.series).total
    return {
        "rows": data.rows,
        "series": len(data.hierarchy.series),
        "periods": data.recent.rows.last + 1,
        "iterations": trained.iterations,
        "converged": trained.converged,
        "loss": trained.loss,
        "noise": float(np.sqrt(np.mean(residuals**2))),
        "wrong_sign_share": float((columns.signs * total < 0).mean()) if total.size else 0.0,
        "zero_targets": int((data.recent.target == 0).sum()),
        "calibration_errors": len(trial.errors),
        "interval_lower": interval.lower,
        "interval_upper": interval.upper,
        "level_discount": trial.choice.discount if trial.choice else 0.0,
        "level_prior": trial.choice.prior if trial.choice else 0.0,
    }
