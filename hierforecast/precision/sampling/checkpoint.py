"""What the chains have done so far, on disk: one file per call of the program, so that a run that was killed goes on.

A file holds the records of its call and where the chains stand after it. It is written beside and renamed, and carries a
fingerprint of all that decides the draws; files of another fingerprint are dropped.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from hierforecast.precision.sampling.averaging import Averaging
from hierforecast.whole_files import whole_file

PATTERN = "call-{:05d}.safetensors"


class Standing(NamedTuple):
    """Where the chains stand between two calls of the program."""

    flat: np.ndarray  # (chains, size)
    metric: np.ndarray  # (size, size)
    averaging: Averaging


def fingerprint(*parts: Any) -> str:
    """SHA-256 over nested tuples of arrays, numbers and texts; shapes and types count."""
    digest = hashlib.sha256()
    _feed(digest, parts)
    return digest.hexdigest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, tuple | list):
        digest.update(f"({len(part)}".encode())
        for one in part:
            _feed(digest, one)
    elif isinstance(part, np.ndarray):
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    else:
        digest.update(repr(part).encode())


class Checkpoint:
    """The calls of one run in a folder.

    Args:
        folder: made if it is not there.
        key: fingerprint of the run; calls of another run are deleted.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        if self.read(0) is None:
            for stale in folder.glob("call-*.safetensors"):
                stale.unlink(missing_ok=True)

    def read(self, call: int) -> tuple[np.ndarray, Standing] | None:
        """Records and standing of a call, None where it was not finished."""
        path = self._folder / PATTERN.format(call)
        try:
            with safe_open(path, framework="numpy") as file:
                if json.loads(file.metadata()["run"]) != [self._key, call]:
                    return None
                averaging = Averaging(*(file.get_tensor(name) for name in Averaging._fields))
                return file.get_tensor("records"), Standing(file.get_tensor("flat"), file.get_tensor("metric"), averaging)
        except (FileNotFoundError, SafetensorError, KeyError, TypeError):
            return None

    def write(self, call: int, records: np.ndarray, standing: Standing) -> None:
        """Keep a finished call."""
        path = self._folder / PATTERN.format(call)
        arrays = {"records": records, "flat": standing.flat, "metric": standing.metric, **standing.averaging._asdict()}
        with whole_file(path) as beside:
            save_file(
                {name: np.ascontiguousarray(array) for name, array in arrays.items()},
                beside,
                metadata={"run": json.dumps([self._key, call])},
            )
