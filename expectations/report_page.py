"""The report as one HTML page that needs nothing but itself: no script, no font, no style from anywhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Result = Mapping[str, Any]

_STATUSES = ("failed", "broken", "not run", "passed")
_SHORT = 8  # checks that are shown without being asked for
_TITLES = {
    "column": "Columns",
    "type": "Types",
    "level_filled": "Levels filled",
    "unique_keys": "Unique keys",
    "rows": "Rows",
    "bounds": "Bounds",
    "known": "Known values",
    "regular_calendar": "Regular calendar",
    "complete_calendar": "Complete calendar",
    "no_gaps": "No gaps",
    "full_last_period": "Full last period",
    "spend_shows": "Spend shows",
    "leakage": "Leakage",
    "lags": "Lags",
}

_STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5b6675; --line: #e1e5ea;
  --good: #1a7f4b; --good-back: #e5f5ec; --bad: #b42318; --bad-back: #fdecea; --wait: #8a5a00; --wait-back: #fdf3dc; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1a2028; --ink: #e6eaf0; --soft: #9aa6b5;
  --line: #2c3540; --good: #5fd394; --good-back: #16331f; --bad: #ff8a80; --bad-back: #3d1a18; --wait: #f0c36a;
  --wait-back: #3a2d10; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial,
  sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; line-height: 1.25; }
h2 { font-size: 17px; margin: 36px 0 12px; }
p { margin: 0; }
.soft { color: var(--soft); }
.verdict { background: var(--card); border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 10px;
  padding: 20px 24px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 16px; }
.figure { border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px; min-width: 108px; }
.figure b { display: block; font-size: 22px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.problem { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; margin-top: 12px; }
.problem h3 { font-size: 15px; margin: 0 0 8px; display: flex; gap: 10px; align-items: center; flex-wrap: wrap; }
.problem dl { display: grid; grid-template-columns: 88px 1fr; gap: 2px 12px; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code, .keys { font: 13px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.keys { list-style: none; margin: 10px 0 0; padding: 8px 12px; background: var(--page); border-radius: 6px; overflow-x: auto; }
.keys li { white-space: pre; }
.pill { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: 12px; font-weight: 600; white-space: nowrap; }
.passed { color: var(--good); background: var(--good-back); }
.failed, .broken { color: var(--bad); background: var(--bad-back); }
.not-run { color: var(--wait); background: var(--wait-back); }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-top: 8px; }
summary { padding: 10px 16px; font-weight: 600; cursor: pointer; }
summary .pill { margin-left: 6px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; min-width: 640px; }
th, td { text-align: left; vertical-align: top; padding: 7px 16px; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-size: 12px; font-weight: 600; }
th:last-child { width: 110px; }
@media print { body { background: #fff; } .problem, .verdict { break-inside: avoid; } }
"""


def write_page(name: str, rows: int, passed: bool, results: Sequence[Result]) -> str:
    """Write the page.

    Args:
        name: of the panel.
        rows: of the table.
        passed: the verdict.
        results: the fields of every `CheckResult`, in the order of the checks.

    Returns:
        HTML with every piece of data escaped and no reference to anything outside.
    """
    title = f"Data checks of {name}"
    body = [_verdict(title, rows, passed, results), _problems(results), _groups(results)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(body)}</main>\n</body>\n</html>\n"
    )


def _verdict(title: str, rows: int, passed: bool, results: Sequence[Result]) -> str:
    counts = {status: sum(result["status"] == status for result in results) for status in _STATUSES}
    stopped = counts["failed"] + counts["broken"]
    word = f"All {len(results)} checks hold: training may start." if passed else _stopped(stopped)
    figures = "".join(
        f'<div class="figure"><b>{count:,}</b><span class="soft">{status}</span></div>'
        for status, count in {"rows": rows, **counts}.items()
        if count or status in ("rows", "passed", "failed")
    )
    tone = "good" if passed else "bad"
    return (
        f'<section class="verdict" style="--tone: var(--{tone})"><h1>{escape(title)}</h1><p>{word}</p>'
        f'<div class="figures">{figures}</div></section>\n'
    )


def _stopped(count: int) -> str:
    return f"{count} {'check does' if count == 1 else 'checks do'} not hold: the run was stopped before training."


def _problems(results: Sequence[Result]) -> str:
    problems = [result for result in results if result["status"] in ("failed", "broken")]
    return "<h2>What does not hold</h2>\n" + "".join(map(_problem, problems)) if problems else ""


def _problem(result: Result) -> str:
    keys = "".join(f"<li>{escape(key)}</li>" for key in result["keys"])
    more = result["count"] - len(result["keys"])
    if keys and more > 0:
        keys += f'<li class="soft">... and {more:,} more</li>'
    listed = f'<ul class="keys">{keys}</ul>' if keys else ""
    column = f"<code>{escape(result['column'])}</code>" if result["column"] else ""
    return (
        f'<article class="problem"><h3>{_pill(result["status"])}{escape(_heading(result["check"]))}{column}</h3>'
        f"<dl><dt>Expected</dt><dd>{escape(_sentence(result['sentence']))}</dd><dt>Found</dt><dd>{escape(_sentence(result['found']))}</dd></dl>"
        f"{listed}</article>\n"
    )


def _groups(results: Sequence[Result]) -> str:
    """All checks by id in the order in which they were run; a group opens by itself unless it is long and holds."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result["check"], []).append(result)
    return "<h2>Every check</h2>\n" + "".join(_group(check, members) for check, members in groups.items())


def _group(check: str, members: Sequence[Result]) -> str:
    counts = {status: sum(result["status"] == status for result in members) for status in _STATUSES}
    pills = "".join(_pill(status, f"{count} {status}") for status, count in counts.items() if count)
    opened = " open" if len(members) <= _SHORT or counts["failed"] + counts["broken"] else ""
    head = "<thead><tr><th>Expected</th><th>Found</th><th>Status</th></tr></thead>"
    rows = "".join(map(_row, members))
    return (
        f"<details{opened}><summary>{escape(_heading(check))} {pills}</summary>"
        f'<div class="scroll"><table>{head}<tbody>\n{rows}</tbody></table></div></details>\n'
    )


def _row(result: Result) -> str:
    return (
        f'<tr><td>{escape(_sentence(result["sentence"]))}</td><td class="soft">{escape(_sentence(result["found"]))}</td>'
        f"<td>{_pill(result['status'])}</td></tr>\n"
    )


def _pill(status: str, words: str = "") -> str:
    return f'<span class="pill {status.replace(" ", "-")}">{words or status}</span>'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _heading(check: str) -> str:
    return _TITLES.get(check, check.replace("_", " ").capitalize())
