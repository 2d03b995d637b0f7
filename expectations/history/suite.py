"""Suites about what was: units, zeros, age, and the data the champion was trained on."""

from datetime import date

from expectations.check import Check, place
from expectations.history.against_before import (
    ExpectDriversToStay,
    ExpectNodesToStay,
    ExpectNoStepBack,
    ExpectSamePast,
    ExpectUsualSize,
)
from expectations.history.freshness import ExpectFreshData, ExpectNothingFromTheFuture
from expectations.history.other_scale import ExpectSameScale
from expectations.history.plausibility import ExpectSameUnit
from expectations.history.profile import Profile, compared_columns
from expectations.history.stale import ExpectMovingValues
from expectations.history.supply import ExpectSalesAtTheEnd, ExpectSalesThroughout
from hierforecast.schema import MediaPanel, SalesPanel


def unit_checks(panel: SalesPanel | MediaPanel, *, priced: list[str], others: list[str]) -> list[Check]:
    """The target and columns read as prices keep their unit; of the others a jump is told, and another scale stops."""
    target, limit, where = panel.target.name, panel.checks.max_jump, place(panel)
    must = ExpectSameUnit(columns=[target, *priced], limit=limit, seasonal=[target], **where)
    named = ", ".join(map(repr, [target, *priced]))
    checks = [Check("unit_change", f"{named} keep their unit: no level of most series moves by a factor of {limit:g}", must)]
    if others:
        may = ExpectSameUnit(columns=others, limit=limit, seasonal=[], for_good=True, **where)
        sentence = f"no other driver moves to {limit:g} times its level in most series at once, for good"
        checks.append(Check("level_shift", sentence, may, severity="warn"))
        scale = f"no other driver goes to another scale for good, {limit * limit:g}-fold and with no value as before"
        checks.append(Check("scale_change", scale, ExpectSameScale(columns=others, gap=limit, **where)))
    return checks


def zero_checks(panel: SalesPanel | MediaPanel, *, moving: list[str]) -> list[Check]:
    """No period is empty, and columns that always move still do."""
    target, where, period = panel.target.name, place(panel), panel.frequency
    end = f"the last known {period} is not empty"
    throughout = f"no {period} before it is empty"
    still = f"no column that always moves stands still for {period}s"
    return [
        Check("zero_end", end, ExpectSalesAtTheEnd(target=target, **where), panel.period),
        Check("zero_periods", throughout, ExpectSalesThroughout(target=target, **where), panel.period, severity="warn"),
        Check("stale", still, ExpectMovingValues(target=target, columns=moving, **where), severity="warn"),
    ]


def age_checks(panel: SalesPanel | MediaPanel, today: date | None) -> list[Check]:
    """Nothing is known of the future, and the past is not too long ago."""
    target, where, limit = panel.target.name, place(panel), panel.checks.max_age
    day = today.isoformat() if today else None
    fresh = f"{target!r} is known up to {limit} {panel.frequency}s before today" if limit is not None else "the data are fresh"
    return [
        Check(
            "future",
            f"{target!r} is known for no {panel.frequency} after today",
            ExpectNothingFromTheFuture(target=target, today=day, **where),
            panel.period,
        ),
        Check("freshness", fresh, ExpectFreshData(target=target, max_age=limit, today=day, **where), panel.period),
    ]


def champion_checks(panel: SalesPanel | MediaPanel, earlier: Profile | None) -> list[Check]:
    """The panel beside the one that the champion was trained on; a champion of another target or frequency is no measure."""
    target, where, limits = panel.target.name, place(panel), panel.checks
    if earlier and (earlier.target, earlier.frequency) != (target, panel.frequency):
        earlier = None
    same_levels = earlier is not None and set(earlier.counts) == set(where["levels"])
    back = ExpectNoStepBack(target=target, last=earlier.last if earlier else None, **where)
    past = ExpectSamePast(target=target, totals=earlier.totals if earlier else None, **where)
    usual = earlier.rows_per_period if same_levels else None
    size = ExpectUsualSize(target=target, limit=limits.max_row_change, usual=usual, **where)
    nodes = ExpectNodesToStay(names={k: list(v) for k, v in earlier.names.items()} if earlier else None, **where)
    before = (
        {name: earlier.columns[name].model_dump() for name in compared_columns(panel) if name in earlier.columns}
        if earlier
        else None
    )
    moved = ExpectDriversToStay(target=target, limit=limits.max_drift, before=before, **where)
    return [
        Check("backwards", "the data reach at least as far as the champion's did", back, panel.period),
        Check("rewritten", f"the past the champion was trained on has the same totals of {target!r}", past, severity="warn"),
        Check("row_change", f"rows per {panel.frequency} differ by at most {limits.max_row_change:.0%}", size, severity="warn"),
        Check("lost_nodes", "every node that the champion knows is there", nodes, severity="warn"),
        Check("drift", f"no driver has moved by an index above {limits.max_drift:g}", moved, severity="warn"),
    ]
