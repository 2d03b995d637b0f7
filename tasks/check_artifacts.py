"""What the data checks found, in Prefect's pages: the verdict with a table of findings, and a link to the report."""

from typing import Any

from tasks import telling

_MOST_KEYS = 3  # of a finding; the report has more


def tell_checks(company: str, family: str, report: Any) -> None:
    """A markdown artifact of an `expectations.report.Report`: how many checks hold, what stops the run, what warns."""
    counts = report.counts
    held = f"{counts['passed']:,} checks passed, {counts['warned']:,} warn, {counts['failed']:,} stop the run"
    lines = [f"# {_plain(report.verdict)}", "", f"{held}, {counts['waiting']:,} wait for those."]
    found = [*report.failures, *report.warnings]
    if found:
        lines += ["", "| check | severity | expected | found | where |", "|---|---|---|---|---|", *map(_row, found)]
    lines += [f"\n{_plain(told)}" for told in report.cures]
    telling.markdown("\n".join(lines), key=f"{company}-{family}-checks", description=report.verdict)


def link_report(company: str, family: str, link: str, *, run: str | None = None) -> None:
    """A link artifact to the report; `run` is the MLflow run that keeps it."""
    where = f"kept in MLflow run {run}" if run else "on this machine"
    telling.link(
        link,
        text=f"Report of the {family} checks",
        key=f"{company}-{family}-report",
        description=f"The report of the {family} checks, {where}",
    )


def _row(result: Any) -> str:
    severity = "could not check" if result.status == "broken" else result.severity
    more = [f"... {result.count:,} in all"] if result.count > len(result.keys[:_MOST_KEYS]) and result.keys else []
    where = "; ".join([*result.keys[:_MOST_KEYS], *more])
    return f"| {' | '.join(map(_plain, (result.label, severity, result.sentence, result.found, where)))} |"


def _plain(words: str) -> str:
    """Words from data or settings, which may neither end a cell of the table nor bring markup along."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_[]#" else sign for sign in " ".join(words.split()))
    return escaped.replace("|", "\\|").replace("<", "&lt;")
