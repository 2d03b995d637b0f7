"""Which series each row of a batch is, counted in codes: a few names per batch are read, none per row."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.hierarchy import UNSEEN, Hierarchy, node_names
from hierforecast.hiref.columns.cells import read_column
from hierforecast.hiref.columns.rows import number_combinations

SMALL_TABLE = 1 << 22  # combinations of nodes up to which a table of all of them is faster than looking for each


class BatchKeys(NamedTuple):
    """The series of a batch.

    Args:
        hierarchy: its nodes and series alone.
        series: (rows,) which of the hierarchy's series each row is.
    """

    hierarchy: Hierarchy
    series: np.ndarray


class Joined(NamedTuple):
    """Two hierarchies as one.

    Args:
        hierarchy: all nodes and series of both.
        first: (series of the first,) their places in it.
        second: (series of the second,) likewise.
    """

    hierarchy: Hierarchy
    first: np.ndarray
    second: np.ndarray


def read_keys(frame: pd.DataFrame, levels: Sequence[str]) -> BatchKeys:
    """The series of the rows of a batch. Raises PanelError where a level is missing, repeated or empty."""
    codes, nodes = [], {}
    for level in levels:
        code, names = _codes(read_column(frame, level, "column for level"), level)
        codes.append(code)
        nodes[level] = names
    sizes = [len(names) for names in nodes.values()]
    if np.prod(np.array(sizes, dtype=float)) <= SMALL_TABLE:
        kinds, row = _tabulate(codes, sizes)
    else:
        kinds, row = _number(codes, sizes)
    hierarchy, places = _sorted(tuple(levels), nodes, kinds)
    return BatchKeys(hierarchy, places[row])


def join(first: Hierarchy, second: Hierarchy) -> Joined:
    """All nodes and series of two hierarchies over the same levels."""
    if first.nodes == second.nodes and np.array_equal(first.series, second.series):
        same = np.arange(len(first.series))
        return Joined(first, same, same)
    nodes, recoded = {}, []
    for level in first.levels:
        nodes[level] = tuple(sorted({*first.nodes[level], *second.nodes[level]}))
        lookup = pd.Index(nodes[level])
        recoded.append([lookup.get_indexer(list(one.nodes[level])) for one in (first, second)])
    series = [
        np.stack([places[which][one.series[:, k]] for k, places in enumerate(recoded)], axis=1).astype(np.int32)
        for which, one in enumerate((first, second))
    ]
    stacked = np.concatenate(series)
    kept = ~pd.DataFrame(stacked).duplicated().to_numpy()
    unsorted = stacked[kept]
    hierarchy = Hierarchy(first.levels, nodes, unsorted[np.lexsort(unsorted.T[::-1])])
    return Joined(hierarchy, hierarchy.series_of(series[0]), hierarchy.series_of(series[1]))


def places_in(whole: Hierarchy, part: Hierarchy) -> np.ndarray:
    """(series of the part,) their places in the whole, which has them all."""
    if part.nodes == whole.nodes and np.array_equal(part.series, whole.series):
        return np.arange(len(part.series))
    columns = [pd.Index(whole.nodes[level]).get_indexer(list(part.nodes[level])) for level in whole.levels]
    codes = np.stack([places[part.series[:, k]] for k, places in enumerate(columns)], axis=1)
    return whole.series_of(codes.astype(np.int32))


def names_of(hierarchy: Hierarchy, series: np.ndarray | slice = slice(None)) -> pd.DataFrame:
    """The node names of some series, (series, levels)."""
    codes = hierarchy.series[series]
    return pd.DataFrame(
        {level: np.array(hierarchy.nodes[level], dtype=object)[codes[:, k]] for k, level in enumerate(hierarchy.levels)}
    )


def _codes(column: pd.Series, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Per row the place of its node in the batch's node names."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, values = pd.factorize(column)
    empty = int((codes == UNSEEN).sum())
    if empty:
        raise PanelError(f"level {level!r} is empty in {empty} rows; every row needs a node")
    return codes, node_names(pd.Series(values)).to_numpy(dtype=object)


def _tabulate(codes: list[np.ndarray], sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct combinations, (combinations, levels), and (rows,) which one each row is; by a table of all."""
    key = np.zeros(len(codes[0]), dtype=np.int32)
    for code, size in zip(codes, sizes, strict=True):
        key *= size
        key += code
    there = np.zeros(int(np.prod(sizes)), dtype=bool)
    there[key] = True
    present = np.flatnonzero(there)
    table = np.cumsum(there, dtype=np.int32) - 1
    return np.stack(np.unravel_index(present, sizes), axis=1), table[key]


def _number(codes: list[np.ndarray], sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The same for any number of nodes."""
    row, first = number_combinations(codes, sizes)
    return np.stack([code[first] for code in codes], axis=1).astype(np.int64), row


def _sorted(levels: tuple[str, ...], nodes: dict[str, np.ndarray], kinds: np.ndarray) -> tuple[Hierarchy, np.ndarray]:
    """A hierarchy of the (combinations, levels) kinds, nodes that none uses left out, and each kind's place in it."""
    recoded, used = [], {}
    for level, code in zip(levels, kinds.T, strict=True):
        present, place = np.unique(code, return_inverse=True)
        names, again = np.unique(nodes[level][present].astype(str), return_inverse=True)
        used[level] = tuple(names.tolist())
        recoded.append(again[place])
    series = np.stack(recoded, axis=1).astype(np.int32)
    hierarchy = Hierarchy(levels, used, np.unique(series, axis=0))
    return hierarchy, hierarchy.series_of(series)
