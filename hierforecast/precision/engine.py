"""TensorFlow, imported the way the sampler wants it.

Half of TensorFlow's import is Keras, which no line here needs; kept away while TensorFlow is imported, it still comes when
somebody asks for `tf.keras` later. And the sampler's operations are small: one thread runs them in half the processor time
that several need to share them out. Where a program has imported TensorFlow itself before, everything stays as it is there.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_NOT_NEEDED = ("keras", "tf_keras")


@cache
def tensorflow() -> Any:
    """The module `tensorflow`."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    with _without(_NOT_NEEDED):
        import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


@contextmanager
def _without(packages: tuple[str, ...]) -> Iterator[None]:
    """Let some packages be not found for a while, which TensorFlow allows for: None is Python's own mark for that."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)
