"""What a run of checks says: results, the message that stops a run, and the evidence that is kept."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from expectations.history.profile import Profile
from expectations.panel_view import several
from expectations.report_page import write_page
from hierforecast.check_catalog import BUILT_IN, OWN
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
        number: of a check that a company added, in the order of its settings.
    """

    check: str
    sentence: str
    status: Status
    found: str
    count: int
    keys: tuple[str, ...]
    column: str | None
    severity: Severity = "stop"
    number: int | None = None

    @property
    def label(self) -> str:
        """Id, number if there is one, and column if there is one."""
        name = self.check if self.number is None else f"{self.check} {self.number}"
        return f"{name} ({self.column})" if self.column else name

    @property
    def sentences(self) -> str:
        """What was expected and what was found, on one line."""
        verb = "could not check" if self.status == "broken" else "expected"
        return f"{self.label}: {verb} that {self.sentence}; {self.found}"


@dataclass(frozen=True)
class Report:
    """All checks of one panel.

    Args:
        name: of the panel, e.g. "sales".
        rows: of the table that was checked.
        results: one per check, structure first.
        gx: Great Expectations' own results by suite, ready for JSON.
        profile: what the panel looked like, for the next one to be compared with; None where it could not be read.
        drift: how far each driver has moved from the champion's data, as `expectations.history.drift` counts it.
    """

    name: str
    rows: int
    results: tuple[CheckResult, ...]
    gx: dict[str, Any]
    profile: Profile | None = None
    drift: dict[str, float] = field(default_factory=dict)

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

    @property
    def counts(self) -> dict[str, int]:
        """Checks that passed, that warn, that stop the run, and that wait for those; they add up to all."""
        passed = sum(result.status == "passed" for result in self.results)
        waiting = sum(result.status == "not run" for result in self.results)
        return {"passed": passed, "warned": len(self.warnings), "failed": len(self.failures), "waiting": waiting}

    @property
    def verdict(self) -> str:
        """One line: whether the data are as declared, whether a check broke, and how much is worth a look."""
        total, bad = len(self.results), sum(result.status == "failed" for result in self.failures)
        broke, warned = len(self.failures) - bad, len(self.warnings)
        told = [f"{bad} of {total} checks {'does' if bad == 1 else 'do'} not hold"] if bad else []
        if broke:
            told.append(f"{broke}{'' if bad else f' of {total} checks'} broke and could not judge the data")
        if not told:
            told = [f"{total - warned} of {total} checks hold" if warned else f"all {total} checks hold"]
        if warned:
            told.append(several(warned, "warning"))
        return f"{self.name}: {', '.join(told)} ({self.rows:,} rows)"

    def message(self) -> str:
        """Several lines: what stops the run, then what is worth a look, each with the keys of the offending rows."""
        waiting = self.counts["waiting"]
        lines = [self.verdict, *(line for result in self.failures for line in _listed(result))]
        if waiting:
            lines.append(f"- {waiting} further checks wait until these hold")
        if self.warnings:
            lines.append(f"{several(len(self.warnings), 'warning')}:")
            lines += [line for result in self.warnings for line in _listed(result)]
        return "\n".join([*lines, *self.cures])

    @property
    def cures(self) -> tuple[str, ...]:
        """What to do about the checks that broke and stop the run."""
        return tuple(cure(result) for result in self.failures if result.status == "broken")

    def to_json(self) -> dict[str, Any]:
        """Verdict, results, and Great Expectations' own results, ready for `json.dumps`."""
        results = [asdict(result) | {"keys": list(result.keys)} for result in self.results]
        told = {"name": self.name, "rows": self.rows, "passed": self.passed, "verdict": self.verdict, "counts": self.counts}
        return {**told, "results": results, "gx": self.gx}

    def to_html(self) -> str:
        """One page that needs nothing but itself."""
        return write_page(self.name, self.rows, self.passed, [_shown(result) for result in self.results])


def cure(result: CheckResult) -> str:
    """What to do about a check that broke itself."""
    fault = f"{result.label} broke: this is a fault of the check, not of your data"
    own, stops = result.check == OWN, result.severity == "stop"
    needed = result.check in BUILT_IN and BUILT_IN[result.check].needed
    softer = (
        ", or give it severity: warn" if own else f", or set its severity to warn (checks.severity: {{{result.check}: warn}})"
    )
    return f"{fault}; {'correct it in checks.own' if own else 'report it'}{softer if stops and not needed else ''}"


def _listed(result: CheckResult) -> list[str]:
    """A check that does not hold, and the keys of the first rows that break it."""
    lines = [f"- {result.sentences}", *(f"    {key}" for key in result.keys)]
    return [*lines, f"    ... {result.count:,} in all"] if result.keys and result.count > len(result.keys) else lines


def _shown(result: CheckResult) -> dict[str, Any]:
    """A result as the page shows it: with its cure where the check broke."""
    return asdict(result) | {"cure": cure(result) if result.status == "broken" else ""}
