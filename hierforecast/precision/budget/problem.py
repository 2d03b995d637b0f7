"""A budget as a search: what its variables are, what they bring on average, and where to start.

By "total" there is one variable per tactical, the multiple of its current spend in every week of the window. By "week" there
is one per tactical and week, in multiples of the tactical's mean weekly spend.
"""

from typing import NamedTuple

import numpy as np

from hierforecast.errors import SettingsError
from hierforecast.precision.budget.aims import Aim
from hierforecast.precision.budget.plan_search import Found, Judged, corner, nearest_plan, search
from hierforecast.precision.budget.quadratic import Polytope
from hierforecast.precision.effects import Bends, Reach
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.response import Weeks

STARTS = 6  # where a Hill curve is steeper than a straight line somewhere, or the aim is not the mean
HALVINGS = 40  # of the care that a target ROI takes


class Plan(NamedTuple):
    """What the search changes, and what it knows: arrays of the window's weeks."""

    free: np.ndarray  # (tacticals,) bool
    spend: np.ndarray  # (tacticals, window) current spend
    spend_per: np.ndarray  # (free, window) currency per unit of the variable
    media_per: np.ndarray  # (free, window) exposure per unit of the variable
    by_week: bool

    def spread(self, variables: np.ndarray) -> np.ndarray:
        """The variables as (free, window), or (free, 1) where the flighting stays."""
        return variables.reshape(len(self.spend_per), -1)

    def now(self) -> np.ndarray:
        """The variables of the current plan."""
        if not self.by_week:
            return np.ones(len(self.spend_per))
        return (self.spend[self.free] / self.spend_per).ravel()


