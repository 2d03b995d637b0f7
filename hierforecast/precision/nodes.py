"""Nodes of the media tree by name: which tacticals lie under one, and what is said when there is none of that name."""

from collections.abc import Iterator

import numpy as np

from hierforecast.errors import SettingsError, nearest
from hierforecast.precision.hierarchy import Hierarchy

TOTAL = "total"


def all_nodes(hierarchy: Hierarchy) -> Iterator[tuple[str, str, np.ndarray]]:
    """Level, node and (tacticals,) bool of every node from the leaves up, the total last."""
    for level in hierarchy.levels:
        membership = hierarchy.membership(level)
        for code, node in enumerate(hierarchy.nodes(level)):
            yield level, node, membership == code
    yield TOTAL, TOTAL, np.ones(hierarchy.num_tacticals, dtype=bool)


def tacticals_under(hierarchy: Hierarchy, node: str, level: str | None = None) -> np.ndarray:
    """The tacticals under a node, (tacticals,) bool.

    Args:
        hierarchy: the media tree.
        node: name of a node of any level, or "total".
        level: its level; needed only where levels share the name for different tacticals.

    Raises:
        SettingsError: there is no such level or node, or the name alone does not say which is meant.
    """
    if level is not None and level not in (*hierarchy.levels, TOTAL):
        raise SettingsError(f"the media tree has no level {level!r}; {nearest(level, (*hierarchy.levels, TOTAL))}")
    found = [(at, mask) for at, name, mask in all_nodes(hierarchy) if name == node and level in (None, at)]
    if not found:
        where = f" on level {level!r}" if level else ""
        names = dict.fromkeys(name for at, name, _ in all_nodes(hierarchy) if level in (None, at))
        raise SettingsError(f"the media tree has no node {node!r}{where}; {nearest(node, names)}")
    if any((mask != found[0][1]).any() for _, mask in found):
        raise SettingsError(f"{node!r} is a node of several levels, {[at for at, _ in found]}; name the level as well")
    return found[0][1]
