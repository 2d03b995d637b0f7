"""A panel as the checks see it: the frame, its keys in readable form, and its rows in order of series and period."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.grid import Grid, write_date
from hierforecast.schema import Frequency, MediaPanel, SalesPanel

SHOWN_KEYS = 10


class Finding(NamedTuple):
    """What a check found: one sentence, how many rows or things break it, and the keys of the first of them."""

    found: str
    count: int = 0
    keys: tuple[str, ...] = ()


class Ordered(NamedTuple):
    """Rows sorted by series and period.

    Args:
        rows: (rows,) positions in the frame.
        series: (rows,) number of the series of every sorted row, 0 ... series - 1.
        starts: (series,) first sorted row of every series.
        periods: (rows,) number on the grid of every sorted row's period.
    """

    rows: np.ndarray
    series: np.ndarray
    starts: np.ndarray
    periods: np.ndarray


@dataclass(frozen=True, eq=False)
class PanelView:
    """A frame with what its key columns are. The ordered parts need a period column of dates and at least one row."""

    frame: pd.DataFrame
    levels: tuple[str, ...]
    period: str
    frequency: Frequency

    @classmethod
    def of(cls, frame: pd.DataFrame, panel: SalesPanel | MediaPanel) -> "PanelView":
        """View a frame as a declared panel; a media panel is a single series."""
        return cls(frame, tuple(key_levels(panel)), panel.period, panel.frequency)

    def keys(self, rows: np.ndarray) -> tuple[str, ...]:
        """The keys of the first offending rows, given as positions or as a mask over the frame's rows."""
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows
        return tuple(self._key(position, [*self.levels, self.period]) for position in positions[:SHOWN_KEYS])

    def series_key(self, position: int) -> str:
        """The series of one row, e.g. ``region=North, brand=Alba``."""
        return self._key(position, [*self.levels]) or "the only series"

    def _key(self, position: int, columns: list[str]) -> str:
        known = [name for name in columns if name in self.frame.columns]
        cells = (f"{name}={write_date(self.frame[name].iloc[position])}" for name in known)
        return ", ".join(cells) if known or not columns else f"row {position + 1}"

    @cached_property
    def dates(self) -> tuple[np.ndarray, pd.DatetimeIndex]:
        """(rows,) place of every row's date in the sorted distinct dates, and those dates."""
        codes, dates = pd.factorize(self.frame[self.period], sort=True)
        return codes, pd.DatetimeIndex(dates)

    @cached_property
    def grid(self) -> Grid:
        """The declared calendar, anchored where most dates lie."""
        return Grid.fitting(self.dates[1], self.frequency)

    @cached_property
    def numbers(self) -> np.ndarray:
        """(rows,) number on the grid of every row's period."""
        codes, dates = self.dates
        return self.grid.numbers(dates)[codes]

    @cached_property
    def nodes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Per level, (rows,) number of every row's node, -1 where it is empty, and the nodes' names as they came."""
        found = {level: pd.factorize(self.frame[level]) for level in self.levels}
        return {level: (codes, np.asarray(names, dtype=object)) for level, (codes, names) in found.items()}

    @cached_property
    def ordered(self) -> Ordered:
        """Rows sorted by series and period."""
        series = np.zeros(len(self.frame), dtype=np.int64)
        for codes, names in self.nodes.values():
            series = pd.factorize(series * (len(names) + 1) + codes + 1)[0]
        rows = np.lexsort((self.numbers, series))
        series = series[rows]
        starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
        return Ordered(rows, series, starts, self.numbers[rows])

    def last_known(self, target: str) -> int | None:
        """Number of the last period in which any series has a known target; None where none has."""
        known = self.frame[target].notna().to_numpy()
        return int(self.numbers[known].max()) if known.any() else None


def key_levels(panel: SalesPanel | MediaPanel) -> list[str]:
    """The key columns beside the period: a media panel's levels are nodes of its tree, not columns."""
    return list(panel.levels) if isinstance(panel, SalesPanel) else []


def several(count: int, thing: str) -> str:
    """A count with its noun: ``1 row``, ``1,204 rows``."""
    return f"{count:,} {thing if count == 1 else thing + 's'}"
