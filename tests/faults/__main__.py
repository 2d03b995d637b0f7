"""python -m tests.faults [--only NAME ...] [--list] [--out FOLDER] [--keep FOLDER]."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from hierforecast.errors import nearest
from tests.faults.matrix import Matrix, as_table, write
from tests.faults.rows import ROWS


def main() -> None:
    """Run the rows that were asked for; exit code 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The fault matrix.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these rows alone")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--out", type=Path, help="folder for faults.json and faults.md")
    parser.add_argument("--keep", type=Path, help="folder for homes and logs, which stay; else a temporary one that goes")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended
    given = parser.parse_args()
    names = given.only or list(ROWS)
    for name in names:
        if name not in ROWS:
            parser.error(f"no row {name!r}; {nearest(name, ROWS)}")
    if given.list:
        print("\n".join(f"{name:24s} {ROWS[name].fault}" for name in names))
        return
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        sys.exit(_run(names, given.keep or Path(temporary), given.out))


def _run(names: list[str], folder: Path, out: Path | None) -> int:
    began, findings = time.monotonic(), []
    matrix = Matrix(folder, tell=lambda line: print(line, flush=True))
    try:
        for name in names:
            findings.append(matrix.run(ROWS[name]))
            found = findings[-1]
            print(f"{name}: {'; '.join(found.broken) or 'every promise kept'} ({found.seconds:.0f} s)", flush=True)
            if out:
                write(findings, out)
    finally:
        matrix.close()
    broken = sum(bool(found.broken) for found in findings)
    print(f"\n{as_table(findings)}\n")
    print(f"{len(findings)} faults, {broken} broke a promise; {(time.monotonic() - began) / 60:.1f} minutes")
    return int(broken > 0)


if __name__ == "__main__":
    main()
