"""Values kept in memory within a byte budget, the least recently used dropped first; shared by all server threads."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """A bounded store for values that never change, such as the tables of a model version.

    Args:
        budget: bytes that all kept values may weigh together; a single heavier value is returned but not kept.
        weigh: the bytes of one value.
    """

    def __init__(self, budget: int, weigh: Callable[[Value], int]) -> None:
        self._budget, self._weigh = budget, weigh
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._guard, self._loading = Lock(), Lock()

    @property
    def weight(self) -> int:
        """Bytes kept now."""
        return sum(size for _, size in self._kept.values())

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """The value kept under `key`, or what `load` returns. One value loads at a time, so none loads twice."""
        found = self._find(key)
        if found is not None:
            return found
        with self._loading:
            found = self._find(key)
            return found if found is not None else self._keep(key, load())

    def _find(self, key: Hashable) -> Value | None:
        with self._guard:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def _keep(self, key: Hashable, value: Value) -> Value:
        with self._guard:
            self._kept[key] = (value, self._weigh(value))
            while self._kept and self.weight > self._budget:
                self._kept.popitem(last=False)
        return value
