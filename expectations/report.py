"""What a run of checks says: results, the message that stops a run, and the evidence that is kept."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from expectations.report_page import write_page
from hierforecast.check_options import Severity

Status = Literal["passed", "failed", "broken", "not run"]


@dataclass(frozen=True)
class CheckResult:
    """The answer of one check.

    Args:
        check: stable id, e.g. "unique_keys".
        sentence: what was expected, in plain English.
        status: "passed"; "failed", the data break it; "broken", the check itself raised an exception; "not run",
            because something it needs failed before.
        found: what was found, one sentence.
        count: offending rows, periods or columns.
        keys: keys of the first of them, e.g. "region=North, brand=Alba, week=2024-01-08".
        column: the column it is about, if it is about one.
        severity: "stop": nothing may be trained on data that break it; "warn": it is told, and the run goes on.
    """

    check: str
    sentence: str
    status: Status
    found: str
    count: int
    keys: tuple[str, ...]
    column: str | None
    severity: Severity = "stop"

    @property
    def label(self) -> str:
        """Id and column."""
        return f"{self.check} ({self.column})" if self.column else self.check


@dataclass(frozen=True)
class Report:
    """All checks of one panel.

    Args:
        name: of the panel, e.g. "sales".
        rows: of the table that was checked.
        results: one per check, structure first.
        gx: Great Expectations' own results by suite, ready for JSON.
    """

    name: str
    rows: int
    results: tuple[CheckResult, ...]
    gx: dict[str, Any]

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """Checks that the data break, and checks that broke themselves: neither lets a run go on."""
        return self._not_held("stop")

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The same of the severity "warn": to be read, and no reason to stop."""
        return self._not_held("warn")

    def _not_held(self, severity: Severity) -> tuple[CheckResult, ...]:
        held_back = ("failed", "broken")
        return tuple(result for result in self.results if result.status in held_back and result.severity == severity)

    @property
    def passed(self) -> bool:
        """Whether training may start: there are results, all were run, and none that stops did not hold."""
        return bool(self.results) and not self.failures and all(result.status != "not run" for result in self.results)

    def message(self) -> str:
        """Several lines: every broken check with its finding and the keys of the offending rows."""
        total = len(self.results)
        if self.passed:
            return f"{self.name}: all {total} checks hold ({self.rows:,} rows)"
        lines = [f"{self.name}: {len(self.failures)} of {total} checks do not hold ({self.rows:,} rows)"]
        for result in self.failures:
            verb = "expected" if result.status == "failed" else "could not check"
            lines += [f"- {result.label}: {verb} that {result.sentence}; {result.found}"]
            lines += [f"    {key}" for key in result.keys]
            if result.keys and result.count > len(result.keys):
                lines.append(f"    ... {result.count:,} in all")
        waiting = sum(result.status == "not run" for result in self.results)
        return "\n".join([*lines, f"- {waiting} further checks wait until these hold"] if waiting else lines)

    def to_json(self) -> dict[str, Any]:
        """Verdict, results, and Great Expectations' own results, ready for `json.dumps`."""
        results = [asdict(result) | {"keys": list(result.keys)} for result in self.results]
        return {"name": self.name, "rows": self.rows, "passed": self.passed, "results": results, "gx": self.gx}

    def to_html(self) -> str:
        """One page that needs nothing but itself."""
        return write_page(self.name, self.rows, self.passed, [asdict(result) for result in self.results])
