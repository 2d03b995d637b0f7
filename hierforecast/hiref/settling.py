"""Training with ridge "auto" becomes training with numbers, before anything else is fitted.

Strengths are chosen on moments: fits on the rows before each origin, judged by the sums of the rows held out after it. As
this measures squares on the link scale, and sees the true values of drivers that nobody knew ahead, the choice is
confirmed once by what people look at: the absolute error in units of forecasts as they could have been made. Where it does
not forecast better than the usual strength, that is kept.
"""

from typing import Any, NamedTuple

from hierforecast.hiref.intervals.errors import join, wape
from hierforecast.hiref.material import Material
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.origins import Trial, errors_of, try_ahead
from hierforecast.hiref.regression.choosing import choose_strengths
from hierforecast.hiref.regression.effects import Parameters
from hierforecast.hiref.regression.ridge import AUTO, USUAL
from hierforecast.hiref.rounds import is_reweighted, per_row
from hierforecast.hiref.solving import round_before, rows_before
from hierforecast.options import Training

# Losses of the rows engine, and those that moments know and whose rows count about alike.
_ON_MOMENTS = {"tweedie": "poisson", "huber": "squared", "quantile": "squared"}


class Settled(NamedTuple):
    """Training with strengths as numbers, and for the diagnostics how they were chosen; nothing where they were given."""

    training: Training
    told: dict[str, Any]


def settle_ridge(data: Material, training: Training, *, start: Parameters | None = None) -> Settled:
    """Choose the strengths where the settings leave them open.

    Args:
        data: what to learn from.
        training: how.
        start: parameters to begin at; None makes them from the moments.

    Raises:
        SettingsError: the history is too short to hold anything out.
    """
    if training.ridge != AUTO:
        return Settled(training, {})
    loss = _ON_MOMENTS.get(training.loss, training.loss)
    usual = training.model_copy(update={"ridge": USUAL, "engine": "moments", "loss": loss})
    trials = try_ahead(data, usual, start, None)
    pairs = [_pair(data, usual, trial) for trial in trials]
    ridge = choose_strengths(pairs, data.hierarchy, data.design.columns, usual)
    chosen = usual.model_copy(update={"ridge": ridge})
    errors = _error(data, usual, trials), _error(data, chosen, try_ahead(data, chosen, start, None))
    kept = ridge if errors[1] < errors[0] else USUAL
    told = {"ridge": kept, "ridge_chosen_wape": errors[1], "ridge_usual_wape": errors[0]}
    return Settled(training.model_copy(update={"ridge": kept}), told)


def _pair(data: Material, training: Training, trial: Trial) -> tuple[Moments, Moments]:
    """Moments of the rows before a trial's origin and of those it is judged by, weighed as its fit weighed them."""
    cut, until = trial.cut, None if trial.until > data.recent.rows.last else trial.until
    if not is_reweighted(data.link, training):
        weights = trial.solved.weights[:, None, None]
        return Moments(data.before(cut).products * weights), Moments(data.between(cut, until).products * weights)
    near = round_before(data, training, cut).near(trial.effects.baseline, trial.effects.total)
    head, whole = data.sum_round(near, cut), data.sum_round(near, until)
    return per_row(head, rows_before(data, cut)), Moments(whole.products - head.products)


def _error(data: Material, training: Training, trials: tuple[Trial, ...]) -> float:
    """WAPE of the regression's forecasts, without recent levels."""
    errors = join([errors_of(data, trial, (), training) for trial in trials])
    return wape(errors, errors.median)
