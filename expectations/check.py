"""A check before it is run: an expectation, what it says in plain words, and how to find the rows that break it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from great_expectations.expectations.expectation import Expectation

from expectations.panel_view import Finding, PanelView, key_levels
from hierforecast.check_catalog import OWN
from hierforecast.check_options import Severity
from hierforecast.schema import MediaPanel, SalesPanel


@dataclass(frozen=True)
class Check:
    """One line of a report to be.

    Args:
        check: stable id, shared by the same check of several columns, e.g. "bounds".
        sentence: what is expected, in plain English.
        expectation: the Great Expectations object that gives the verdict.
        column: the column it is about, if it is about one.
        needs: columns without which it cannot be run.
        explain: finds the offending rows of a stock expectation that failed; ours bring their findings themselves.
        severity: "stop": nothing is trained on data that break it; "warn": it is told, and the run goes on.
        needed: training cannot read data that break it, so that its severity stays.
        number: of a check that a company added, because two of them may be about the same column.
    """

    check: str
    sentence: str
    expectation: Expectation
    column: str | None = None
    needs: tuple[str, ...] = ()
    explain: Callable[[PanelView], Finding] | None = None
    severity: Severity = "stop"
    needed: bool = False
    number: int | None = None

    @property
    def label(self) -> str:
        """Unique within a suite: the id, the number if there is one, and the column if there is one."""
        name = self.check if self.number is None else f"{self.check} {self.number}"
        return f"{name}: {self.column}" if self.column else name


def place(panel: SalesPanel | MediaPanel) -> dict[str, object]:
    """The arguments that every custom expectation takes: where series and periods are found."""
    return {"levels": key_levels(panel), "period": panel.period, "frequency": panel.frequency}


def with_severities(checks: Iterable[Check], severities: Mapping[str, Severity]) -> list[Check]:
    """The checks under the severities that a company declares by id; own checks and what training needs keep theirs."""
    return [
        check
        if check.needed or check.check == OWN or check.check not in severities
        else replace(check, severity=severities[check.check])
        for check in checks
    ]
