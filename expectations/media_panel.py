"""What a media panel must hold: the suite from the schema, and what people know about media.

One row per period. Exposure, spend and controls are planned, so rows after the last known target need them as well; the
other metrics (clicks, conversions) are measured and may end with the target. Spend that never shows as exposure is a
join gone wrong.
"""

from datetime import date
from typing import ClassVar

from expectations.check import Check, place
from expectations.from_schema import bounds, calendar_checks, known
from expectations.history.profile import Profile
from expectations.history.suite import age_checks, champion_checks, unit_checks, zero_checks
from expectations.lags import ExpectMetricsToTrail
from expectations.leakage.suite import leakage_checks
from expectations.media_costs import ExpectSpendAndExposureTogether, ExpectSteadyCost
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import Finding, PanelView, several
from hierforecast.schema import MediaPanel


class ExpectSpendToShow(PanelExpectation):
    """Every tactical with spend has exposure in some period.

    Args:
        pairs: per tactical its spend column and its exposure column.
    """

    pairs: dict[str, list[str]]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "pairs")

    def find(self, view: PanelView) -> Finding:
        """Tacticals that cost money and were never seen."""
        columns = dict.fromkeys(column for pair in self.pairs.values() for column in pair)
        seen = {column: bool((view.frame[column] > 0).any()) for column in columns}
        unseen = [name for name, (spend, exposure) in self.pairs.items() if seen[spend] and not seen[exposure]]
        if not unseen:
            paid = sum(seen[spend] for spend, _ in self.pairs.values())
            return Finding(f"{several(paid, 'tactical')} with spend, each with exposure" if paid else "no tactical has spend")
        return Finding(f"{several(len(unseen), 'tactical')} with spend and no exposure at all", len(unseen), tuple(unseen)[:10])


def content_checks(panel: MediaPanel, *, earlier: Profile | None = None, today: date | None = None) -> list[Check]:
    """Checks on a typed copy whose structure holds."""
    target = panel.target.name
    checks = [bounds(target, 0, None, "the target cannot be negative", needed=True), known(panel, target, 0)]
    checks += [known(panel, name, None) for name in panel.controls]
    for column, until in _media_columns(panel).items():
        checks += [bounds(column, 0, None, "media cannot be negative", needed=True), known(panel, column, until)]
    checks += calendar_checks(panel)
    if panel.spend:
        checks.append(_spend_shows(panel))
        checks += _costs(panel)
    exposures = panel.metric_columns(panel.exposure_metric)
    checks += unit_checks(panel, priced=[], others=[*panel.controls, *exposures])
    checks += zero_checks(panel, moving=[target, *panel.controls, *exposures])
    checks += [*age_checks(panel, today), *champion_checks(panel, earlier)]
    return [*checks, *_leakage(panel), _lags(panel)]


def _media_columns(panel: MediaPanel) -> dict[str, int | None]:
    """Every column of metrics and spend once, with the period up to which it must be known; spend may be the exposure."""
    measured = {column: 0 for metric in panel.metrics for column in panel.metric_columns(metric)}
    planned = [*panel.metric_columns(panel.exposure_metric), *panel.spend_columns()]
    return measured | dict.fromkeys(planned, None)


def _spend_shows(panel: MediaPanel) -> Check:
    expectation = ExpectSpendToShow(pairs=_pairs(panel), **place(panel))
    return Check("spend_shows", "every tactical with spend has exposure", expectation)


def _costs(panel: MediaPanel) -> list[Check]:
    """Spend and exposure by period; where they are the same columns there is nothing to compare."""
    pairs, where, limit = _pairs(panel), place(panel), panel.checks.max_jump
    if all(paid == seen for paid, seen in pairs.values()):
        return []
    unseen = ExpectSpendAndExposureTogether(pairs=pairs, missing="exposure", **where)
    unpaid = ExpectSpendAndExposureTogether(pairs=pairs, missing="spend", **where)
    sentence = f"an exposure costs at most {limit:g} times its tactical's median, and no less than 1/{limit:g} of it"
    return [
        Check("unseen_spend", f"no tactical has spend in a {panel.frequency} without exposure", unseen, severity="warn"),
        Check("unpaid_exposure", f"no paid tactical is seen in a {panel.frequency} without spend", unpaid, severity="warn"),
        Check("exposure_cost", sentence, ExpectSteadyCost(pairs=pairs, limit=limit, **where), severity="warn"),
    ]


def _pairs(panel: MediaPanel) -> dict[str, list[str]]:
    """Per tactical its spend column and its exposure column."""
    exposures = panel.metric_columns(panel.exposure_metric)
    return {name: [paid, seen] for name, paid, seen in zip(panel.tacticals, panel.spend_columns(), exposures, strict=True)}


def _leakage(panel: MediaPanel) -> list[Check]:
    lags = dict.fromkeys([*panel.controls, *panel.spend_columns()], 0)
    for name, metric in panel.metrics.items():
        lags |= dict.fromkeys(panel.metric_columns(name), metric.lag)
    return leakage_checks(panel, lags, "medium or control")


def _lags(panel: MediaPanel) -> Check:
    exposure = panel.exposure_metric
    shown = dict(zip(panel.tacticals, panel.metric_columns(exposure), strict=True))
    columns = {name: panel.metric_columns(name) for name in panel.metrics if name != exposure}
    metrics = {name: own for name, own in columns.items() if own}
    exposures = {name: [shown[tactical] for tactical in _tacticals(panel, name)] for name in metrics}
    lags = {name: panel.metrics[name].lag for name in metrics}
    expectation = ExpectMetricsToTrail(exposures=exposures, metrics=metrics, lags=lags, **place(panel))
    return Check("lags", f"no metric moves before {exposure}, the exposure it stands for", expectation)


def _tacticals(panel: MediaPanel, metric: str) -> list[str]:
    """The tacticals that have a metric, in the order of its columns."""
    own, pattern = set(panel.metric_columns(metric)), panel.metrics[metric].column
    return [name for name in panel.tacticals if pattern.format(tactical=name, metric=metric) in own]
