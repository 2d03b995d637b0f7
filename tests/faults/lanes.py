"""Rows side by side: a Monday run of a tiny company is mostly imports, which keep one core busy."""

import queue
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.matrix import Matrix, Tell
from tests.faults.report import Finding
from tests.faults.row import Row


def run_rows(rows: Sequence[Row], folder: Path, *, lanes: int, tell: Tell) -> Iterator[Finding]:
    """Findings as they come; every lane has a folder and servers of its own, and all are ended with the iteration.

    A row whose harness itself failed is told, and ends as a broken one.
    """
    waiting: queue.SimpleQueue[Row] = queue.SimpleQueue()
    found: queue.SimpleQueue[Finding] = queue.SimpleQueue()
    for row in rows:
        waiting.put(row)
    matrices = [Matrix(folder / f"lane-{number + 1}", tell=tell) for number in range(min(lanes, len(rows)))]
    for matrix in matrices:
        threading.Thread(target=_work, args=(matrix, waiting, found), daemon=True).start()
    try:
        for _ in rows:
            yield found.get()
    finally:
        for matrix in matrices:
            matrix.close()


def _work(matrix: Matrix, waiting: "queue.SimpleQueue[Row]", found: "queue.SimpleQueue[Finding]") -> None:
    while not matrix.closed:
        try:
            row = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            found.put(matrix.run(row))
        except Exception:
            found.put(Finding.of_a_broken_harness(row, traceback.format_exc()))
