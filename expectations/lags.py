"""Nothing is dated after it was known, and declared lags hold."""

from typing import ClassVar

import numpy as np

from expectations.grid import write_date
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several
from expectations.within_series import ahead, centre, changes, correlate

EARLIEST, LATEST = -4, 8  # periods by which a metric is tried to trail the exposure
CLEAR, BETTER = 0.5, 0.2  # correlation that counts as clear, and by how much a lead must beat every lag
MIN_PERIODS = 20


class ExpectValuesKnownInTime(PanelExpectation):
    """A measured driver (`known_ahead: false`) has no value that nobody could know yet.

    The law: sales are known a periods after the period they were made in has ended (`target.availability_lag: a`), so a
    panel that has plan rows and whose last known target is of period T is a panel of period T + 1 + a. What is known k
    periods later (`availability_lag: k`) is then known up to period T + 1 + a - k. With a = 0, a lag of 1 means as late
    as the target itself, a lag of 0 that the running period may be there already, a lag of 2 that the target's last
    period is still empty. A value after that is a forecast in disguise, and a model that trains on it promises what it
    cannot keep. A panel without plan rows was put together at some later day, and says nothing about this.

    Args:
        target: the column whose last known value is period T.
        lags: k, availability lag in periods of every measured driver.
        target_lag: a, that of the target, periods.
    """

    target: str
    lags: dict[str, int]
    target_lag: int = 0
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "lags", "target_lag")

    def find(self, view: PanelView) -> Finding:
        """Rows with a value later than it can be known."""
        if not self.lags:
            return Finding("every driver is declared known ahead: nothing to judge")
        last = view.last_known(self.target)
        if last is None or view.numbers.max() <= last:
            return Finding("no plan rows after the last known target: nothing to judge")
        found, keys, broken = [], [], np.zeros(len(view.frame), dtype=bool)
        for column, lag in self.lags.items():
            end = last + 1 + self.target_lag - lag
            early = view.frame[column].notna().to_numpy() & (view.numbers > end)
            if early.any():
                until = write_date(view.grid.date(end))
                found.append(f"{column!r} has values after {until}, {several(int(early.sum()), 'row')}")
                keys += [f"{key} ({column})" for key in view.keys(early)]
                broken |= early
        if not found:
            return Finding(f"{', '.join(map(repr, self.lags))}: empty where nobody can know the value yet")
        cure = "Leave these cells empty, declare known_ahead: true, or correct availability_lag"
        return Finding(f"{'; '.join(found)}. {cure}", int(broken.sum()), tuple(keys[:SHOWN_KEYS]))


class ExpectMetricsToTrail(PanelExpectation):
    """No media metric moves before the exposure it stands for.

    The law: summed over the tacticals that have both, the week-to-week changes of a metric are correlated with those of
    the exposure metric, the metric 4 periods earlier to 8 later. Clicks that fit best when they come before the
    impressions (r >= 0.5, and 0.2 above every lag from 0 on) were dated wrongly and would bring the future into the
    model. Where the clearest lag is another than the declared one, the finding says so; a lag declared longer than the
    true one costs freshness, not honesty, and does not stop a run.

    Args:
        exposures: per metric the exposure columns of the tacticals that have both.
        metrics: per metric its own columns, in the same order.
        lags: declared lag per metric, in periods.
    """

    exposures: dict[str, list[str]]
    metrics: dict[str, list[str]]
    lags: dict[str, int]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "exposures", "metrics", "lags")

    def find(self, view: PanelView) -> Finding:
        """Metrics that lead the exposure."""
        if not self.metrics:
            return Finding("one metric only: nothing to judge")
        judged = [self._judge(view, metric) for metric in self.metrics]
        early = [metric for metric, (_, leads) in zip(self.metrics, judged, strict=True) if leads]
        found = "; ".join(note for note, _ in judged) + (". Mend the dates of these columns" if early else "")
        return Finding(found, len(early), tuple(column for metric in early for column in self.metrics[metric])[:SHOWN_KEYS])

    def _judge(self, view: PanelView, metric: str) -> tuple[str, bool]:
        """What to say of a metric, and whether it leads the exposure."""
        declared = self.lags[metric]
        fit = _fit_by_lag(view, self.exposures[metric], self.metrics[metric], max(LATEST, declared))
        best = max(fit, key=fit.__getitem__, default=0)
        if not fit or fit[best] < CLEAR:
            return f"{metric!r}: no clear relation at any lag", False
        if best < 0 and fit[best] >= BETTER + max(r for lag, r in fit.items() if lag >= 0):
            at_declared = f"{fit.get(declared, 0.0):.2f} at its declared lag of {declared}"
            when = several(-best, view.frequency)
            return f"{metric!r} comes {when} before the exposure (r {fit[best]:.2f}; {at_declared})", True
        other = "" if best == declared else f", declared are {declared}"
        return f"{metric!r} trails by {several(max(best, 0), view.frequency)} (r {fit[best]:.2f}){other}", False


def _fit_by_lag(view: PanelView, exposures: list[str], columns: list[str], latest: int) -> dict[int, float]:
    """Correlation of changes by the lag of the metric behind the exposure; lags with too few pairs are left out."""
    order = view.ordered
    exposure, metric = (
        changes(view.frame[names].to_numpy(dtype=float).sum(axis=1)[order.rows], order.series, order.periods)
        for names in (exposures, columns)
    )
    fit = {}
    for lag in range(EARLIEST, latest + 1):
        leading, trailing = (exposure, metric) if lag >= 0 else (metric, exposure)
        later = ahead(trailing, order.series, order.periods, abs(lag))
        if (np.isfinite(leading) & np.isfinite(later)).sum() >= MIN_PERIODS:
            fit[lag] = float(correlate(centre(leading, order.starts), centre(later, order.starts), order.starts).by_series[0])
    return fit
