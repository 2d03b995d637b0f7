"""A fitted model and what it says about rows; everything here is NumPy."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.design import Design
from hierforecast.hiref.columns.rows import Rows, read_rows, refuse_far
from hierforecast.hiref.columns.target import roll_forward
from hierforecast.hiref.intervals.past import PastErrors, measure_nodes, measure_series
from hierforecast.hiref.intervals.yardstick import Yardstick
from hierforecast.hiref.link import Link
from hierforecast.hiref.prediction import predict, weigh
from hierforecast.hiref.recent.chain import Chain
from hierforecast.hiref.regression.effects import Parameters, SeriesEffects, effects_of

__all__ = ["Answer", "Fit", "weigh"]


class Answer(NamedTuple):
    """What the model says about the rows of a panel, on the link scale and in the rows' sorted order.

    Args:
        rows: the rows.
        codes: (series of the panel, levels) node codes, negative where unseen.
        series: (series of the panel,) training series, negative where new.
        effects: of the panel's series.
        X: (rows, columns) the design.
        level: (rows,) recent level, on the scale on which the baseline adds up.
        value: (rows,) everything together; under the mixed link in units.
        grown: (rows,) under the mixed link, log of what the drivers are added to, recent level included; None otherwise.
    """

    rows: Rows
    codes: np.ndarray
    series: np.ndarray
    effects: SeriesEffects
    X: np.ndarray
    level: np.ndarray
    value: np.ndarray
    grown: np.ndarray | None = None


@dataclass(frozen=True)
class Fit:
    """Everything that training leaves behind.

    Args:
        design: how columns are made.
        hierarchy: nodes and series of training.
        parameters: of the regression.
        intercepts: (series,) each series' own, on the link scale.
        link: with its stand-in for zero.
        level: the recent-level term, or None where it did not help or was not wanted.
        factors: (series,) from what the value says in units to the mean.
        factor: the same for a new series.
        middles: (series,) from what the value says in units to the median; a new series has their geometric mean.
        noise: (series,) sd of errors on the link scale.
        past: errors of forecasts from earlier origins, which intervals rest on.
        diagnostics: numbers about the training, JSON-ready.
        own: (series, columns) what each series adds to its effects; None where none has any of its own.
        errors: by level, "bottom" and "total": (nodes, columns) standard errors of mean effects, link scale.
    """

    design: Design
    hierarchy: Hierarchy
    parameters: Parameters
    intercepts: np.ndarray
    link: Link
    level: Chain | None
    factors: np.ndarray
    factor: float
    middles: np.ndarray
    noise: np.ndarray
    past: PastErrors
    diagnostics: dict[str, Any]
    own: np.ndarray | None = None
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    _yardsticks: dict[tuple[str, ...], Yardstick] = field(default_factory=dict, repr=False, compare=False)

    def answer(self, panel: pd.DataFrame, *, assumed: Collection[str] = ()) -> Answer:
        """Apply the model to rows of any series and period.

        Args:
            panel: levels, period and drivers; the target is not read.
            assumed: drivers whose values count after training too, although they are not known ahead.

        Raises:
            PanelError: the rows cannot be read, or a driver is missing, empty or infinite where it is needed.
        """
        settings = self.design.panel
        rows = read_rows(panel, settings.levels, settings.period, settings.frequency, origin=self.design.origin)
        refuse_far(rows, self.design.end, settings.period, settings.frequency)
        codes = self.hierarchy.codes(rows.keys)
        series = self.hierarchy.series_of(codes)
        X = self.design.matrix(panel, rows, series, assumed=assumed)
        effects = self.effects(codes, series)
        lags = self.design.target_lags
        baseline = effects.baseline + np.append(self.intercepts, 0.0)[series]
        here = series[rows.series]
        level = np.zeros(len(here))
        if self.level is not None:
            level = self.level.of(rows.period, here, codes[rows.series], self.hierarchy.levels)
        # Target lags are still 0 here: they are rolled forward with everything else.
        found = predict(self.link, X, rows.series, baseline, effects.total, self.design.first_driver).shifted(level)
        value = found.value
        if self.design.past:
            own, end = effects.total[:, lags], self.design.end
            rolled = roll_forward(self.design.past, rows, series, value, own, tuple(settings.target_lags), end)
            X[:, lags], value = rolled.columns, rolled.value
        return Answer(rows, codes, series, effects, X, level, value, found.grown)

    def effects(self, codes: np.ndarray, series: np.ndarray) -> SeriesEffects:
        """Baselines and effects of (series, levels) node codes that are (series,) training series, negative where new."""
        own = None if self.own is None else np.vstack([self.own, np.zeros(self.own.shape[1])])[series]
        return effects_of(self.parameters, codes, own)

    def forecast(self, answer: Answer, statistic: str) -> np.ndarray:
        """Mean or median in units, (rows,), never negative."""
        if statistic == "mean":
            factors = np.append(self.factors, self.factor)
        else:
            factors = np.append(self.middles, np.exp(np.log(self.middles).mean()))
        return np.maximum(self.link.back(answer.value) * factors[answer.series][answer.rows.series], 0.0)

    def bounds(self, answer: Answer, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of the prediction interval in units, (rows,) each.

        Args:
            answer: about the rows.
            coverage: nominal share of sales between the two.
        """
        yardstick, forecast = self._series_yardstick, self.forecast(answer, "mean")
        new = answer.series[answer.rows.series] < 0  # whose size is itself a guess
        size = np.where(new, np.nan, np.log(np.maximum(forecast, 1e-9)))
        below, above = yardstick.quantiles.ends(size, coverage)
        known, beyond = self._noise_of(answer)
        scale = np.sqrt((known**2 + beyond**2)[answer.rows.series] * yardstick.grown(self.horizon(answer)))
        lower = np.maximum(self.link.moved(answer.value, below * scale), 0.0)
        upper = np.maximum(self.link.moved(answer.value, above * scale), 0.0)
        if self.link.name == "log":
            lower = np.where(lower <= self.link.floor, 0.0, lower)  # which stands for a zero there
        return lower, upper

    def variances(self, answer: Answer) -> tuple[np.ndarray, np.ndarray]:
        """Of each row, (rows,), its own noise variance, units squared, and the sd, units, of what is not known of a new node.

        The former cancels out in sums; the latter does not, because rows of a new node are off together.
        """
        forecast, place = self.forecast(answer, "mean"), answer.rows.series
        known, new = (self.link.in_units(noise[place], forecast) for noise in self._noise_of(answer))
        return known**2, new

    def yardstick(self, levels: tuple[str, ...]) -> Yardstick:
        """How far off sums at the nodes of some levels may be; of none at the total."""
        if levels not in self._yardsticks:
            past, places = self.past, [self.hierarchy.levels.index(level) for level in levels]
            nodes = np.unique(self.hierarchy.series[:, places], axis=0, return_inverse=True)[1].reshape(-1)
            own = self.link.in_units(self.noise[past.series], past.mean.astype(float)) ** 2
            nodes = nodes if levels else np.zeros(len(self.hierarchy.series), dtype=np.int64)
            self._yardsticks[levels] = measure_nodes(past, own, nodes, self._series_yardstick.growth)
        return self._yardsticks[levels]

    def horizon(self, answer: Answer) -> np.ndarray:
        """Periods after the end of training, (rows,); 0 and less within."""
        return answer.rows.period - self.design.end

    @cached_property
    def _series_yardstick(self) -> Yardstick:
        return measure_series(self.past)

    def _noise_of(self, answer: Answer) -> tuple[np.ndarray, np.ndarray]:
        """Noise sd per series of the panel, and the sd of what is not known of a new series or node."""
        common = np.sqrt(np.mean(self.noise**2))
        known = np.append(self.noise, common)[answer.series]
        variance = np.where(answer.series < 0, np.mean(self.intercepts**2), 0.0)
        start = 0
        for level, table in enumerate(self.parameters.embeddings.values()):
            weights = self.parameters.weights[start : start + table.shape[1]]
            spread = np.mean((table @ weights * self.parameters.target_scale) ** 2)
            variance = variance + np.where(answer.codes[:, level] < 0, spread, 0.0)
            start += table.shape[1]
        return known, np.sqrt(variance)
