"""The best budget under the posterior: what to spend on which tactical, within bounds.

Choices made here:
- what is maximised is the posterior's own expectation (or a cautious aim), over draws, never a curve through their means;
- Newton steps with exact derivatives over an interior-point quadratic program; a linear program bounds what any plan could
  still gain;
- the current plan is kept where nothing better was found, so a plan is never worse than it;
- carry-over beyond the planned weeks counts for the plan that paid for it.
"""

from hierforecast.precision.budget.aims import Aim
from hierforecast.precision.budget.optimising import BudgetPlan, optimise_budget
from hierforecast.precision.budget.spend_limits import Bound

__all__ = ["Aim", "Bound", "BudgetPlan", "optimise_budget"]
