"""TensorFlow, imported the way the sampler wants it.

Half of TensorFlow's import is Keras, which no line here needs; kept away while TensorFlow is imported, it still comes when
somebody asks for `tf.keras` later. And the sampler's operations are small: one thread runs them in half the processor time
that several need to share them out. Where a program has imported TensorFlow itself before, everything stays as it is there.
"""

import importlib.abc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_NOT_NEEDED = ("keras", "tf_keras")


@cache
def tensorflow() -> Any:
    """The module `tensorflow`."""
    first = "tensorflow" not in sys.modules
    with _without(_NOT_NEEDED) if first else _as_it_is():
        import tensorflow as tf
    if first:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


@contextmanager
def _without(packages: tuple[str, ...]) -> Iterator[None]:
    """Let imports of some packages fail for a while, which TensorFlow allows for."""
    absent = _Absent(packages)
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


class _Absent(importlib.abc.MetaPathFinder):
    """Finds no package of some names, whatever is installed."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise ModuleNotFoundError for the packages that are kept away."""
        del path, target
        if name.split(".")[0] in self._packages:
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)
