"""Which spend per tactical brings most: a fixed budget spread anew, or as much spend as still pays.

    fixed budget            maximise aim(R(x))                          sum of spend = budget
    target marginal ROI     maximise value aim(R(x)) - target spend(x)  the last currency unit brings the target
    target ROI              maximise aim(R(x))                          value mean R(x) >= target spend(x)

R_d(x) is what the paid exposures of the window bring under draw d, in the window and later (`effects`). By "total" the
flighting of every tactical stays and is multiplied; by "week" every week of every tactical is free, at a constant cost per
exposure. Tacticals without spend or exposure in the window are kept as they are.

The answer is never worse than the current plan where that one keeps the limits: the current plan is one of the candidates, and
candidates are compared on all draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.errors import SettingsError
from hierforecast.precision.budget import plan_search
from hierforecast.precision.budget.aims import Aim
from hierforecast.precision.budget.outcome import Outcome, TacticalOutcome
from hierforecast.precision.budget.plan_search import Found
from hierforecast.precision.budget.problem import aimed_at, plan_of, promising, reach_target, starts_of
from hierforecast.precision.budget.spend_limits import CLOSE, Bound, Rows, spend_rows, total_row
from hierforecast.precision.effects import check_spend, check_window, reach_of
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.intervals import central_interval, thinned
from hierforecast.precision.nodes import all_nodes
from hierforecast.precision.response import Coefficients, Weeks

ROUGH_DRAWS = 100  # for finding out which of several starts are worth following


class Expected(NamedTuple):
    """Posterior mean and central interval, in target units."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class BudgetPlan:
    """The best plan that was found, beside the current one.

    Args:
        table: spend, contribution and returns per node before and after, in the columns of `results.BUDGET`.
        spend: (weeks, tacticals) currency; outside the window as given.
        media: (tacticals, weeks) exposures of the plan in multiples of a typical on-air week, for a scenario.
        before: contribution of the current plan.
        after: contribution of the new plan.
        difference: after less before, draw by draw.
        probability_better: share of draws under which the new plan brings more.
        bounds: columns node, lower, spend, upper, binds ("", "lower", "upper" or "both"), one row per bound.
        kept: tacticals that were kept as they are, because spend or exposure is missing.
        converged: whether no other plan can bring more than `gap`, as far as curves are concave.
        gap: in the unit of what is maximised: what any plan could at most have more.
        message: one sentence for people.
    """

    table: pd.DataFrame
    spend: np.ndarray
    media: np.ndarray
    before: Expected
    after: Expected
    difference: Expected
    probability_better: float
    bounds: pd.DataFrame
    kept: tuple[str, ...]
    converged: bool
    gap: float
    message: str


def optimise_budget(
    coefficients: Coefficients,
    weeks: Weeks,
    spend: np.ndarray,
    hierarchy: Hierarchy,
    *,
    window: np.ndarray | None = None,
    budget: float | None = None,
    target_marginal_roi: float | None = None,
    target_roi: float | None = None,
    bounds: Sequence[Bound] = (),
    each: tuple[float, float] = (0.0, 2.0),
    by: Literal["total", "week"] = "total",
    aim: Aim | None = None,
    value: float = 1.0,
    cost: np.ndarray | None = None,
    interval: float = 0.9,
    most_draws: int = 500,
    seed: int = 0,
) -> BudgetPlan:
    """Choose the spend of every tactical in the window.

    Args:
        coefficients: draws.
        weeks: the weeks, with those before them; the media hold the current plan.
        spend: (weeks, tacticals) current plan, currency.
        hierarchy: the media tree.
        window: (weeks,) bool, the weeks to be planned; all if not given.
        budget: currency that the window spends, exactly. Without it and without a target, the current plan's.
        target_marginal_roi: instead of a budget: spend as long as one more currency unit brings this much.
        target_roi: instead of a budget: the most contribution whose spend as a whole brings at least this much.
        bounds: limits of nodes of any level, and of the "total".
        each: least and most spend of every tactical in multiples of its current spend in the window, where `bounds` say
            nothing of it. Beyond twice the current spend there are usually no data that could tell.
        by: one multiplier per tactical ("total"), or every week free ("week").
        aim: what a plan is judged by; the posterior mean if not given.
        value: currency per target unit, for the targets and returns; 1 where the target is revenue.
        cost: (tacticals,) currency per typical on-air week of exposure, by "week"; the window's own mean if not given.
        interval: coverage of lower..upper.
        most_draws: draws for searching; all draws are used for what is reported.
        seed: of the starts, where several are needed.

    Raises:
        PanelError: spend or window do not fit the weeks.
        SettingsError: unknown nodes, bounds that contradict each other or the budget, several of budget and targets, or
            nothing that could be changed.
    """
    aim = aim or Aim()
    spend, window = check_spend(spend, weeks), check_window(window, weeks)
    budget = _one_purpose(budget, target_marginal_roi, target_roi, float(spend[window].sum()))
    plan = plan_of(weeks, spend, window, by, cost, hierarchy)
    rows = spend_rows(bounds, each, hierarchy, plan.spend, plan.spend_per, plan.free, plan.by_week)
    if budget is not None:
        rows = total_row(rows, plan.spend, plan.spend_per, plan.free, plan.by_week, budget)
    inside = plan_search.polytope_of(rows)
    if plan_search.corner(inside, np.ones(len(inside.least))) is None:
        raise SettingsError(
            "without a budget spend needs an end: give `each` an upper multiple, or a Bound with upper on 'total'"
        )
    few = coefficients.take(thinned(len(coefficients.noise), most_draws))
    reaches = tuple(reach_of(place, few, weeks, window) for place in np.flatnonzero(plan.free))
    aimed = aimed_at(plan, reaches, aim, value, target_marginal_roi or 0.0)
    starts = starts_of(aimed, inside, seed)
    if target_roi is None:
        if len(starts) > 1:
            rough = coefficients.take(thinned(len(coefficients.noise), min(ROUGH_DRAWS, most_draws)))
            screened = tuple(reach_of(place, rough, weeks, window) for place in np.flatnonzero(plan.free))
            starts = [starts[0], *promising(aimed, screened, inside, starts)]
        found = plan_search.search(aimed.objective, inside, starts)
    else:
        aimed, found = reach_target(aimed, inside, starts, target_roi, float(plan.spend[~plan.free].sum()))
    outcome = Outcome(coefficients, weeks, spend, window, plan)
    before, after = outcome.compare(found.variables)
    worth = [_worth(one, aim, value, target_marginal_roi, target_roi) for one in (before, after)]
    kept = rows.kept_by(plan.now()) and worth[0] > worth[1]
    chosen = plan.now() if kept else found.variables
    return BudgetPlan(
        table=_node_table(before, before if kept else after, hierarchy, value),
        **_compared(before, before if kept else after, interval),
        **dict(zip(("spend", "media"), outcome.whole(None if kept else chosen), strict=True)),
        bounds=_bounds_table(rows, chosen),
        kept=tuple(name for name, free in zip(hierarchy.tacticals, plan.free, strict=True) if not free),
        converged=found.gap <= plan_search.CONVERGED * max(abs(found.value), 1e-3),
        gap=found.gap * aimed.scale,
        message=_message(kept, before, after, found, aimed.scale),
    )


