"""Fits from earlier origins, and what they would have forecast for the periods that followed.

Each knows what could be known then: its regression saw earlier rows only, drivers that nobody knows ahead are replaced by
what was expected of them, lags of the target by the forecasts themselves.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from hierforecast.hiref.columns.origin import columns_from, value_from
from hierforecast.hiref.intervals.errors import Errors
from hierforecast.hiref.intervals.noise import series_noise
from hierforecast.hiref.link import LARGEST, Link, calibrate
from hierforecast.hiref.material import Material
from hierforecast.hiref.prediction import Predicted, predict, raise_to_units
from hierforecast.hiref.recent.chain import Origin, follow
from hierforecast.hiref.recent.level import LevelChoice, Past
from hierforecast.hiref.regression.effects import Parameters, SeriesEffects
from hierforecast.hiref.solving import Solved, own_effects, solve
from hierforecast.options import Training

LEVEL_ROWS = 10.0  # rows' worth of doubt before a series' middle departs from the common one
MIDDLE = ("squared", "huber")  # losses whose fit under a log is the middle of sales, and not their mean


class Fitted(NamedTuple):
    """A regression's value of the rows at hand, and what it leaves.

    Args:
        predicted: of every row, (rows,); after the last period that was known, as it could be told then.
        seen: (rows,) whether the regression saw the row.
        factors: (series,) from the value in units to the mean.
        factor: the same for a new series.
        offsets: (series,) log of sales to their mean, on average: below 0, because logs are middles; 0 where the value
            is the middle itself.
    """

    predicted: Predicted
    seen: np.ndarray
    factors: np.ndarray
    factor: float
    offsets: np.ndarray


class Trial(NamedTuple):
    """A fit from an earlier origin.

    Args:
        cut: first period it did not know.
        until: first period after those it is judged by.
        solved: the regression.
        effects: of the training series.
        fitted: its values.
        tail: places of the rows it is judged by.
    """

    cut: int
    until: int
    solved: Solved
    effects: SeriesEffects
    fitted: Fitted
    tail: np.ndarray


def try_ahead(data: Material, training: Training, start: Parameters | None, checkpoint: Path | None) -> tuple[Trial, ...]:
    """Fits from every cut, the earliest first, each going on from the one before; by rows from the last cut alone."""
    cuts = data.cuts if training.engine == "moments" else data.cuts[-1:]
    trials: list[Trial] = []
    for place, cut in enumerate(cuts):
        around = trials[-1].solved.trained if trials else None
        solved = solve(data, training, start=start, around=around, before=cut, checkpoint=checkpoint)
        until = cuts[place + 1] if place + 1 < len(cuts) else data.recent.rows.last + 1
        effects = own_effects(solved.trained, data.hierarchy)
        rows = data.recent.rows
        known = data.seen_before(cut)
        tail = np.flatnonzero((rows.period >= cut) & (rows.period < until) & known[rows.series])
        trials.append(Trial(cut, until, solved, effects, fitted_values(data, training, effects, before=cut), tail))
    return tuple(trials)


def fitted_values(data: Material, training: Training, effects: SeriesEffects, *, before: int) -> Fitted:
    """What a regression that knew the periods `before` one says of all rows at hand."""
    rows, count = data.recent.rows, len(data.hierarchy.series)
    predicted, seen = _value(data, effects, before, slice(None), None), rows.period < before
    target, value, series = data.recent.target[seen], predicted.value[seen], rows.series[seen]
    factors, factor, offsets = np.ones(count), 1.0, np.zeros(count)
    if data.link.name == "log" and training.loss in MIDDLE:
        factors, factor = calibrate(target, data.link.back(value), series, count)
    elif data.link.name != "identity":
        mean = np.maximum(data.link.back(value), data.link.floor)
        ratio = np.log(np.maximum(target, data.link.floor) / mean)
        rows_of = np.bincount(series, minlength=count)
        offsets = (np.bincount(series, ratio, count) + LEVEL_ROWS * ratio.mean()) / (rows_of + LEVEL_ROWS)
    return Fitted(predicted, seen, factors, factor, offsets)


def past_of(data: Material, fitted: Fitted, training: Training) -> Past:
    """What recent levels are followed in: the rows that the regression saw.

    A mean or a quantile lies off the middle of residuals on the link scale. About each series' own average, residuals move
    the forecast with the sales and leave it the mean or quantile it is.
    """
    rows, link, seen = data.recent.rows, data.link, fitted.seen
    periods = int(rows.period[seen].max()) + 1 - rows.first

    def dense(values: np.ndarray) -> np.ndarray:
        return rows.dense(np.where(seen, values, 0.0))[:periods]

    present = dense(np.ones(len(seen))) > 0
    value, target = fitted.predicted.value, data.recent.target
    if link.name == "mixed":
        grown = raise_to_units(fitted.predicted.grown)
        return Past(present, None, dense(target - (value - grown)), dense(grown), rows.first)
    residuals = data.recent.value - value
    if training.loss not in MIDDLE:
        residuals = residuals - _averages(residuals, fitted, data)[rows.series]
    if link.name == "identity":
        return Past(present, dense(residuals), None, None, rows.first)
    mean = link.back(np.minimum(value, LARGEST)) * fitted.factors[rows.series]
    return Past(present, dense(residuals), dense(target), dense(mean), rows.first)


def origin_of(data: Material, trial: Trial, training: Training) -> Origin:
    """A trial as a place to judge recent levels at: by the absolute error of the middle, or the loss of a quantile."""
    target, fitted = data.recent.target[trial.tail], trial.fitted
    series = data.recent.rows.series[trial.tail]
    share = training.rows.quantile if training.loss == "quantile" else 0.5
    middles = np.exp(fitted.offsets) if training.loss != "quantile" else np.ones(len(fitted.offsets))

    def error(levels: np.ndarray) -> float:
        forecast = data.link.back(ahead(data, trial, levels).value) * middles[series]
        left = target - forecast
        return float(np.maximum(share * left, (share - 1.0) * left).sum())  # half the absolute error where share is 0.5

    return Origin(past_of(data, fitted, training), error)


def ahead(data: Material, trial: Trial, levels: np.ndarray) -> Predicted:
    """Forecasts of a trial's tail with (series,) recent levels."""
    level = levels[data.recent.rows.series[trial.tail]]
    if data.design.past is None:
        grown = trial.fitted.predicted.grown
        tail = Predicted(trial.fitted.predicted.value[trial.tail], None if grown is None else grown[trial.tail])
        return tail.shifted(level)
    return _value(data, trial.effects, trial.cut, trial.tail, level)


