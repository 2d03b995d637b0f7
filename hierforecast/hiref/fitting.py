"""The order of work of a fit: try on the last weeks, fit on all, see what is left.

The last `horizon` periods are first held out. A fit on the rest forecasts them, and these honest errors choose the
recent-level term and set the prediction intervals. Then everything is fitted on all rows, from that fit's parameters.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.origin import value_from
from hierforecast.hiref.fit import Fit, weigh
from hierforecast.hiref.intervals.conformal import Interval, conformal, noise_of, series_noise
from hierforecast.hiref.link import calibrate
from hierforecast.hiref.material import Material
from hierforecast.hiref.minibatch.refusals import MEAN_LOSSES
from hierforecast.hiref.minibatch.strengths import strengths_of
from hierforecast.hiref.minibatch.training import train_rows
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.recent.level import Level, LevelChoice, choose_level, follow
from hierforecast.hiref.regression.effects import Parameters, SeriesEffects, effects_of
from hierforecast.hiref.regression.training import Trained, train
from hierforecast.hiref.regression.uncertainty import effect_errors
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

LEVEL_ORIGINS = 4  # the recent-level term is judged from so many weeks in the past, so that no single one decides


class _Trial(NamedTuple):
    """What the fit without the last periods taught."""

    start: Parameters | None
    choice: LevelChoice | None
    errors: np.ndarray
    trace: dict[str, Any] | None = None


def fit_material(
    data: Material,
    settings: SalesPanel,
    training: Training,
    *,
    start: Parameters | None = None,
    checkpoint: Path | None = None,
) -> Fit:
    """Fit on what was read from a frame or from files; see `material`.

    Args:
        data: what to learn from.
        settings: the declared columns.
        training: how.
        start: parameters to begin at, see `regression.starting`; None makes them from the moments.
        checkpoint: for the rows engine.
    """
    begun = _Trial(start, None, np.empty(0))
    trial = _try_ahead(data, data.cuts[-1], training, begun, checkpoint) if data.cuts else begun

    trained = _train(data.moments, data, training, trial, checkpoint=checkpoint)
    regression = _regression(data, trained)
    everywhere = np.ones(len(regression), dtype=bool)
    followed = _followed(data, data.recent.value - regression, training, everywhere)
    level = _level(data, followed, trial.choice, present=everywhere)
    fitted = regression if level is None else regression + level.of(data.recent.rows.period, data.recent.rows.series)
    residuals, series = data.recent.value - fitted, data.recent.rows.series
    count = len(data.hierarchy.series)
    noise = series_noise(residuals, series, count)
    factors, factor = np.ones(count), 1.0
    if settings.link == "log" and training.loss in ("squared", "huber"):  # the others fit what they forecast
        factors, factor = calibrate(data.recent.target, data.link.back(fitted), series, count)
    interval = conformal(trial.errors, residuals / noise[series], training.interval)
    told = _diagnostics(data, trained, trial, interval, residuals) | _engine_told(training, trained, trial)
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
        errors=_errors(data, trained, training),
    )


def _train(
    moments: Moments,
    data: Material,
    training: Training,
    trial: _Trial | None,
    *,
    before: int | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Train, on from the trial where there was one; `moments` are those of the periods `before`, None being all.

    On moments, under a log it is done twice, the second time weighing each series by how precise its sales are.
    The log of small counts is noisy (its variance falls as one over the mean), so equal weights would let the many
    small series decide what the few large ones, which people look at, are given.
    """
    columns, start = data.design.columns, trial.start if trial else None
    if training.engine == "rows":
        epochs = trial.trace["best_epoch"] if trial and trial.trace else None
        return train_rows(data, training, start=start, before=before, epochs=epochs, checkpoint=checkpoint)
    trained = train(moments, data.hierarchy, columns, training, start=start)
    if data.link.name == "identity":
        return trained
    weighted = Moments(moments.products * _weights(moments, trained, data)[:, None, None])
    again = train(weighted, data.hierarchy, columns, training, start=trained.parameters)
    return again._replace(iterations=trained.iterations + again.iterations)


def _weights(moments: Moments, trained: Trained, data: Material) -> np.ndarray:
    """(series,) how precise each series' sales are under a log, 1 on average over rows; 1 throughout otherwise."""
    if data.link.name == "identity":
        return np.ones(len(moments.counts))
    weights = 1.0 / noise_of(_squares(moments, trained, data.hierarchy), moments.counts) ** 2
    return weights / (weights * moments.counts).sum() * moments.counts.sum()


