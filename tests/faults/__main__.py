"""python -m tests.faults [--only NAME ...] [--list] [--out FOLDER] [--keep FOLDER] [--lanes NUMBER]."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from hierforecast.errors import nearest
from tests.faults.lanes import run_rows
from tests.faults.report import as_table, write
from tests.faults.rows import ROWS


def main() -> None:
    """Run the rows that were asked for; exit code 1 if a promise was broken."""
    given = _parsed()
    names = given.only or list(ROWS)
    if given.list:
        print("\n".join(f"{name:24s} {ROWS[name].fault}" for name in names))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as temporary:
        sys.exit(_run(names, given.keep or Path(temporary), given.out, given.lanes))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The fault matrix.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these rows alone")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--out", type=Path, help="folder for faults.json and faults.md")
    parser.add_argument("--keep", type=Path, help="folder for homes and logs, which stay; else a temporary one that goes")
    parser.add_argument("--lanes", type=int, default=2, help="how many rows at once, each lane with a home of its own")
    given = parser.parse_args()
    for name in given.only or []:
        if name not in ROWS:
            parser.error(f"no row {name!r}; {nearest(name, ROWS)}")
    return given


def _run(names: list[str], folder: Path, out: Path | None, lanes: int) -> int:
    began, findings = time.monotonic(), []
    for found in run_rows([ROWS[name] for name in names], folder, lanes=lanes, tell=_tell):
        findings.append(found)
        _tell(f"{found.name}: {'; '.join(found.broken) or 'every promise kept'} ({found.seconds:.0f} s)")
        if out:
            write(findings, out)
    broken = sum(bool(found.broken) for found in findings)
    _tell(f"\n{as_table(findings)}\n")
    _tell(f"{len(findings)} faults, {broken} broke a promise; {(time.monotonic() - began) / 60:.1f} minutes")
    return int(broken > 0 or len(findings) < len(names))


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
