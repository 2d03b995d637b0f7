"""The report as one HTML page that needs nothing but itself: no script, no font, no style from anywhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from hierforecast.check_catalog import BUILT_IN, OWN

Result = Mapping[str, Any]

_SHORT = 8  # checks that are shown without being asked for
# What a result is to its reader: its class on the page, and the word in its pill.
_WORDS = {"failed": "stops", "broken": "could not check", "warned": "warning", "waiting": "not run", "passed": "passed"}
_MANY = _WORDS | {"failed": "stop", "warned": "warnings"}

_STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5b6675; --line: #e1e5ea;
  --good: #1a7f4b; --good-back: #e5f5ec; --bad: #b42318; --bad-back: #fdecea; --warn: #8a5a00; --warn-back: #fdf3dc;
  --wait: #5b6675; --wait-back: #eceff3; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1a2028; --ink: #e6eaf0; --soft: #9aa6b5;
  --line: #2c3540; --good: #5fd394; --good-back: #16331f; --bad: #ff8a80; --bad-back: #3d1a18; --warn: #f0c36a;
  --warn-back: #3a2d10; --wait: #9aa6b5; --wait-back: #262e38; } }
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
.failed { color: var(--bad); background: var(--bad-back); }
.broken { color: var(--bad); box-shadow: inset 0 0 0 1.5px var(--bad); }
.warned { color: var(--warn); background: var(--warn-back); }
.warned.broken { color: var(--warn); background: none; box-shadow: inset 0 0 0 1.5px var(--warn); }
.waiting { color: var(--wait); background: var(--wait-back); }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-top: 8px; }
summary { padding: 10px 16px; font-weight: 600; cursor: pointer; }
summary .pill { margin-left: 6px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; min-width: 640px; }
th, td { text-align: left; vertical-align: top; padding: 7px 16px; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-size: 12px; font-weight: 600; }
th:last-child { width: 152px; }
@media (max-width: 600px) { main { padding: 16px 12px 40px; } table { min-width: 0; } thead { display: none; }
  .problem dl { grid-template-columns: 1fr; } dd { margin-bottom: 6px; }
  .keys li { white-space: pre-wrap; padding-left: 1em; text-indent: -1em; }
  tr { display: flex; flex-direction: column; gap: 2px; border-top: 1px solid var(--line); padding: 8px 16px; }
  td { border: 0; padding: 0; } td:last-child { order: -1; } }
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
    counts = _counts(results)
    figures = "".join(
        f'<div class="figure"><b>{count:,}</b><span class="soft">{word}</span></div>'
        for word, count in {"rows": rows, **{_counted(kind, count): count for kind, count in counts.items()}}.items()
        if count or word in ("rows", "passed", "stop")
    )
    tone = "bad" if not passed else "warn" if counts["warned"] else "good"
    return (
        f'<section class="verdict" style="--tone: var(--{tone})"><h1>{escape(title)}</h1>'
        f"<p>{_words(passed, counts, len(results))}</p>"
        f'<div class="figures">{figures}</div></section>\n'
    )


def _words(passed: bool, counts: Mapping[str, int], total: int) -> str:
    """The verdict in sentences."""
    failed, broke, warned = counts["failed"], counts["broken"], counts["warned"]
    told = [f"{failed} {'check does' if failed == 1 else 'checks do'} not hold"] if failed else []
    if broke:
        told.append(f"{broke} {'check' if broke == 1 else 'checks'} broke and could not judge the data")
    if passed:
        first = "No check stops the run" if warned else f"All {total} checks hold"
        first = f"{first}: training may start."
    else:
        first = f"{' and '.join(told) or 'Nothing was checked'}: the run was stopped before training."
    look = f" {warned} {'warning is' if warned == 1 else 'warnings are'} worth a look." if warned else ""
    fault = " A check that broke is a fault of the check, not of your data." if broke else ""
    return first + look + fault


def _problems(results: Sequence[Result]) -> str:
    """What stops the run, then what only warns."""
    parts = {"What stops the run": ("failed", "broken"), "Worth a look": ("warned",)}
    listed = {title: [result for result in results if _kind(result) in kinds] for title, kinds in parts.items()}
    return "".join(f"<h2>{title}</h2>\n{''.join(map(_problem, found))}" for title, found in listed.items() if found)


def _problem(result: Result) -> str:
    keys = "".join(f"<li>{escape(key)}</li>" for key in result["keys"])
    more = result["count"] - len(result["keys"])
    if keys and more > 0:
        keys += f'<li class="soft">... and {more:,} more</li>'
    listed = f'<ul class="keys">{keys}</ul>' if keys else ""
    column = f"<code>{escape(result['column'])}</code>" if result["column"] else ""
    told = {"Expected": result["sentence"], "Found": result["found"], "Cure": result["cure"]}
    lines = "".join(f"<dt>{name}</dt><dd>{escape(_sentence(words))}</dd>" for name, words in told.items() if words)
    heading = f"{_pill(result)}{escape(_heading(result))}{column}"
    return f'<article class="problem"><h3>{heading}</h3><dl>{lines}</dl>{listed}</article>\n'


def _groups(results: Sequence[Result]) -> str:
    """All checks by id in the order in which they were run; a group opens by itself unless it is long and holds."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result["check"], []).append(result)
    return "<h2>Every check</h2>\n" + "".join(map(_group, groups.values()))