def errors_of(data: Material, trial: Trial, choices: tuple[LevelChoice, ...], training: Training) -> Errors:
    """How far off a trial's forecasts were; medians as far from means as the offsets say.

    Args:
        data: the rows.
        trial: the fit.
        choices: of recent levels.
        training: the loss.
    """
    rows, link, tail = data.recent.rows, data.link, trial.tail
    chain = follow(past_of(data, trial.fitted, training), choices, data.hierarchy)
    value = ahead(data, trial, chain.at_end(data.hierarchy)).value
    codes = data.hierarchy.series[rows.series]
    level = chain.of(rows.period, rows.series, codes, data.hierarchy.levels)
    inside = trial.fitted.predicted.shifted(level).value[trial.fitted.seen]
    left = link.errors(data.recent.target[trial.fitted.seen], inside)
    noise = series_noise(left, rows.series[trial.fitted.seen], len(data.hierarchy.series))
    series, target = rows.series[tail], data.recent.target[tail]
    units = np.maximum(link.back(value), 0.0)
    return Errors(
        series=series,
        origin=np.full(len(tail), trial.cut),
        horizon=rows.period[tail] - trial.cut + 1,
        actual=target,
        mean=units * trial.fitted.factors[series],
        median=units * np.exp(trial.fitted.offsets)[series],
        value=value,
        error=link.errors(target, value),
        noise=noise[series],
    )


def with_median(errors: Errors, link: Link, share: float) -> Errors:
    """The same with medians a `share` of the way that the offsets say."""
    units = np.maximum(link.back(errors.value), 1e-300)
    return errors._replace(median=np.where(errors.median > 0, units * (errors.median / units) ** share, 0.0))


def _value(
    data: Material, effects: SeriesEffects, before: int, chosen: np.ndarray | slice, level: np.ndarray | None
) -> Predicted:
    """A regression's value of some rows, known up to a period, with (rows,) of recent level."""
    design, recent = data.design, data.recent
    whole = isinstance(chosen, slice)
    rows = recent.rows if whole else recent.rows.only(np.isin(np.arange(len(recent.target)), chosen))
    X = recent.X if whole else recent.X.T.take(chosen, axis=1).T
    if design.past is not None:
        return Predicted(value_from(design, rows, X, effects, before - 1, level=level))
    X = columns_from(design, rows, X, before - 1)
    found = predict(data.link, X, rows.series, effects.baseline, effects.total, design.first_driver)
    return found if level is None else found.shifted(level)


def _averages(residuals: np.ndarray, fitted: Fitted, data: Material) -> np.ndarray:
    """(series,) average of residuals over the rows that were seen, on the link scale."""
    if fitted.offsets.any():
        return fitted.offsets
    series, count = data.recent.rows.series[fitted.seen], len(data.hierarchy.series)
    rows = np.maximum(np.bincount(series, minlength=count), 1)
    return np.bincount(series, residuals[fitted.seen], count) / rows
