"""What a plan of spend brings on all draws, tactical by tactical."""

from typing import NamedTuple

import numpy as np

from hierforecast.precision.budget.problem import Plan
from hierforecast.precision.effects import Reach, reach_of
from hierforecast.precision.response import Coefficients, Weeks


class TacticalOutcome(NamedTuple):
    """Per tactical."""

    spend: np.ndarray  # (tacticals,) currency in the window
    contribution: np.ndarray  # (draws, tacticals) target units
    slope: np.ndarray  # (draws, tacticals) target units per unit of eps where spend becomes (1 + eps) times this one
    direction_spend: np.ndarray  # (tacticals,) currency per unit of eps; that of the current plan where nothing is spent


class Outcome(NamedTuple):
    """The current plan and all draws; variables of None mean the current plan as it is, exposures included."""

    coefficients: Coefficients
    weeks: Weeks
    spend: np.ndarray  # (weeks, tacticals)
    window: np.ndarray  # (weeks,) bool
    plan: Plan

    def whole(self, variables: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """(weeks, tacticals) spend and (tacticals, weeks) exposures of all weeks."""
        spend, media = self.spend.copy(), self.weeks.media.astype(float)
        if variables is not None:
            plan, spread = self.plan, self.plan.spread(variables)
            cells = np.ix_(plan.free, self.window)
            media[cells] = spread * plan.media_per
            spend.T[cells] = spread * plan.spend_per
        return spend, media

    def compare(self, variables: np.ndarray) -> tuple[TacticalOutcome, TacticalOutcome]:
        """The current plan and another one, tactical by tactical."""
        now = self.weeks.media.astype(float), self.spend[self.window].sum(axis=0)
        spend, media = self.whole(variables)
        then = media, spend[self.window].sum(axis=0)
        reaches = (reach_of(place, self.coefficients, self.weeks, self.window) for place in range(len(media)))
        pairs = [[self._one(reach, place, media, spent) for media, spent in (now, then)] for place, reach in enumerate(reaches)]
        before, after = (
            TacticalOutcome(
                spent,
                np.column_stack([pair[side][0] for pair in pairs]),
                np.column_stack([pair[side][1] for pair in pairs]),
                np.where(spent > 0, spent, now[1]),
            )
            for side, (_, spent) in enumerate((now, then))
        )
        return before, after

    def _one(self, reach: Reach, place: int, media: np.ndarray, spent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(draws,) contribution and slope."""
        exposure = media[place, self.window]
        bends = reach.bends(exposure)
        return bends.effect, (bends.steep * reach.own(exposure if spent[place] > 0 else reach.plan)).sum(axis=1)