class Aimed(NamedTuple):
    """The number to be maximised, on thinned draws: a mixture of what is aimed at and what is left after the target's share.

    F = ((1 - care) value aim(R) + care value mean R - charge spend) / scale
    """

    plan: Plan
    reaches: tuple[Reach, ...]  # free tacticals
    aim: Aim
    value: float  # currency per target unit
    care: float  # 0: the aim alone
    charge: float  # target units times value per currency unit spent
    scale: float  # so that the search sees numbers near 1

    def objective(self, variables: np.ndarray) -> Judged:
        """F and its derivatives."""
        exposures = self.plan.spread(variables) * self.plan.media_per
        all_bends = [reach.bends(row) for reach, row in zip(self.reaches, exposures, strict=True)]
        contribution = np.sum([bends.effect for bends in all_bends], axis=0)
        number, weight = self.aim.judge(contribution)
        weight = self.value * ((1.0 - self.care) * weight + self.care / len(weight))
        pieces = [self._one(place, bends, weight) for place, bends in enumerate(all_bends)]
        slopes = np.hstack([slope for slope, _ in pieces])  # (draws, variables)
        curvature = _blocks([block for _, block in pieces])
        caution = self.value * (1.0 - self.care) * self.aim.caution
        if caution and contribution.std() > 0:
            curvature -= caution * _spread_curvature(contribution, slopes)
        cost = self.cost_per_variable()
        mixed = (1.0 - self.care) * number + self.care * float(contribution.mean())
        value = self.value * mixed - self.charge * float(cost @ variables)
        return Judged(value / self.scale, (weight @ slopes - self.charge * cost) / self.scale, curvature / self.scale)

    def cost_per_variable(self) -> np.ndarray:
        """(variables,) currency."""
        return self.plan.spend_per.ravel() if self.plan.by_week else self.plan.spend_per.sum(axis=1)

    def mean(self, variables: np.ndarray) -> float:
        """Mean contribution of the free tacticals."""
        exposures = self.plan.spread(variables) * self.plan.media_per
        return float(sum(reach.effect(row).mean() for reach, row in zip(self.reaches, exposures, strict=True)))

    def _one(self, place: int, bends: Bends, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One tactical's (draws, its variables) derivatives and its block of the curvature, only what bends down."""
        reach, media_per = self.reaches[place], self.plan.media_per[place]
        bend = np.minimum(weight[:, None] * bends.bend, 0.0)
        if not self.plan.by_week:
            own = reach.own(media_per)
            return (bends.steep * own).sum(axis=1, keepdims=True), np.array([[float((bend * own**2).sum())]])
        slopes, block = np.zeros((len(weight), len(media_per))), np.zeros((len(media_per), len(media_per)))
        for week in range(bend.shape[1]):
            lagged = reach.lagged_weights(week)
            slopes += bends.steep[:, week, None] * lagged
            block += (lagged * bend[:, week, None]).T @ lagged
        return slopes * media_per, block * np.outer(media_per, media_per)


def _blocks(blocks: list[np.ndarray]) -> np.ndarray:
    from scipy.linalg import block_diag

    return block_diag(*blocks)


def _spread_curvature(contribution: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Second derivative of the sd of R by the variables, as far as it comes from the slopes; positive semidefinite."""
    centred = slopes - slopes.mean(axis=0)
    deviation, sd, count = contribution - contribution.mean(), contribution.std(), len(contribution)
    slope = deviation @ centred / (count * sd)
    return (centred.T @ centred / count - np.outer(slope, slope)) / sd


def plan_of(
    weeks: Weeks, spend: np.ndarray, window: np.ndarray, by: str, cost: np.ndarray | None, hierarchy: Hierarchy
) -> Plan:
    """The variables for arguments as in `optimise_budget`. Raises SettingsError where nothing can be changed."""
    if by not in ("total", "week"):
        raise SettingsError(f'by must be "total" or "week", got {by!r}')
    now, media = spend[window].T, weeks.media[:, window]
    free = (now.sum(axis=1) > 0) & (media.sum(axis=1) > 0)
    if not free.any():
        raise SettingsError("no tactical has spend and exposure in the window, so there is nothing to plan; widen the window")
    if by == "total":
        return Plan(free, now, now[free], media[free], by_week=False)
    count = now.shape[1]
    price = now[free].sum(axis=1) / media[free].sum(axis=1) if cost is None else _checked_cost(cost, hierarchy)[free]
    unit = np.repeat(now[free].sum(axis=1, keepdims=True) / count, count, axis=1)
    return Plan(free, now, unit, unit / price[:, None], by_week=True)


def _checked_cost(cost: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    cost = np.asarray(cost, dtype=float)
    if cost.shape != (hierarchy.num_tacticals,) or not (np.isfinite(cost) & (cost > 0)).all():
        raise SettingsError(
            f"cost must hold one price > 0 per tactical, in currency per typical on-air week of exposure: wanted shape "
            f"{(hierarchy.num_tacticals,)}, got {cost.shape}"
        )
    return cost


def reach_target(
    aimed: Aimed, inside: Polytope, starts: list[np.ndarray], target: float, kept_spend: float
) -> tuple[Aimed, Found]:
    """The most that can be aimed at while value mean R >= target spend, by halving the care it takes.

    The more care, the more a plan is judged by what is left after the target's share of its spend, so the less is spent.
    The result errs on the side of the target; for concave curves it is the best plan (strong duality).

    Raises:
        SettingsError: no plan within the limits brings the target.
    """

    def at(care: float, starts: list[np.ndarray]) -> tuple[Aimed, Found, float]:
        """The problem, its best plan, and what that leaves after the target's share, in currency."""
        mixed = aimed._replace(care=care, charge=care * target)
        found = search(mixed.objective, inside, starts)
        spent = kept_spend + float(mixed.cost_per_variable() @ found.variables)
        return mixed, found, aimed.value * mixed.mean(found.variables) - target * spent

    free, careful = at(0.0, starts), at(1.0, starts)
    if free[2] >= 0:
        return free[:2]
    if careful[2] < -1e-6 * aimed.scale:
        raise SettingsError(
            f"no plan within the bounds brings target_roi {target:g}: even the one that comes nearest lacks {-careful[2]:,.6g} "
            "in currency; lower the target or the least spend"
        )
    low, high, best = 0.0, 1.0, careful
    for _ in range(HALVINGS):
        care = (low + high) / 2
        tried = at(care, [best[1].variables, careful[1].variables] if len(starts) > 1 else [best[1].variables])
        if tried[2] >= 0:
            high, best = care, tried
        else:
            low = care
        if 0 <= best[2] <= 1e-6 * aimed.scale:
            break
    return best[:2]


def aimed_at(plan: Plan, reaches: tuple[Reach, ...], aim: Aim, value: float, charge: float) -> Aimed:
    """The problem, scaled by what the current plan is worth."""
    aimed = Aimed(plan, reaches, aim, value, 0.0, charge, 1.0)
    worth = value * abs(aimed.mean(plan.now()))
    return aimed._replace(scale=max(worth, 1e-12 * (float(plan.spend.sum()) + 1.0)))


def starts_of(aimed: Aimed, inside: Polytope, seed: int) -> list[np.ndarray]:
    """The plan near the current one; for problems with several tops corners of the limits as well."""
    near = nearest_plan(inside, aimed.plan.now())
    steep = any(reach.kind == "hill" and (reach.slope > 1).any() for reach in aimed.reaches)
    if aimed.aim.is_mean and not steep:
        return [near]
    generator = np.random.default_rng(seed)
    corners = [corner(inside, generator.normal(size=len(near)) * aimed.cost_per_variable()) for _ in range(STARTS - 1)]
    # A Hill curve is flat at nothing: a little of the near plan shows every tactical's worth.
    return [near, *(far + 0.1 * (near - far) for far in corners if far is not None)]


def promising(aimed: Aimed, few: tuple[Reach, ...], inside: Polytope, starts: list[np.ndarray]) -> list[np.ndarray]:
    """Where the starts lead to on few draws: the two best of them, to be started from on more draws."""
    found = [search(aimed._replace(reaches=few).objective, inside, [start]) for start in starts]
    return [one.variables for one in sorted(found, key=lambda one: -one.value)[:2]]
