"""A column that is declared to be the lag of another is that lag.

Where a driver says `lag_of: units, lag_periods: 1`, x[t] = units[t - 1] in 99.9 % of the rows that know both. Where it is not,
the lag that it really is is looked for, from 8 periods ahead to 8 beyond the declared one and the seasons of a year.
"""

from typing import ClassVar

import numpy as np

from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import Finding, PanelView, several
from expectations.within_series import ahead

SAME, MIN_ROWS = 0.999, 4
_AROUND = 8
_SEASONS = (12, 24, 52, 53, 104)


class ExpectDeclaredLag(PanelExpectation):
    """A driver equals another column of the declared number of periods ago.

    Args:
        column: the driver.
        lag_of: the column that it is the lag of.
        lag_periods: how many periods ago.
    """

    column: str
    lag_of: str
    lag_periods: int
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "column", "lag_of", "lag_periods")

    def find(self, view: PanelView) -> Finding:
        """Rows in which the driver is not the declared lag."""
        order = view.ordered
        values, source = (view.frame[name].to_numpy(dtype=float)[order.rows] for name in (self.column, self.lag_of))
        declared = several(self.lag_periods, view.frequency)
        lagged = self._source(view, source, self.lag_periods)
        known = np.isfinite(lagged) & np.isfinite(values)
        if known.sum() < MIN_ROWS:
            count = int(known.sum())
            rows = f"only {several(count, 'row')}" if count else "no rows"
            know = "knows" if count == 1 else "know"
            return Finding(f"{self.column!r} cannot be judged: {rows} {know} it and {self.lag_of!r} of {declared} before")
        differ = known & ~_close(values, lagged)
        share = 1 - differ.sum() / known.sum()
        if share >= SAME:
            return Finding(f"{self.column!r} is {self.lag_of!r} of {declared} ago in {share:.1%} of {int(known.sum()):,} rows")
        rows = np.sort(order.rows[differ])
        truth = self._true_lag(view, values, source)
        told = f"is {self.lag_of!r} of {self._when(view, truth)}" if truth is not None else self._no_lag(share, declared)
        cure = "Correct lag_periods, or make the column anew"
        if truth is not None and truth <= 0:
            cure = "Make the column anew from the past: this one is not known when the forecast is made"
        return Finding(f"{self.column!r} {told}, declared {self.lag_periods}. {cure}", int(differ.sum()), view.keys(rows))

    def _source(self, view: PanelView, source: np.ndarray, lag: int) -> np.ndarray:
        """(rows,) the source of `lag` periods ago, below 0 of later."""
        order = view.ordered
        if lag <= 0:
            return ahead(source, order.series, order.periods, -lag)
        earlier = np.full(len(source), np.nan)
        if lag < len(source):
            same = (order.series[lag:] == order.series[:-lag]) & (order.periods[lag:] - order.periods[:-lag] == lag)
            earlier[lag:] = np.where(same, source[:-lag], np.nan)
        return earlier

    def _true_lag(self, view: PanelView, values: np.ndarray, source: np.ndarray) -> int | None:
        shares = {}
        for lag in (*range(-_AROUND, self.lag_periods + _AROUND + 1), *_SEASONS):
            lagged = self._source(view, source, lag)
            known = np.isfinite(lagged) & np.isfinite(values)
            if known.sum() >= MIN_ROWS:
                shares[lag] = float(_close(values[known], lagged[known]).mean())
        best = max(shares, key=shares.__getitem__, default=None)
        return best if best is not None and best != self.lag_periods and shares[best] >= 0.99 else None

    def _when(self, view: PanelView, lag: int) -> str:
        return f"{several(-lag, view.frequency)} ahead" if lag < 0 else f"{several(lag, view.frequency)} ago"

    def _no_lag(self, share: float, declared: str) -> str:
        return f"is {self.lag_of!r} of {declared} ago in {share:.1%} of the rows only, and no other lag of it"


def _close(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.isclose(first, second, rtol=1e-6, atol=1e-9)
