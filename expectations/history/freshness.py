"""How old the data are: the last known target, counted from today."""

from typing import ClassVar

import numpy as np
import pandas as pd

from expectations.grid import write_date
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import Finding, PanelView, several


class ExpectNothingFromTheFuture(PanelExpectation):
    """No target is known for a period that begins more than a period after today, whichever end a period is dated by.

    Args:
        target: the column.
        today: YYYY-MM-DD; None where nobody said.
    """

    target: str
    today: str | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "today")

    def find(self, view: PanelView) -> Finding:
        """Rows with a target that nobody can know yet."""
        if self.today is None:
            return Finding("nobody said which day today is: not judged")
        known = view.frame[self.target].notna().to_numpy()
        late = known & (view.numbers > _number(view, self.today) + 1)
        if not late.any():
            return Finding(f"no {self.target!r} is known for a {view.frequency} after today, {self.today}")
        first = write_date(view.grid.date(int(view.numbers[late].min())))
        found = f"{several(int(late.sum()), 'row')} from {first} on, and today is {self.today}"
        cure = "Mend the dates, or leave the target of planned rows empty"
        return Finding(f"{found}. {cure}", int(late.sum()), view.keys(late))


class ExpectFreshData(PanelExpectation):
    """The last known target is not older than `checks.max_age` periods.

    Args:
        target: the column.
        max_age: whole periods between the last known one and today; None is not judged.
        today: YYYY-MM-DD; None where nobody said.
    """

    target: str
    max_age: int | None = None
    today: str | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "target", "max_age", "today")

    def find(self, view: PanelView) -> Finding:
        """The last known period, if it is too long ago."""
        last = view.last_known(self.target)
        if self.max_age is None or self.today is None or last is None:
            unset, unsaid = "checks.max_age is not set", "nobody said which day today is"
            why = unset if self.max_age is None else unsaid if self.today is None else "no known target"
            return Finding(f"{why}: not judged")
        age = _number(view, self.today) - last
        written = write_date(view.grid.date(last))
        found = f"the last known {self.target!r} is of {written}, {several(max(age, 0), view.frequency)} before {self.today}"
        if age <= self.max_age:
            return Finding(found)
        cure = f"At most {self.max_age} are allowed: was the newest file delivered?"
        return Finding(f"{found}. {cure}", 1, (f"{self.period}={written}",))


def _number(view: PanelView, today: str) -> int:
    """The number of the period that today lies in."""
    return int(np.asarray(view.grid.numbers(pd.DatetimeIndex([today])))[0])
