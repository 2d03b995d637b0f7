"""What the draws say about money: returns, response curves, budgets and scenarios, over weeks of one plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.precision.budget import BudgetPlan, optimise_budget
from hierforecast.precision.effects import weeks_between
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.response import Coefficients, Weeks
from hierforecast.precision.roi import RoiDraws, response_curves, roi_draws, roi_table
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

    def response_curves(self, first: object = None, last: object = None, **options: Any) -> pd.DataFrame:
        """What every node brings at multiples of its spend, in the columns of `results.RESPONSE`.

        Args:
            first: as in `roi`.
            last: as in `roi`.
            options: `multiples`, `value` and `most_draws` of `roi.response_curves`.
        """
        return response_curves(
            self.coefficients,
            self.weeks,
            self._spend(),
            self.hierarchy,
            window=self._window(first, last),
            interval=self.interval,
            **options,
        )

    def optimise_budget(self, first: object = None, last: object = None, **options: Any) -> BudgetPlan:
        """The best spend of the window's weeks.

        Args:
            first: as in `roi`.
            last: as in `roi`.
            options: `budget`, `target_roi`, `bounds` and the others of `budget.optimise_budget`.
        """
        return optimise_budget(
            self.coefficients,
            self.weeks,
            self._spend(),
            self.hierarchy,
            window=self._window(first, last),
            interval=self.interval,
            **options,
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
