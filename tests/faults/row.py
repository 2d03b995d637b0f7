"""What a row of the matrix is made of."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.place import Place
from tests.faults.program import Ended

EMPTY, FIRST, SECOND = "empty", "first-monday", "second-monday"  # homes: new, after the first Monday's run, after the second's
BOTH, HIREF = "flows.weekly_retrain", "flows.train_hiref"
KILLED = -9


@dataclass(frozen=True)
class Row:
    """One fault, and what a person may expect of it.

    Args:
        name: for the command line.
        fault: for the table.
        strike: makes it, and returns the end of the process that a person looks at.
        codes: exit codes that are allowed.
        says: a pattern that the output of that process must hold.
        mend: what a person does before the next run.
        again: the next run.
        start: the home that it happens to; the files are always the second Monday's.
        flow: which flow it happens to: half of them need nobody to sample.
        champion_stands: whether the fault may not have moved the champion; the next run may.
        harms_versions: whether the fault itself makes a version unloadable, which the product can only tell.
    """

    name: str
    fault: str
    strike: Callable[[Place], Ended]
    codes: tuple[int, ...]
    says: str = ""
    mend: Callable[[Place], None] | None = None
    again: Callable[[Place], Ended] = Place.run
    start: str = FIRST
    flow: str = BOTH
    champion_stands: bool = False
    harms_versions: bool = False

    def surprises(self, ended: Ended) -> list[str]:
        """What a person was told otherwise than promised."""
        found = []
        if ended.code not in self.codes:
            found.append(f"exit code {ended.code}, wanted {' or '.join(map(str, self.codes))}: {ended.last}")
        if self.says and not re.search(self.says, ended.said):
            found.append(f"nothing was said of {self.says!r}")
        if ended.code >= 0 and "Traceback (most recent call last)" in ended.said:
            found.append("a traceback was shown")
        return found