def _one_purpose(budget: float | None, marginal: float | None, roi: float | None, current: float) -> float | None:
    """The fixed budget, if it is one. Raises SettingsError where several purposes are named or a target is not > 0."""
    named = [
        name
        for name, given in (("budget", budget), ("target_marginal_roi", marginal), ("target_roi", roi))
        if given is not None
    ]
    if len(named) > 1:
        raise SettingsError(f"name one of budget, target_marginal_roi and target_roi, got {' and '.join(named)}")
    for name, target in (("target_marginal_roi", marginal), ("target_roi", roi)):
        if target is not None and not (np.isfinite(target) and target > 0):
            raise SettingsError(f"{name} must be a return > 0, e.g. 1 to earn what is spent; got {target}")
    return current if not named else budget


def _worth(one: TacticalOutcome, aim: Aim, value: float, marginal: float | None, roi: float | None) -> float:
    """What a plan is worth on all draws, in currency; nothing where it misses the target ROI."""
    brought, spent = one.contribution[:, one.spend > 0].sum(axis=1), float(one.spend.sum())
    if roi is not None and value * float(brought.mean()) < roi * spent * (1 - 1e-6):
        return float("-inf")
    return value * aim.judge(brought)[0] - (marginal or 0.0) * spent


def _compared(before: TacticalOutcome, after: TacticalOutcome, interval: float) -> dict[str, Any]:
    now, then = (one.contribution[:, one.spend > 0].sum(axis=1) for one in (before, after))
    return {
        "before": _expected(now, interval),
        "after": _expected(then, interval),
        "difference": _expected(then - now, interval),
        "probability_better": float((then > now).mean()),
    }


def _node_table(before: TacticalOutcome, after: TacticalOutcome, hierarchy: Hierarchy, value: float) -> pd.DataFrame:
    """Means per node, as in the ROI table: what was not paid for counts for no node above it."""
    rows = []
    for level, node, mask in all_nodes(hierarchy):
        told: list[float] = []
        is_leaf = level == hierarchy.levels[0]
        for one in (before, after):
            counted = mask & ((one.spend > 0) | is_leaf)
            spent, brought = float(one.spend[counted].sum()), float(one.contribution[:, counted].mean(axis=0).sum())
            priced = float(one.direction_spend[counted].sum())
            slope = float(one.slope[:, counted].mean(axis=0).sum())
            told += [spent, brought, _over(value * brought, spent), _over(value * slope, priced)]
        rows.append((level, node, *(told[place] for place in (0, 4, 1, 5, 2, 6, 3, 7))))
    return pd.DataFrame(rows, columns=list(results.BUDGET.columns))


def _bounds_table(rows: Rows, variables: np.ndarray) -> pd.DataFrame:
    spend, room = rows.spend(variables), 10 * CLOSE * rows.size
    lower, upper = spend <= rows.lower + room, spend >= rows.upper - room
    binds = np.select([lower & upper, lower, upper], ["both", "lower", "upper"], "")
    return pd.DataFrame({"node": rows.names, "lower": rows.lower, "spend": spend, "upper": rows.upper, "binds": binds})


def _message(kept: bool, before: TacticalOutcome, after: TacticalOutcome, found: Found, scale: float) -> str:
    if kept:
        return "the current plan is kept: no other was found that is worth more on all draws"
    now, then = (float(one.contribution[:, one.spend > 0].sum(axis=1).mean()) for one in (before, after))
    return (
        f"spend {before.spend.sum():,.6g} -> {after.spend.sum():,.6g}, expected contribution {now:,.6g} -> {then:,.6g}; "
        f"where curves are concave, no plan is worth more than {found.gap * scale:,.3g} beyond this one"
    )


def _expected(draws: np.ndarray, interval: float) -> Expected:
    lower, upper = central_interval(draws, interval)
    return Expected(float(draws.mean()), float(lower), float(upper))


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
