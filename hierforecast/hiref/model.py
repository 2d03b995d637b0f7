"""The front door of HiReF: fit, predict, contributions, elasticities, simulate, save and load."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from hierforecast.errors import NotFittedError, PanelError, SettingsError, nearest
from hierforecast.hierarchy import BOTTOM, TOTAL
from hierforecast.hiref.answers.attribution import split
from hierforecast.hiref.columns.cells import as_numbers
from hierforecast.hiref.fit import Answer, Fit, weigh
from hierforecast.hiref.material import Material, from_panel
from hierforecast.hiref.minibatch.refusals import is_learned, refuse_unfit
from hierforecast.hiref.regression.effects import effects_of
from hierforecast.hiref.saving import pack, unpack
from hierforecast.hiref.selection.choosing import STABLE, Selection, choose_drivers
from hierforecast.model_folder import read_model_folder, write_model_folder
from hierforecast.options import Training
from hierforecast.results import (
    BASELINE,
    CHANGE,
    ELASTICITIES,
    FALLBACK,
    FORECAST,
    INTERACTION,
    LEVEL,
    LOWER,
    OUTSIDE,
    SEASON,
    UPPER,
    WHAT_IF,
)
from hierforecast.schema import Driver, Frequency, SalesPanel, Target

FAMILY = "hiref"

Change = float | Callable[[pd.Series], pd.Series]


class HiReF:
    """One regression for all series of a hierarchy, with effects that vary over its levels and keep their signs.

    Args:
        levels: key columns, any number, crossed or nested.
        drivers: numeric causes with sign, reference, transform and the levels their effect varies over.
        target: column to forecast, >= 0.
        period: date column.
        frequency: "day", "week" or "month".
        link: "log" makes effects multiplicative (elasticities for log drivers), "identity" additive.
        statistic: what `forecast` is: "mean" sums up over series, "median" is nearest in absolute error.
        horizon: periods forecast ahead; as many are held out to set intervals.
        training: sizes, strengths, season, trend, seed.

    Raises:
        SettingsError: a name is repeated, unknown or reserved.

    Example:
        >>> drivers = [Driver("price", sign="-", transform="log", reference="regular_price", by=("brand",))]
        >>> model = HiReF(["state", "brand"], drivers, target="units", period="week")
    """

    def __init__(
        self,
        levels: Sequence[str],
        drivers: Sequence[Driver],
        *,
        target: str,
        period: str = "week",
        frequency: Frequency = "week",
        link: str = "log",
        statistic: str = "mean",
        horizon: int = 13,
        training: Training = Training(),  # noqa: B008  frozen
    ) -> None:
        try:
            panel = SalesPanel(
                levels=list(levels),
                drivers=list(drivers),
                target=Target(name=target),
                period=period,
                frequency=frequency,
                link=link,
                statistic=statistic,
                horizon=horizon,
            )
        except ValidationError as error:
            told = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
            raise SettingsError(f"HiReF cannot be set up: {told}") from None
        self._set_up(panel, training)

    def _set_up(self, panel: SalesPanel, training: Training) -> None:
        for level in training.season_by or ():
            if level not in panel.levels:
                raise SettingsError(f"training.season_by names the level {level!r}; {nearest(level, panel.levels)}")
        refuse_unfit(panel, training)
        self.panel, self.training = panel, training
        self._fit: Fit | None = None

    @classmethod
    def from_panel_settings(cls, panel: SalesPanel, training: Training) -> "HiReF":
        """A model as a company's settings declare it. Raises SettingsError as the constructor does."""
        model = cls.__new__(cls)
        model._set_up(panel, training)
        return model

    def select_drivers(
        self, panel: pd.DataFrame, *, keep: Sequence[str] = (), stable: float = STABLE, seed: int = 7
    ) -> Selection:
        """Which of the declared drivers are worth having, how surely, and over which levels each one's effect varies.

        A group-lasso path within series and blocks of time, judged on later blocks, and stability selection over halves
        of the blocks (Meinshausen & Bühlmann 2010, doi:10.1111/j.1467-9868.2010.00740.x). Nothing is fitted or changed:
        make a model of `Selection.drivers`.

        Args:
            panel: as for `fit`.
            keep: drivers that stay whatever the data say, e.g. ``("price",)``.
            stable: share of halves in which a driver must be found.
            seed: of the halves.

        Raises:
            SettingsError: `keep` names no driver.
            PanelError: the panel does not fit what was declared, or is too short to be cut into blocks of time.
        """
        data = from_panel(panel, self.panel, self.training)
        return choose_drivers(data, self.panel, keep=keep, stable=stable, seed=seed)

    def fit(self, panel: pd.DataFrame, *, checkpoint: str | Path | None = None) -> "HiReF":
        """Learn from the rows whose target is known; rows without one, the plan, are ignored.

        Args:
            panel: levels, period, target and drivers.
            checkpoint: a folder in which the rows engine keeps every epoch; where a killed fit left one, the same fit
                goes on from it and ends the same. It may be deleted afterwards.

        Raises:
            PanelError: the panel does not fit what was declared; the message names column, rows and cure.
            SettingsError: the device that `training.rows` names is absent, or a checkpoint is wanted on moments.
            ModelFolderError: the checkpoint belongs to another fit.
        """
        from hierforecast.hiref.fitting import fit_material  # torch comes in here, so that forecasting starts without it

        began = time.perf_counter()
        if checkpoint is not None and self.training.engine != "rows":
            raise SettingsError("fit(checkpoint=...) is for training.engine 'rows'; moments are fitted in one go")
        folder = Path(checkpoint) if checkpoint is not None else None
        data = from_panel(panel, self.panel, self.training)
        if any(map(is_learned, self.panel.drivers)):
            from hierforecast.hiref.minibatch.learning import learn_curves

            known = panel[panel[self.panel.target.name].notna()]
            found = learn_curves(known, data, self.training, checkpoint=folder)
            data = from_panel(panel, found, self.training)
        self._fit = fit_material(data, self.panel, self.training, checkpoint=folder)
        self._fit.diagnostics["seconds"] = round(time.perf_counter() - began, 3)
        return self

    def fit_prepared(self, data: Material) -> "HiReF":
        """Learn from rows that were read before, so that many settings can share one reading.

        Args:
            data: `material.from_panel` of the training rows with this model's settings; on moments, strengths, sizes and
                levels may differ from those it was read with.
        """
        from hierforecast.hiref.fitting import fit_material

        self._fit = fit_material(data, self.panel, self.training)
        return self

    def predict(self, panel: pd.DataFrame, *, statistic: str | None = None) -> pd.DataFrame:
        """Forecast rows of any series and period; the target column is not read.

        Rows of the past get the level known just before them; adstock starts from nothing there, as in training, so
        give the past from its beginning. Rows after training go on from its end, whatever else the panel holds.

        Args:
            panel: levels, period and drivers.
            statistic: "mean" or "median"; None takes the declared one.

        Returns:
            Levels, period, `forecast`, `lower`, `upper` in target units, and `fallback`: "" or the comma-separated
            levels whose node was not in training, so that the forecast rests on the other levels. Rows and index as given.

        Raises:
            NotFittedError: before `fit`.
            PanelError: a column is missing, or a driver is empty or infinite; no forecast is ever NaN.
        """
        fit = self._fitted()
        answer = fit.answer(panel)
        forecast = fit.forecast(answer, self._statistic(statistic))
        lower, upper = fit.bounds(answer)
        rows = answer.rows
        columns = {
            FORECAST: forecast,
            # A skewed mean can leave its median's interval; the interval then reaches out to it.
            LOWER: np.minimum(lower, forecast),
            UPPER: np.maximum(upper, forecast),
            FALLBACK: self._fallback(answer)[rows.series],
        }
        return self._keys(panel).assign(**{name: rows.unsort(values) for name, values in columns.items()})

    def contributions(self, panel: pd.DataFrame, *, statistic: str | None = None) -> pd.DataFrame:
        """Split each forecast into parts in target units; a row's parts sum to its forecast.

        Returns:
            Levels, period, `baseline` (with trend), `season`, `level` (recent level, where used), and per driver its
            name (the effect shared by all series) and, if its effect varies, "<driver> by hierarchy" (the rest).

        Raises:
            NotFittedError, PanelError: as `predict`.
        """
        fit = self._fitted()
        answer = fit.answer(panel)
        forecast = fit.forecast(answer, self._statistic(statistic))
        names, parts = self._parts(fit, answer)
        split_up = split(parts, answer.baseline, forecast, self.panel.link)
        table = pd.DataFrame(answer.rows.unsort(split_up), columns=[BASELINE, *names], index=panel.index)
        return pd.concat([self._keys(panel), table], axis=1)

    def series_effects(self) -> pd.DataFrame:
        """The total effect of every driver in every training series: levels and one column per driver, link scale."""
        fit = self._fitted()
        total = effects_of(fit.parameters, fit.hierarchy.series).total[:, fit.design.first_driver :]
        keys = {
            level: np.array(fit.hierarchy.nodes[level], dtype=object)[fit.hierarchy.membership(level)]
            for level in self.panel.levels
        }
        return pd.DataFrame(keys | {driver.name: total[:, place] for place, driver in enumerate(self.panel.drivers)})

    def elasticities(self, by: str | None = None) -> pd.DataFrame:
        """Mean effect on the link scale over the series of a node: an elasticity where link and driver are logs.

        Args:
            by: a level, "bottom" (every series, its nodes joined by " / ") or "total"; None gives every level and total.

        Returns:
            `driver`, `level`, `node`, `effect`, as in `results.ELASTICITIES`.

        Raises:
            PanelError: no such level.
        """
        valid = [*self.panel.levels, BOTTOM, TOTAL]
        if by is not None and by not in valid:
            raise PanelError(f"no level {by!r}; {nearest(by, valid)}")
        effects = self.series_effects()
        names = [driver.name for driver in self.panel.drivers]
        tables = []
        for level in [*self.panel.levels, TOTAL] if by is None else [by]:
            node = effects[level] if level in self.panel.levels else self._node_names(effects, level)
            means = effects[names].groupby(node.rename("node"), sort=True).mean().reset_index()
            tables.append(means.melt("node", var_name="driver", value_name="effect").assign(level=level))
        return pd.concat(tables, ignore_index=True)[list(ELASTICITIES.columns)]

    def simulate(self, panel: pd.DataFrame, changes: Mapping[str, Change] | None = None, **drivers: Change) -> pd.DataFrame:
        """What if a driver were different: ``model.simulate(plan, price=lambda p: 1.05 * p)``.

        Args:
            panel: rows as for `predict`.
            changes: per column its new value or a function of the old ones; for names that are no Python words.
            drivers: the same, by name.

        Returns:
            Levels, period, `forecast` as it stands, `what_if`, `change` between them in target units, and `outside`: ""
            or the comma-separated drivers that leave the range seen in training, where an answer is a guess. Beyond
            that range by more than half its width an effect grows no further.

        Raises:
            PanelError: a name is no driver; or as `predict`, of the changed panel.
        """
        fit = self._fitted()
        wanted = {**(changes or {}), **drivers}
        names = [driver.name for driver in self.panel.drivers]
        changed = panel.copy(deep=False)
        for name, change in wanted.items():
            if name not in names:
                raise PanelError(f"cannot change {name!r}, which is no driver; {nearest(name, names)}")
            if name not in panel.columns:
                raise PanelError(f"no column {name!r} to change; add it to the panel")
            changed[name] = (
                change(pd.Series(as_numbers(panel, name), index=panel.index, name=name)) if callable(change) else change
            )
        before, after = fit.answer(panel, assumed=wanted), fit.answer(changed, assumed=wanted)
        base, what_if = (fit.forecast(answer, self.panel.statistic) for answer in (before, after))
        outside = _joined(fit.design.outside(after.X), names)
        columns = {FORECAST: base, WHAT_IF: what_if, CHANGE: what_if - base, OUTSIDE: outside}
        return self._keys(panel).assign(**{name: after.rows.unsort(values) for name, values in columns.items()})

    def diagnostics(self) -> dict[str, Any]:
        """Numbers about the training, JSON-ready; `wrong_sign_share` is 0 by construction and counted all the same."""
        return dict(self._fitted().diagnostics)

    def save(self, folder: str | Path) -> Path:
        """Write a readable folder, see `model_folder`. Raises NotFittedError, or ModelFolderError if it is in the way."""
        config, arrays = pack(self._fitted())
        return write_model_folder(folder, family=FAMILY, config=config, arrays=arrays)

    @classmethod
    def load(cls, folder: str | Path) -> "HiReF":
        """Read a saved model back. Raises ModelFolderError if it is missing, damaged or of another family."""
        saved = read_model_folder(folder, family=FAMILY)
        fit = unpack(saved.config, saved.arrays)
        model = cls.from_panel_settings(fit.design.panel, fit.design.training)
        model._fit = fit
        return model

    def _fitted(self) -> Fit:
        if self._fit is None:
            raise NotFittedError("this HiReF has not been fitted; call fit(panel) or HiReF.load(folder) first")
        return self._fit

    def _statistic(self, wanted: str | None) -> str:
        statistic = wanted or self.panel.statistic
        if statistic not in ("mean", "median"):
            raise SettingsError(f"statistic must be 'mean' or 'median', got {statistic!r}")
        return statistic

    def _keys(self, panel: pd.DataFrame) -> pd.DataFrame:
        return panel[[*self.panel.levels, self.panel.period]].copy()

    def _fallback(self, answer: Answer) -> np.ndarray:
        return _joined(answer.codes < 0, self.panel.levels)

    def _node_names(self, effects: pd.DataFrame, level: str) -> pd.Series:
        if level == TOTAL:
            return pd.Series(TOTAL, index=effects.index)
        return effects[self.panel.levels].agg(" / ".join, axis=1)

    def _parts(self, fit: Fit, answer: Answer) -> tuple[list[str], np.ndarray]:
        """Names and link-scale values, (rows, parts), of everything but the baseline."""
        series, X, effects = answer.rows.series, answer.X, answer.effects
        parts = {SEASON: weigh(X, effects.total, series, range(fit.design.season_columns))}
        if fit.level is not None:
            parts[LEVEL] = answer.level
        for column, driver in enumerate(self.panel.drivers, start=fit.design.first_driver):
            parts[driver.name] = X[:, column] * effects.main[column]
            if driver.by != ():
                varying = effects.total[:, column] - effects.main[column]
                parts[INTERACTION.format(driver=driver.name)] = X[:, column] * varying[series]
        return list(parts), np.column_stack(list(parts.values()))


def _joined(flags: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Per row of (rows, names) booleans, the names that hold, joined by commas."""
    patterns, place = np.unique(flags, axis=0, return_inverse=True)
    texts = [",".join(name for name, holds in zip(names, pattern, strict=True) if holds) for pattern in patterns]
    return np.array(texts, dtype=object)[place.reshape(-1)]
