"""How a mutation is declared, and all of them by name."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.mutations.case import Case

Change = Callable[[Case, np.random.Generator], None]


class Mutation(NamedTuple):
    """One way in which an input goes wrong.

    Args:
        name: of the function, in words.
        kind: "files", "sales", "media" or "settings".
        change: carries it out.
    """

    name: str
    kind: str
    change: Change


MUTATIONS: list[Mutation] = []


def mutation(kind: str) -> Callable[[Change], Change]:
    """Declare a function that changes a case in place as a mutation of this kind."""

    def declare(change: Change) -> Change:
        MUTATIONS.append(Mutation(change.__name__.replace("_", " "), kind, change))
        return change

    return declare
