"""Levels, their nodes, and the maps between rows, series and nodes.

A *level* is a key column (region, brand ...), a *node* one of its values, a *series* one combination of nodes over
all levels. Levels may be nested (state in region) or crossed (brand by state): nothing here assumes either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest

UNSEEN = -1
BOTTOM, TOTAL = "bottom", "total"


@dataclass(frozen=True)
class Hierarchy:
    """The nodes of every level and the series that exist.

    Args:
        levels: names of the key columns, in declared order.
        nodes: per level its node names, sorted; a node's code is its place in this tuple.
        series: (series, levels) node codes, sorted, each row once.
    """

    levels: tuple[str, ...]
    nodes: dict[str, tuple[str, ...]]
    series: np.ndarray

    @classmethod
    def from_panel(cls, panel: pd.DataFrame, levels: Sequence[str]) -> "Hierarchy":
        """Collect nodes and series of a panel with one row per series and period.

        Raises:
            PanelError: a level is not a column of the panel, or has empty cells.
        """
        codes, nodes = [], {}
        for level in levels:
            code, names = pd.factorize(_names(panel, level), sort=True)
            if (code == UNSEEN).any():
                raise PanelError(f"level {level!r} is empty in {int((code == UNSEEN).sum())} rows; every row needs a node")
            codes.append(code)
            nodes[level] = tuple(names)
        stacked = np.stack(codes, axis=1).astype(np.int32)
        return cls(tuple(levels), nodes, np.unique(stacked, axis=0))

    def codes(self, panel: pd.DataFrame) -> np.ndarray:
        """Node codes of every row, (rows, levels); UNSEEN where a node is new. Raises PanelError for a missing level."""
        columns = []
        for level in self.levels:
            values, names = pd.factorize(_names(panel, level))
            known = pd.Index(self.nodes[level]).get_indexer(names)
            columns.append(np.where(values == UNSEEN, UNSEEN, known[values]) if len(names) else values)
        return np.stack(columns, axis=1).astype(np.int32)

    def series_of(self, codes: np.ndarray) -> np.ndarray:
        """The series of every row of (rows, levels) codes: (rows,) row numbers of `series`, UNSEEN where it is new."""
        place = np.searchsorted(self._series_keys, self._keys(codes))
        place = np.minimum(place, len(self.series) - 1)
        return np.where((self.series[place] == codes).all(axis=1), place, UNSEEN)

    def membership(self, level: str) -> np.ndarray:
        """The node of `level` that each series belongs to, (series,). Raises PanelError for an unknown level."""
        return self.series[:, self._place(level)]

    def is_nested(self, child: str, parent: str) -> bool:
        """Whether every node of `child` has one parent in `parent`, as seen in the series."""
        pairs = np.unique(self.series[:, [self._place(child), self._place(parent)]], axis=0)
        return len(np.unique(pairs[:, 0])) == len(pairs)

    def to_json(self) -> dict[str, Any]:
        """Levels and nodes; the series travel as an array beside it."""
        return {"levels": list(self.levels), "nodes": {level: list(names) for level, names in self.nodes.items()}}

    @classmethod
    def from_json(cls, config: dict[str, Any], series: np.ndarray) -> "Hierarchy":
        """The inverse of `to_json`."""
        return cls(tuple(config["levels"]), {level: tuple(names) for level, names in config["nodes"].items()}, series)

    def _place(self, level: str) -> int:
        if level not in self.levels:
            raise PanelError(f"no level {level!r}; {nearest(level, self.levels)}")
        return self.levels.index(level)

    @cached_property
    def _series_keys(self) -> np.ndarray:
        return self._keys(self.series)

    def _keys(self, codes: np.ndarray) -> np.ndarray:
        """One sortable integer per row of codes; unseen nodes count as one before the first."""
        sizes = [len(self.nodes[level]) + 1 for level in self.levels]
        if np.prod(np.array(sizes, dtype=float)) > 2**62:
            raise PanelError("the levels have too many combinations to number; drop a level that repeats another")
        key = np.zeros(len(codes), dtype=np.int64)
        for column, size in enumerate(sizes):
            key = key * size + codes[:, column] + 1
        return key


def groupings(levels: Sequence[str]) -> dict[str, list[str]]:
    """The aggregations that scores are reported at: the bottom series, every level by itself, and the total."""
    return {BOTTOM: list(levels), **{level: [level] for level in levels if len(levels) > 1}, TOTAL: []}


def node_names(column: pd.Series) -> pd.Series:
    """The text that tells the nodes of a level apart, (rows,), empty where the column is.

    A whole number among floats is written as the integer it was: one empty cell elsewhere makes floats of all codes.
    """
    if column.dtype == "str":
        return column
    text = column.astype("str")
    if pd.api.types.is_float_dtype(column.dtype):
        text = text.str.removesuffix(".0")
    return text.where(column.notna())


def _names(panel: pd.DataFrame, level: str) -> pd.Series:
    if level not in panel.columns:
        raise PanelError(f"no column {level!r} for that level; {nearest(level, map(str, panel.columns))}")
    return node_names(panel[level])
