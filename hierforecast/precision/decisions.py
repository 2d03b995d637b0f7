"""What the draws say about money: returns, response curves, budgets and scenarios, over weeks of one plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.precision.budget import Aim, Bound, BudgetPlan, optimise_budget
from hierforecast.precision.effects import weeks_between
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.response import Coefficients, Weeks
from hierforecast.precision.roi import CURVE_GRID, RoiDraws, response_curves, roi_draws, roi_table
from hierforecast.precision.scenario import Comparison, Scenario, compare_scenarios


@dataclass(frozen=True)
class Decisions:
    """Answers over a plan's weeks.

    Args:
        coefficients: draws, in target units.
        weeks: the plan, with the weeks before it.
        hierarchy: the media tree.
        paid: (tacticals, weeks) spend, currency; None where the model knows no spend.
        counted: (weeks,) bool, the weeks asked about where no dates are given.
        interval: coverage of all intervals.
        residual_before: (draws,) residual of the week before the plan's first, where residuals are correlated.
    """

    coefficients: Coefficients
    weeks: Weeks
    hierarchy: Hierarchy
    paid: np.ndarray | None
    counted: np.ndarray
    interval: float
    residual_before: np.ndarray | None = None

    def roi(self, first: object = None, last: object = None, *, value: float = 1.0) -> pd.DataFrame:
        """Returns on the spend of a window, in the columns of `results.ROI`; carry-over counts where it was paid for.

        Args:
            first: first period; with `last` None as well, all observed ones.
            last: last period.
            value: currency per target unit; 1 where the target is revenue.

        Raises:
            PanelError: the model knows no spend, or no period lies between the dates.
        """
        window, spend = self._window(first, last), self._spend()
        return roi_table(
            self.coefficients, self.weeks, spend, self.hierarchy, window=window, value=value, interval=self.interval
        )

    def roi_draws(self, first: object = None, last: object = None, *, value: float = 1.0) -> RoiDraws:
        """The same under every draw."""
        window = self._window(first, last)
        return roi_draws(self.coefficients, self.weeks, self._spend(), self.hierarchy, window=window, value=value)

    def response_curves(
        self,
        first: object = None,
        last: object = None,
        *,
        multiples: tuple[float, ...] = CURVE_GRID,
        value: float = 1.0,
        most_draws: int = 500,
    ) -> pd.DataFrame:
        """What every node brings at multiples of its spend, in the columns of `results.RESPONSE`.

        Args:
            first: as in `roi`.
            last: as in `roi`.
            multiples: of the current spend, >= 0.
            value: as in `roi`.
            most_draws: no more draws than these are used.
        """
        return response_curves(
            self.coefficients,
            self.weeks,
            self._spend(),
            self.hierarchy,
            window=self._window(first, last),
            multiples=multiples,
            value=value,
            interval=self.interval,
            most_draws=most_draws,
        )

    def optimise_budget(
        self,
        first: object = None,
        last: object = None,
        *,
        budget: float | None = None,
        target_marginal_roi: float | None = None,
        target_roi: float | None = None,
        bounds: Sequence[Bound] = (),
        each: tuple[float, float] = (0.0, 2.0),
        by: Literal["total", "week"] = "total",
        aim: Aim | None = None,
        value: float = 1.0,
        cost: np.ndarray | None = None,
        most_draws: int = 500,
        seed: int = 0,
    ) -> BudgetPlan:
        """The best spend of the window's weeks; all else as in `budget.optimise_budget`.

        Args:
            first: as in `roi`.
            last: as in `roi`.
            budget: currency that the window spends; without it and without a target, the current plan's.
            target_marginal_roi: spend as long as one more currency unit brings this much.
            target_roi: the most contribution whose spend as a whole brings at least this much.
            bounds: limits of nodes of any level.
            each: least and most spend of every tactical in multiples of its current spend.
            by: one multiplier per tactical, or every week free.
            aim: what a plan is judged by; the posterior mean if not given.
            value: as in `roi`.
            cost: (tacticals,) currency per typical on-air week, by "week".
            most_draws: draws for searching; all are used for what is reported.
            seed: of the starts.
        """
        return optimise_budget(
            self.coefficients,
            self.weeks,
            self._spend(),
            self.hierarchy,
            window=self._window(first, last),
            budget=budget,
            target_marginal_roi=target_marginal_roi,
            target_roi=target_roi,
            bounds=bounds,
            each=each,
            by=by,
            aim=aim,
            value=value,
            cost=cost,
            interval=self.interval,
            most_draws=most_draws,
            seed=seed,
        )

    def compare(self, scenarios: Sequence[Scenario], *, seed: int = 7) -> Comparison:
        """Forecast the plan and changes of it, week by week and in total."""
        return compare_scenarios(
            self.coefficients,
            self.weeks,
            self.hierarchy,
            scenarios,
            interval=self.interval,
            residual_before=self.residual_before,
            seed=seed,
        )

    def _window(self, first: object, last: object) -> np.ndarray:
        return self.counted if first is None and last is None else weeks_between(self.weeks.periods, first, last)

    def _spend(self) -> np.ndarray:
        if self.paid is None:
            raise PanelError("this model knows no spend; declare media.spend (or spend_columns) and fit again")
        return self.paid.T
