"""Hierarchy integrity: one parent where levels are declared nested, typing slips where they nearly are, doubled names."""

import re
import unicodedata
from itertools import pairwise, permutations
from typing import ClassVar, NamedTuple

import numpy as np

from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several

_ACCENTS = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")  # in other scripts such marks make other letters
NEARLY = 0.995  # share of a node's rows below its usual parent, from which the others look like slips


class Stray(NamedTuple):
    """A node that lies below another parent than its usual one.

    Args:
        node: as it came.
        usual: the parent of most of its rows.
        usual_rows: rows below it.
        other: another parent.
        other_rows: rows below that one.
    """

    node: str
    usual: str
    usual_rows: int
    other: str
    other_rows: int


class ExpectOneParent(PanelExpectation):
    """Each node of a narrower level lies in one node of the wider level before it (`checks.nested`).

    Args:
        nested: levels, the widest first.
    """

    nested: list[str]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "nested")

    def find(self, view: PanelView) -> Finding:
        """Nodes with two parents, and the rows below the rarer one."""
        told, rows = _all_strays(view, list(pairwise(self.nested)), least=0)
        if not told:
            return Finding(f"every node of {', '.join(map(repr, self.nested[1:]))} has one parent")
        cure = "Mend the names, or take the levels out of checks.nested if they cross"
        return Finding(f"{_listed(told)}. {cure}", int(rows.sum()), view.keys(rows))


class ExpectNoStrayParents(PanelExpectation):
    """Where all but a few rows nest, those few are a slip: state Texas in region South 5,200 times and in North 3 times.

    Levels that truly cross have nodes with several parents of some weight, and are left alone.

    Args:
        nested: lists of levels that are declared nested and judged elsewhere.
    """

    nested: list[list[str]]
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "nested")

    def find(self, view: PanelView) -> Finding:
        """Rows below a parent that their node hardly ever has."""
        declared = {pair for levels in self.nested for pair in pairwise(levels)}
        pairs = [pair for pair in permutations(view.levels, 2) if pair not in declared]
        told, rows = _all_strays(view, pairs, least=NEARLY)
        if not told:
            return Finding("no node lies below another parent in a few rows only")
        return Finding(f"{_listed(told)}: a slip? Mend the names if it is", int(rows.sum()), view.keys(rows))


class ExpectDistinctNames(PanelExpectation):
    """No two nodes of a level differ by capitals, accents or spaces alone: they would be learned as two."""

    def find(self, view: PanelView) -> Finding:
        """Pairs of names that look alike."""
        alike = [(level, names) for level, (_, known) in view.nodes.items() for names in _alike(known)]
        if not alike:
            return Finding("no two names of a level differ by capitals, accents or spaces alone")
        told = "; ".join(f"{level}: {' and '.join(map(repr, names))}" for level, names in alike[:SHOWN_KEYS])
        keys = tuple(f"{level}={names[1]!r}" for level, names in alike[:SHOWN_KEYS])
        return Finding(f"{told}. One node? Write it one way", len(alike), keys)


def _all_strays(view: PanelView, pairs: list[tuple[str, str]], *, least: float) -> tuple[list[str], np.ndarray]:
    """What to say of every stray below pairs of levels (wide, narrow), and a mask over the frame of their rows."""
    told, rows = [], np.zeros(len(view.frame), dtype=bool)
    for wide, narrow in pairs:
        strays, theirs = _strays(view, wide, narrow, least=least)
        rows |= theirs
        told += [
            f"{narrow} {stray.node} is in {wide} {stray.usual} in {several(stray.usual_rows, 'row')} "
            f"and in {stray.other} in {stray.other_rows:,}"
            for stray in strays
        ]
    return told, rows


def _strays(view: PanelView, wide: str, narrow: str, *, least: float) -> tuple[list[Stray], np.ndarray]:
    """Nodes of `narrow` in several of `wide`, where each node keeps at least that share of its rows in one of them."""
    (parents, parent_names), (nodes, node_names) = view.nodes[wide], view.nodes[narrow]
    none = np.zeros(len(nodes), dtype=bool)
    if least and not 1 < len(parent_names) < len(node_names):
        return [], none
    together = nodes * np.int64(len(parent_names)) + parents
    order = view.ordered
    heads = order.rows[order.starts]  # a series has one node of each level, so series stand for their rows
    lengths = np.diff(np.r_[order.starts, len(order.rows)])
    pairs, place = np.unique(together[heads], return_inverse=True)
    counts = np.bincount(place, weights=lengths).astype(np.int64)
    node, parent = np.divmod(pairs, len(parent_names))
    last_of_node = np.flatnonzero(np.r_[np.diff(node) > 0, True])
    usual = np.full(len(node_names), -1)
    usual[node[last_of_node]] = np.lexsort((counts, node))[last_of_node]  # the pair of most rows of each node
    usual = usual[node]
    if len(last_of_node) == len(pairs) or (counts[usual] < least * np.bincount(node, weights=counts)[node]).any():
        return [], none
    rare = np.flatnonzero(usual != np.arange(len(pairs)))
    names = zip(node_names[node[rare]], parent_names[parent[usual[rare]]], parent_names[parent[rare]], strict=True)
    sizes = zip(counts[usual[rare]].tolist(), counts[rare].tolist(), strict=True)
    strays = [Stray(str(n), str(p), many, str(o), few) for (n, p, o), (many, few) in zip(names, sizes, strict=True)]
    return strays, np.isin(together, pairs[rare])


def _listed(told: list[str]) -> str:
    more = f"; and {len(told) - 3:,} more" if len(told) > 3 else ""
    return "; ".join(told[:3]) + more


def _alike(names: np.ndarray) -> list[list[str]]:
    """Groups of different names that read the same."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_bare(str(name)), []).append(str(name))
    return [group for group in groups.values() if len(group) > 1]


def _bare(name: str) -> str:
    """A name without capitals, accents, and spaces around or doubled."""
    if name.isascii():
        return " ".join(name.casefold().split())
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", name))  # not NFKD, to which m² is m2
    return " ".join(plain.casefold().split())