def _group(members: Sequence[Result]) -> str:
    counts = _counts(members)
    pills = "".join(
        f'<span class="pill {kind}">{count} {_counted(kind, count)}</span>' for kind, count in counts.items() if count
    )
    opened = " open" if len(members) <= _SHORT or any(counts[kind] for kind in ("failed", "broken", "warned")) else ""
    head = "<thead><tr><th>Expected</th><th>Found</th><th>Status</th></tr></thead>"
    rows = "".join(map(_row, members))
    return (
        f"<details{opened}><summary>{escape(_title(members[0]['check']))} {pills}</summary>"
        f'<div class="scroll"><table>{head}<tbody>\n{rows}</tbody></table></div></details>\n'
    )


def _row(result: Result) -> str:
    return (
        f'<tr><td>{escape(_sentence(result["sentence"]))}</td><td class="soft">{escape(_sentence(result["found"]))}</td>'
        f"<td>{_pill(result)}</td></tr>\n"
    )


def _kind(result: Result) -> str:
    """What a result is to its reader: a key of `_WORDS`."""
    if result["status"] in ("failed", "broken"):
        return "warned" if result["severity"] == "warn" else result["status"]
    return "waiting" if result["status"] == "not run" else "passed"


def _counts(results: Sequence[Result]) -> dict[str, int]:
    kinds = [_kind(result) for result in results]
    return {kind: kinds.count(kind) for kind in _WORDS}


def _counted(kind: str, count: int) -> str:
    return (_WORDS if count == 1 else _MANY)[kind]


def _pill(result: Result) -> str:
    """The word for a result; a check that broke says so, whether it stops the run or warns."""
    kind = _kind(result)
    broke = " broken" if result["status"] == "broken" and kind != "broken" else ""
    return f'<span class="pill {kind}{broke}">{_WORDS["broken" if broke else kind]}</span>'


def _sentence(words: str) -> str:
    name = "_" in words.partition(" ")[0]  # of an expectation or a column: no word to begin a sentence with
    return words if name else words[:1].upper() + words[1:]


def _heading(result: Result) -> str:
    return _title(result["check"]) if result["number"] is None else f"{_title(result['check'])} {result['number']}"


def _title(check: str) -> str:
    """The heading of a check: the one it has in the catalog, or else its id in words."""
    if check == OWN:
        return "Own check"
    return BUILT_IN[check].title if check in BUILT_IN else check.replace("_", " ").capitalize()
