"""Companies that the model's own priors make: flighted media, parameters drawn from the prior, and the target they imply.

    y[t] = intercept + sum_i beta_i (f_i(a_i[t]) - mean f_i) + Z[t] gamma + r[t]

The mean and the residuals are written here in NumPy from their equations and share nothing with the density that is judged,
apart from carry-over and saturation curves, which have tests of their own.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.mix_model import MixModel, Priors
from hierforecast.precision.adstock import geometric
from hierforecast.precision.background import Background
from hierforecast.precision.controls import learn_design
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.posterior.data import ModelData
from hierforecast.precision.posterior.parameters import Parameters, constrain
from hierforecast.precision.posterior.prior import prior_draws
from hierforecast.precision.priors import PriorNumbers, prior_numbers
from hierforecast.precision.response import saturate
from hierforecast.precision.scaling import Scaling
from hierforecast.precision.training import Training, model_data

EXPOSURE = 1000.0  # of a week on air; spend is a currency unit for all of it
BURN_IN = 200  # weeks of residuals before the first, so that an AR(1) has forgotten its start


class Problem(NamedTuple):
    """Everything but the target: what one compiled program can sample for any target of the same length."""

    training: Training  # scales 0 and 1: the target is in the model's unit as it is, and no replication scales it anew
    hierarchy: Hierarchy
    numbers: PriorNumbers
    model: MixModel

    def with_target(self, target: np.ndarray) -> tuple[ModelData, np.ndarray]:
        """The data of the density for a (weeks,) target, and a guess of the flat vector's posterior sd."""
        table = self.training.table._replace(target=target)
        return model_data(self.training._replace(table=table), self.hierarchy, self.numbers, self.model)


def make_problem(
    hierarchy: Hierarchy,
    weeks: int,
    *,
    model: MixModel,
    priors: Priors | None = None,
    background: Background | None = None,
    controls: int = 1,
    seed: int = 0,
) -> Problem:
    """Media, controls and the tree of a company whose target is yet to come."""
    rng = np.random.default_rng(seed)
    periods = pd.Series(pd.date_range("2022-01-03", periods=weeks, freq="7D"))
    media = np.stack([flighted(weeks, place % 2 == 1, rng) for place in range(hierarchy.num_tacticals)])
    known = np.ones(weeks, dtype=bool)
    own = rng.normal(size=(weeks, controls))
    names = tuple(f"control_{place}" for place in range(controls))
    design = learn_design(periods, own, names, known, background=background)
    on_air = media.sum(axis=1) / (media > 0).sum(axis=1)
    table = MediaTable(periods, np.zeros(weeks), media, own, media / EXPOSURE)
    training = Training(table, known, Scaling(0.0, 1.0, on_air), design, known)
    return Problem(training, hierarchy, prior_numbers(priors or Priors(), hierarchy, "week", model), model)


def flighted(weeks: int, pauses: bool, rng: np.random.Generator) -> np.ndarray:
    """(weeks,) exposure with a slowly moving budget; with pauses it comes in flights of three to eight weeks."""
    slow = np.convolve(rng.normal(0, 0.3, weeks + 7), np.full(8, 8**-0.5), mode="valid")
    exposure = EXPOSURE * np.exp(slow + rng.normal(0, 0.3, weeks))
    if not pauses:
        return exposure
    on_air, week = np.zeros(weeks, dtype=bool), int(rng.integers(0, 6))
    while week < weeks:
        length = int(rng.integers(3, 9))
        on_air[week : week + length] = True
        week += length + int(rng.integers(4, 11))
    return np.where(on_air, exposure, 0.0)


def draw_parameters(problem: Problem, *, draws: int, seed: int) -> Parameters:
    """Parameters from the prior, (draws, ...) each; which coordinates they are drawn in does not matter."""
    data, _ = problem.with_target(np.random.default_rng(0).normal(size=len(problem.training.observed)))
    return constrain(prior_draws(data, problem.model, draws=draws, seed=seed), data, problem.model)


def media_of(parameters: Parameters, problem: Problem) -> np.ndarray:
    """What every tactical brings, (draws, tacticals, weeks) in the model's unit."""
    media = problem.training.scaling.media_in(problem.training.table.media)
    carried = geometric(media, parameters.decay, memory=problem.model.memory)
    half, slope = (None if part is None else part[..., None] for part in (parameters.half, parameters.slope))
    curves = saturate(problem.model.saturation, carried, half, slope)
    unit = problem.hierarchy.membership(problem.model.effects_at or problem.hierarchy.levels[0])
    strength = parameters.strength[:, unit]
    if problem.model.prior_scale == "roi":
        strength = strength * problem.training.table.spend.sum(axis=1) / curves.sum(axis=-1)
    return strength[..., None] * curves


def mean_of(parameters: Parameters, problem: Problem) -> np.ndarray:
    """The mean of the target, (draws, weeks) in the model's unit."""
    table, brought = problem.training.table, media_of(parameters, problem).sum(axis=1)
    controls = problem.training.design.matrix(table.periods, table.controls)
    centred = brought - brought.mean(axis=1, keepdims=True)
    return parameters.intercept + centred + parameters.control @ controls.T


def residuals_of(parameters: Parameters, weeks: int, *, seed: int) -> np.ndarray:
    """r[t] = rho r[t-1] + noise e[t], e Normal or Student-t, of the first draw: (weeks,)."""
    rng = np.random.default_rng(seed)
    count = weeks + (0 if parameters.correlation is None else BURN_IN)
    shocks = rng.normal(size=count) if parameters.tails is None else rng.standard_t(parameters.tails[0, 0], count)
    shocks = parameters.noise[0, 0] * shocks
    if parameters.correlation is None:
        return shocks
    carried = np.zeros(count)
    for week in range(count):
        carried[week] = parameters.correlation[0, 0] * carried[week - 1] * (week > 0) + shocks[week]
    return carried[-weeks:]


def one_draw(parameters: Parameters, place: int) -> Parameters:
    """One of the draws, with a leading dimension of 1."""
    parts = (
        tuple(level[place : place + 1] for level in part)
        if isinstance(part, tuple)
        else None
        if part is None
        else part[place : place + 1]
        for part in parameters
    )
    return Parameters(*parts)