def _errors(data: Material, trained: Trained, training: Training) -> dict[str, np.ndarray]:
    moments, strengths = data.moments, strengths_of(training, data.hierarchy.levels)
    return effect_errors(
        moments,
        data.hierarchy,
        data.design.columns,
        trained.parameters,
        trained.intercepts,
        ridge=dict(zip(data.hierarchy.levels, strengths.levels, strict=True)),
        own_ridge=strengths.intercepts,
        weights=_weights(moments, trained, data),
    )


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


def _followed(data: Material, residuals: np.ndarray, training: Training, counted: np.ndarray) -> np.ndarray:
    """(rows,) residuals as the recent level follows them.

    A mean or a quantile lies off the middle of residuals on the link scale. About each series' own average over the
    rows `counted`, they move the forecast with the sales and leave it the mean or quantile it is.
    """
    if training.loss in ("squared", "huber"):
        return residuals
    series, count = data.recent.rows.series, len(data.hierarchy.series)
    sums = np.bincount(series[counted], residuals[counted], count)
    means = sums / np.maximum(np.bincount(series[counted], minlength=count), 1)
    return residuals - means[series]


def _try_ahead(data: Material, cut: int, training: Training, begun: _Trial, checkpoint: Path | None) -> _Trial:
    """Fit on the rows before a cut, from where it was begun, and forecast the block after it as it was seen from there."""
    head, tail = data.before(cut), data.recent.rows.period >= cut
    trained = _train(head, data, training, begun, before=cut, checkpoint=checkpoint)
    effects = _own_effects(trained, data.hierarchy)
    regression = value_from(data.design, data.recent.rows, data.recent.X, effects, cut - 1)
    series = data.recent.rows.series
    residuals = data.recent.value - regression
    followed = _followed(data, residuals, training, ~tail)
    choice = _choose_level(data, regression, followed, head.counts > 0, cut, training) if training.recent_level else None
    level = _level(data, np.where(tail, 0.0, followed), choice, present=~tail)
    ahead = residuals
    if level is not None:
        known = level.of(np.full(len(series), cut), series)
        ahead = data.recent.value - value_from(data.design, data.recent.rows, data.recent.X, effects, cut - 1, level=known)
    noise = series_noise(residuals[~tail], series[~tail], len(head.counts))
    judged = tail & (head.counts > 0)[series]
    return _Trial(trained.parameters, choice, ahead[judged] / noise[series[judged]], trained.trace)


def _choose_level(
    data: Material, regression: np.ndarray, followed: np.ndarray, seen: np.ndarray, cut: int, training: Training
) -> LevelChoice | None:
    """Choose at the cut and at origins one horizon earlier each; `seen` (series,) are those with rows before the cut."""
    share = training.rows.quantile if training.loss == "quantile" else 0.5
    rows, horizon = data.recent.rows, data.recent.rows.last + 1 - cut
    origins = [cut - back * horizon for back in range(LEVEL_ORIGINS) if cut - back * horizon >= rows.first + horizon]

    def error(levels: np.ndarray, origin: int) -> float:
        after = (rows.period >= origin) & (rows.period < origin + horizon) & seen[rows.series]
        forecast = data.link.back(regression[after] + levels[rows.series[after]])
        left = data.recent.target[after] - forecast
        return float(np.maximum(share * left, (share - 1.0) * left).sum())  # half the absolute error where share is 0.5

    present = rows.dense(np.ones(len(regression))) > 0
    return choose_level(rows.dense(followed), present, origins, error, first=rows.first)


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
        "holidays_absent": data.design.calendar.absent_holidays,
        "level_discount": trial.choice.discount if trial.choice else 0.0,
        "level_prior": trial.choice.prior if trial.choice else 0.0,
    }


def _engine_told(training: Training, trained: Trained, trial: _Trial) -> dict[str, Any]:
    """What the engine did; the learning curve is that of the trial, where weeks were held out to judge it by."""
    target = {"quantile": f"quantile {training.rows.quantile:g}"} | dict.fromkeys(MEAN_LOSSES, "mean")
    told = {"engine": training.engine, "loss_name": training.loss, "forecast_is": target.get(training.loss, "as asked")}
    judged = trial.trace or trained.trace or {}
    return told | (trained.trace or {}) | {name: judged[name] for name in ("learning_curve", "best_epoch") if name in judged}
