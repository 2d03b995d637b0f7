"""Run a row, and judge it by a run that met no fault."""

import time
from collections.abc import Callable
from pathlib import Path

from tasks.fingerprint import source_digest
from tests.faults import company
from tests.faults.look import Look
from tests.faults.place import Place
from tests.faults.promises import Verdict, judge
from tests.faults.report import Finding
from tests.faults.row import BOTH, EMPTY, FIRST, HIREF, SECOND, Row

Tell = Callable[[str], None]


class Matrix:
    """Rows in one place, each compared with what runs left that met no fault.

    Such runs are made once, when they are first needed; a folder that has them already, of the same source, is used again.
    """

    def __init__(self, folder: Path, *, tell: Tell = print) -> None:
        self.place, self.tell = Place(folder), tell
        self._source = "-".join(source_digest(family)[:8] for family in company.FAMILIES)
        self._wanted: dict[str, Look] = {}

    def run(self, row: Row) -> Finding:
        """Restore, strike, look, mend, run again, look, judge."""
        place = self.place
        place.start_prefect()
        wanted, began = self._look_at(self._end_of(row)), time.monotonic()
        self._restore(row.start)
        place.write_monday(2)
        place.row, place.flow = row.name, row.flow
        try:
            before = place.look()
            ended = row.strike(place)
            after = place.look()
            if row.mend:
                row.mend(place)
            again = row.again(place)
            end = place.look()
        finally:
            place.clear()
        verdict = judge(before, after, end, wanted, harmed=row.harms_versions)
        verdict.others += row.surprises(ended)
        if again.code:
            verdict.others.append(f"the next run ended with {again.code}: {again.last}")
        if row.champion_stands and after.champions() != before.champions():
            verdict.wrongly_promoted.append(f"after the fault: champions are {after.champions()}, not {before.champions()}")
        return _finding(row, f"{ended.last} [{ended.code}]", end, verdict, time.monotonic() - began)

    @property
    def closed(self) -> bool:
        """Whether no further row can be run."""
        return self.place.closed

    def close(self) -> None:
        """End everything that was started."""
        self.place.close()

    def _end_of(self, row: Row) -> str:
        """The home that an undisturbed run of a row's flow leaves."""
        if row.start == SECOND:  # there is nothing new on the second Monday
            return SECOND
        if row.start == FIRST and row.flow == BOTH:
            return SECOND
        return f"{row.start}-{row.flow}"

    def _restore(self, name: str) -> None:
        """The home of that name, once it was made by a run without fault."""
        kept = f"{name}-{self._source}"
        if name == EMPTY or self.place.has(kept):
            self.place.restore(kept)
            return
        start, monday, flow = {FIRST: (EMPTY, 1, BOTH), SECOND: (FIRST, 2, BOTH)}.get(name) or (
            name[: -len(HIREF) - 1],
            2,
            HIREF,
        )
        self._restore(start)
        self.place.row, self.place.flow = "undisturbed", flow
        self.place.write_monday(monday)
        began, ended = time.monotonic(), self.place.run()
        if ended.code:
            raise RuntimeError(f"{flow} without any fault ended with {ended.code}:\n{ended.said[-4000:]}")
        self.tell(f"undisturbed, {name}: {time.monotonic() - began:.0f} s")
        self.place.keep_caches()
        self.place.save(kept)

    def _look_at(self, name: str) -> Look:
        if name not in self._wanted:
            self._restore(name)
            self.place.write_monday(2)
            self._wanted[name] = self.place.look()
        return self._wanted[name]


def _finding(row: Row, saw: str, end: Look, verdict: Verdict, seconds: float) -> Finding:
    counts = (len(verdict.lost), len(verdict.doubled), len(verdict.wrongly_promoted))
    state = ", ".join(f"{family} {number}" for family, number in sorted(end.champions().items())) or "no champion"
    state += "; as undisturbed" if not verdict.others else "; " + "; ".join(verdict.others)
    return Finding(row.name, row.fault, saw, state, *counts, verdict.broken, round(seconds, 1))
