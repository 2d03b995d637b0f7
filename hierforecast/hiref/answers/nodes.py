"""At which nodes an answer is given: rows, one level, several crossed ones, or all series together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest
from hierforecast.hierarchy import BOTTOM, TOTAL
from hierforecast.schema import SalesPanel

At = str | Sequence[str]  # a level, several, "bottom" or "total"


def columns_at(level: At, levels: Sequence[str]) -> list[str]:
    """The key columns of a node.

    Args:
        level: a level, several of them (crossed ones too), "bottom" for every series, or "total".
        levels: those declared.

    Raises:
        PanelError: no such level, or one named twice.
    """
    if isinstance(level, str):
        if level in (BOTTOM, TOTAL):
            return list(levels) if level == BOTTOM else []
        level = [level]
    if not isinstance(level, Sequence):
        raise PanelError(
            f"level must be the name of a level or a list of names, got {level!r}; {nearest('', [*levels, BOTTOM, TOTAL])}"
        )
    for name in level:
        if name not in levels:
            raise PanelError(f"no level {name!r}; {nearest(str(name), [*levels, BOTTOM, TOTAL])}")
    if len(set(level)) < len(level):
        raise PanelError(f"the levels {list(level)} name one twice; name each once")
    return list(level)


def sum_at(table: pd.DataFrame, level: At, panel: SalesPanel) -> pd.DataFrame:
    """Sum every number column of a table over the rows of a node and period, sorted by both.

    Args:
        table: levels, period and columns in target units.
        level: see `columns_at`.
        panel: names of levels and period.
    """
    by = [*columns_at(level, panel.levels), panel.period]
    numbers = [name for name in table.select_dtypes("number").columns if name not in (*panel.levels, panel.period)]
    return table.groupby(by, observed=True, sort=True)[numbers].sum().reset_index()


def joined_names(keys: pd.DataFrame, levels: Sequence[str]) -> pd.Series:
    """One name per row of a table for its node at one or more levels, (rows,): theirs, joined by " / "."""
    first, *others = (keys[level].astype("str") for level in levels)
    return first.str.cat(others, sep=" / ") if others else first


def joined(flags: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Per row of (rows, names) booleans, the names that hold, joined by commas."""
    found = np.full(len(flags), "", dtype=object)
    some = np.flatnonzero(flags.any(axis=1))  # mostly few: telling patterns apart sorts rows
    patterns, place = np.unique(flags[some], axis=0, return_inverse=True)
    texts = [",".join(name for name, holds in zip(names, pattern, strict=True) if holds) for pattern in patterns]
    found[some] = np.array(texts, dtype=object)[place.reshape(-1)]
    return found
