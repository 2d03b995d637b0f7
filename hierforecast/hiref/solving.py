"""From material to a trained regression: one least-squares problem, or as many rounds of them as a loss needs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.intervals.noise import noise_of
from hierforecast.hiref.material import Material
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Parameters, SeriesEffects, effects_of
from hierforecast.hiref.regression.training import Trained, train
from hierforecast.hiref.rounds import Round, first_round, is_reweighted, per_row
from hierforecast.options import Training

COLD, WARM = 3, 2  # rounds from nothing, and on from a fit of nearly the same rows
ROUGH = 10  # iterations of a round before the last: its problem is only nearly the one to be solved
TRIAL = 25  # iterations of the last round of a trial, which is judged by forecasts and started from


class Solved(NamedTuple):
    """A trained regression and the sums it was last trained on.

    Args:
        trained: the regression.
        moments: per series, rows counting 1 on average.
        weights: (series,) what they were weighed by on top of that.
    """

    trained: Trained
    moments: Moments
    weights: np.ndarray


def solve(
    data: Material,
    training: Training,
    *,
    start: Parameters | None = None,
    around: Trained | None = None,
    before: int | None = None,
    epochs: int | None = None,
    checkpoint: Path | None = None,
) -> Solved:
    """Train on the rows of the periods `before` a cut, None being all.

    Args:
        data: what to learn from.
        training: how.
        start: parameters to go on from; None makes them from sums.
        around: a fit of nearly the same rows to go on from instead.
        before: one of the cuts.
        epochs: of the rows engine, see `train_rows`.
        checkpoint: of the rows engine.
    """
    start = around.parameters if around else start
    if training.engine == "rows":
        from hierforecast.hiref.minibatch.training import train_rows  # torch comes in here, so that moments do without

        trained = train_rows(data, training, start=start, before=before, epochs=epochs, checkpoint=checkpoint)
        moments = data.moments if before is None else data.before(before)
        return Solved(trained, moments, series_weights(moments, trained, data))
    if is_reweighted(data.link, training):
        return _solve_in_rounds(data, training, start, around, before)
    moments = data.moments if before is None else data.before(before)
    if data.recent.weight is not None:
        moments = per_row(moments, rows_before(data, before))
    return _solve_once(moments, data, training, start)


def own_effects(trained: Trained, hierarchy: Hierarchy) -> SeriesEffects:
    """Effects of the training series, with what they have of their own."""
    effects = effects_of(trained.parameters, hierarchy.series, trained.own)
    return effects._replace(baseline=effects.baseline + trained.intercepts)


def series_weights(moments: Moments, trained: Trained, data: Material) -> np.ndarray:
    """(series,) how precise each series' sales are under a log, 1 on average over rows; 1 throughout otherwise.

    The log of small counts is noisy (its variance falls as one over the mean), so equal weights would let the many
    small series decide what the few large ones, which people look at, are given.
    """
    if data.link.name != "log":
        return np.ones(len(moments.counts))
    weights = 1.0 / noise_of(_squares(moments, trained, data.hierarchy), moments.counts) ** 2
    return weights / (weights * moments.counts).sum() * moments.counts.sum()


def _solve_once(moments: Moments, data: Material, training: Training, start: Parameters | None) -> Solved:
    """Squared loss; under a log twice, the second time with each series weighed by its precision."""
    columns = data.design.columns
    trained = train(moments, data.hierarchy, columns, training, start=start)
    weights = series_weights(moments, trained, data)
    if data.link.name == "identity":
        return Solved(trained, moments, weights)
    weighted = Moments(moments.products * weights[:, None, None])
    again = train(weighted, data.hierarchy, columns, training, start=trained.parameters)
    again = again._replace(iterations=trained.iterations + again.iterations)
    return Solved(again, moments, series_weights(moments, again, data))


def _solve_in_rounds(
    data: Material, training: Training, start: Parameters | None, around: Trained | None, before: int | None
) -> Solved:
    columns, rows = data.design.columns, rows_before(data, before)
    near = round_before(data, training, before)
    if around is not None:
        effects = own_effects(around, data.hierarchy)
        near = near.near(effects.baseline, effects.total)
    if training.loss == "squared" and data.link.name != "mixed":  # the weights do not depend on the fit
        return _solve_once(per_row(data.sum_round(near, before), rows), data, training, start)
    iterations, rounds = 0, COLD if around is None else WARM
    rough = training.model_copy(update={"iterations": min(ROUGH, training.iterations)})
    final = training if before is None else training.model_copy(update={"iterations": min(TRIAL, training.iterations)})
    for number in range(rounds):
        moments = per_row(data.sum_round(near, before), rows)
        last = number == rounds - 1
        trained = train(moments, data.hierarchy, columns, final if last else rough, start=start)
        effects, start = own_effects(trained, data.hierarchy), trained.parameters
        near, iterations = near.near(effects.baseline, effects.total), iterations + trained.iterations
    return Solved(trained._replace(iterations=iterations), moments, np.ones(len(moments.counts)))


def round_before(data: Material, training: Training, before: int | None) -> Round:
    """The first round of a fit on the rows of the periods `before` a cut, None being all."""
    return first_round(
        data.link,
        training,
        data.means(),
        data.logs,
        len(data.design.columns.names),
        data.design.first_driver,
        data.design.end if before is None else before - 1,
    )


def rows_before(data: Material, before: int | None) -> float:
    """How many rows there are in the periods before a cut."""
    if before is None:
        return float(data.rows)
    return float(data.rows - (data.recent.rows.period >= before).sum())


def _squares(moments: Moments, trained: Trained, hierarchy: Hierarchy) -> np.ndarray:
    """Squared residuals summed per series, (series,), from moments alone."""
    effects = own_effects(trained, hierarchy)
    residual = np.column_stack([-effects.baseline, -effects.total, np.ones(len(effects.baseline))])
    return np.maximum(np.einsum("si,sij,sj->s", residual, moments.products, residual), 0.0)
