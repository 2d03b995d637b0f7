"""What came of the rows, as a table for people and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.row import Row

_COLUMNS = ["fault", "seen", "end state", "lost", "doubled", "wrongly promoted", "s"]


@dataclass(frozen=True)
class Finding:
    """What came of a row: the last line that a person saw with its exit code, the end, and how many promises were broken."""

    name: str
    fault: str
    saw: str
    end_state: str
    lost: int
    doubled: int
    wrongly_promoted: int
    broken: list[str]
    seconds: float

    @classmethod
    def of_a_broken_harness(cls, row: Row, trace: str) -> "Finding":
        """Where no verdict was reached, none is good."""
        told = f"the harness failed: {trace.strip().splitlines()[-1]}"
        return cls(row.name, row.fault, told, "unknown", 0, 0, 0, [trace], 0.0)


def as_table(findings: Sequence[Finding]) -> str:
    """The matrix as Markdown."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for found in findings:
        cells = [found.fault, _short(found.saw), found.end_state, found.lost, found.doubled, found.wrongly_promoted]
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in [*cells, f"{found.seconds:.0f}"]) + " |")
    return "\n".join(lines)


def write(findings: Sequence[Finding], folder: Path) -> None:
    """The matrix as JSON and Markdown into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.json").write_text(json.dumps([asdict(found) for found in findings], indent=1) + "\n", encoding="utf-8")
    (folder / "faults.md").write_text(as_table(findings) + "\n", encoding="utf-8")


def _short(line: str, most: int = 110) -> str:
    return line if len(line) <= most else f"{line[: most - 8]}…{line[-6:]}"
