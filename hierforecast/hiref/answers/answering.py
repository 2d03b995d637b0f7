"""What a fitted HiReF can be asked: the questions, their checks and what comes back. The work is done in this room."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from hierforecast.errors import NotFittedError
from hierforecast.hierarchy import TOTAL
from hierforecast.hiref.answers import contributions, effects, forecasts, promotions, revenue, signs, simulation
from hierforecast.hiref.answers.bridge import Method
from hierforecast.hiref.answers.contributions import Detail
from hierforecast.hiref.answers.nodes import At
from hierforecast.hiref.answers.simulation import Change
from hierforecast.hiref.fit import Fit
from hierforecast.options import Training
from hierforecast.schema import SalesPanel


class Answering:
    """The answers of a model; `HiReF` adds how it is made, fitted and kept.

    In every answer `level` says for which nodes: None for the rows as given, a level, a list of levels (crossed ones
    too), "bottom" for every series, "total". Sums are over the rows in the panel, one row per node and period; they are
    sums of means, whatever `statistic` was declared, because medians do not add up.
    """

    panel: SalesPanel
    training: Training
    _fit: Fit | None

    def predict(
        self,
        panel: pd.DataFrame,
        *,
        statistic: str | None = None,
        level: At | None = None,
        interval: float | None = None,
    ) -> pd.DataFrame:
        """Forecast rows of any series and period; the target column is not read.

        Rows of the past get the level known just before them; adstock starts from nothing there, as in training, so
        give the past from its beginning. Rows after training go on from its end, whatever else the panel holds.

        Args:
            panel: levels, period and drivers.
            statistic: "mean" or "median"; None takes the declared one.
            level: None for rows, or the nodes to sum at.
            interval: nominal coverage of lower..upper, a share; None takes the one of training.

        Returns:
            Levels, period, `forecast`, `lower`, `upper` in target units, and `fallback`: "" or the comma-separated
            levels whose node was not in training, so that the forecast rests on the other levels. Rows and index as
            given. With a level: its columns, the period, `forecast`, `lower` and `upper`; forecasts of children add up to those
            of their parents, bounds do not.

        Raises:
            NotFittedError: before `fit`.
            PanelError: a column is missing, or a driver is empty or infinite; no forecast is ever NaN. Or no such level.
            SettingsError: an unknown statistic, sums of medians, or an interval that is no share.
        """
        fit = self._fitted()
        statistic = forecasts.statistic_of(statistic, self.panel, level)
        coverage = forecasts.coverage_of(interval, usual=self.training.interval)
        if level is None:
            return forecasts.forecast_rows(fit, panel, statistic, coverage)
        return forecasts.forecast_nodes(fit, panel, level, coverage)

    def contributions(
        self, panel: pd.DataFrame, *, statistic: str | None = None, level: At | None = None, detail: Detail = "driver"
    ) -> pd.DataFrame:
        """Split each forecast into parts in target units; a row's parts sum to its forecast, at every level.

        Args:
            panel: levels, period and drivers.
            statistic: as in `predict`.
            level: None for rows, or the nodes to sum at.
            detail: "driver" shows of each driver the effect shared by all series and what differs; "whole" adds these
                up; "lag" shows every lag of a driver by itself.

        Returns:
            Levels, period, `baseline`, then, where the model has them, `trend`, `season`, `holidays`, `level` (recent
            level); per driver its name (the effect shared by all series, over all of its lags) and, if its effect
            varies, "<driver> by hierarchy" (the rest); "<target> lags". Under the log link by LMDI: see `attribution`.

        Raises:
            NotFittedError, PanelError, SettingsError: as `predict`.
        """
        return contributions.contributions(self._fitted(), panel, level=level, statistic=statistic, detail=detail)

    def series_effects(self) -> pd.DataFrame:
        """The total effect of every driver in every training series: levels and one column per driver, link scale."""
        return effects.series_effects(self._fitted())

    def elasticities(self, by: str | None = None, *, interval: float = effects.USUAL) -> pd.DataFrame:
        """Mean effect on the link scale over the series of a node: an elasticity where link and driver are logs.

        Args:
            by: a level, "bottom" (every series, its nodes joined by " / ") or "total"; None gives every level and total.
            interval: nominal coverage of lower..upper, a share.

        Returns:
            `driver`, `level`, `node`, `effect`, `lower`, `upper`, as in `results.ELASTICITIES`. The interval holds what
            noise, shrinkage and differences that the model cannot express leave open (see `regression.uncertainty`),
            and ends at 0 where a declared sign does.

        Raises:
            PanelError: no such level.
            SettingsError: the interval is no share.
        """
        return effects.elasticities(self._fitted(), by, interval)

    def simulate(
        self,
        panel: pd.DataFrame,
        changes: Mapping[str, Change] | None = None,
        *,
        level: At | None = None,
        interval: float | None = None,
        **drivers: Change,
    ) -> pd.DataFrame:
        """What if a driver were different: ``model.simulate(plan, price=lambda p: 1.05 * p)``.

        Args:
            panel: rows as for `predict`.
            changes: per column its new value or a function of the old ones; for names that are no Python words.
            level: None for rows, or the nodes to sum at.
            interval: a share such as 0.9 adds `change_lower` and `change_upper`: how far off the change may be because
                the effects are uncertain; sums take the effects' errors to go the same way in all rows.
            drivers: changes by name.

        Returns:
            Levels, period, `forecast` as it stands, `what_if`, `change` between them in target units, and `outside`: ""
            or the comma-separated drivers that leave the range seen in training or their declared bounds, where an
            answer is a guess. Beyond that range by more than half its width an effect grows no further.

        Raises:
            PanelError: a name is no driver; a change gives values that are empty, infinite, or not above 0 under a log;
                or as `predict`, of the changed panel.
        """
        changes = simulation.join_changes(changes or {}, drivers)
        return simulation.simulate(self._fitted(), panel, changes, level=level, interval=interval)

    def promo_uplift(
        self, panel: pd.DataFrame, drivers: Sequence[str], *, level: At | None = None, statistic: str | None = None
    ) -> pd.DataFrame:
        """What promotions bring: units as planned against the same rows with some drivers at their reference.

        Args:
            panel: rows as for `predict`.
            drivers: those that a promotion moves, e.g. ``["promotion", "price"]``; their references are the regular
                price and no promotion.
            level: None for rows, or the nodes to sum at.
            statistic: as in `predict`.

        Returns:
            Levels, period; in target units `at_reference`, `promoted`, `uplift` between them and, of this, `late`: what
            comes through lags of these drivers and of the target, such as the dip after a promotion; `uplift_share` of
            units at reference, NaN where those are 0.

        Raises:
            PanelError: a name is no driver, or as `predict`.
        """
        return promotions.promo_uplift(self._fitted(), panel, drivers, level=level, statistic=statistic)

    def bridge(
        self, before: pd.DataFrame, after: pd.DataFrame, *, price: str, level: At = TOTAL, method: Method = "standard"
    ) -> pd.DataFrame:
        """Split the change of revenue between two sets of rows into volume, mix, price, new and lost series; exactly.

        Args:
            before: rows of one period, e.g. last year's weeks. Units are the target where it is known, else the forecast.
            after: rows of the other, e.g. the plan.
            price: column of prices per unit.
            level: the nodes to report.
            method: "standard" or "lmdi", see `answers.bridge`.

        Returns:
            Levels of the node and the columns of `results.BRIDGE`, in currency.

        Raises:
            PanelError: a column is missing, empty or below 0, or as `predict`.
        """
        return revenue.bridge_revenue(self._fitted(), before, after, price=price, level=level, method=method)

    def driver_bridge(
        self, before: pd.DataFrame, after: pd.DataFrame, *, level: At = TOTAL, detail: Detail = "whole"
    ) -> pd.DataFrame:
        """Split the change of forecast units between two sets of rows by what drives it; exactly.

        Args:
            before: rows of one period.
            after: rows of the other.
            level: the nodes to report.
            detail: as in `contributions`.

        Returns:
            Levels of the node, `forecast_before`, per component of `contributions` the units by which it moved the sum,
            and `forecast_after`.

        Raises:
            PanelError: as `predict`.
        """
        return revenue.bridge_drivers(self._fitted(), before, after, level=level, detail=detail)

    def sign_report(self, panel: pd.DataFrame) -> pd.DataFrame:
        """What the declared signs cost or bring; fits anew, once and again for every signed driver.

        Args:
            panel: as for `fit`; its last `horizon` periods are held out.

        Returns:
            Per signed driver (and lag) as in `results.SIGNS`: its sign; `series` whose own data tell a slope; the share
            of these whose unconstrained slope (a regression of the series by itself) `disagree`s, and does so `clearly`,
            by more than 1.645 standard errors, which noise does in 1 of 20 where the slope is 0; WAPE on the held-out
            periods as declared and with this sign left free; `cost`, the difference: below 0 the sign pays.

        Raises:
            PanelError: as `fit`; or too few periods to hold any out.
        """
        return signs.report_signs(panel, self.panel, self.training)

    def ablation(self, panel: pd.DataFrame) -> pd.DataFrame:
        """What each driver adds; fits anew, once and again without every driver.

        Args:
            panel: as for `fit`; its last `horizon` periods are held out.

        Returns:
            Per driver as in `results.ABLATION`: WAPE on the held-out periods with all drivers and without this one, and
            what it `adds`, the difference; below 0 the forecast is better without it. The most useful come first.

        Raises:
            PanelError: as `fit`; or too few periods to hold any out.
        """
        return signs.ablate(panel, self.panel, self.training)

    def diagnostics(self) -> dict[str, Any]:
        """Numbers about the training, JSON-ready; `wrong_sign_share` is 0 by construction and counted all the same."""
        return dict(self._fitted().diagnostics)

    def _fitted(self) -> Fit:
        if self._fit is None:
            raise NotFittedError("this HiReF has not been fitted; call fit(panel) or HiReF.load(folder) first")
        return self._fit
