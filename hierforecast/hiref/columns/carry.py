"""What series take with them from one batch of rows to the next: carry-over in the making, and values that lags reach.

Batches come in time order per series; which series lie in which batch does not matter. A period without a row has no
exposure, and under a lag it counts as at the reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hierforecast.errors import PanelError
from hierforecast.hiref.columns.expectation import SeasonSums
from hierforecast.hiref.columns.rows import Rows

BEFORE_ALL = -(2**40)  # periods: a series that nothing is known of yet


@dataclass(frozen=True)
class Carry:
    """The memory of every series, and what was found in the rows on the way.

    Args:
        through: (series,) the last period that is taken in; `BEFORE_ALL` where there was none.
        states: per geometric adstock, (series,) carried exposure at `through`.
        tails: per name, (depth, series) values of the periods up to `through`, oldest first.
        ranges: per driver, least and greatest value of its column so far.
        season: sums that the seasonal expectation of drivers not known ahead is made of; None without such drivers.
    """

    through: np.ndarray
    states: dict[str, np.ndarray] = field(default_factory=dict)
    tails: dict[str, np.ndarray] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    season: SeasonSums | None = None

    def take(self, series: np.ndarray) -> "Carry":
        """The memory of (batch series,) places, without what was found; a negative place remembers nothing."""
        new = series < 0
        through = np.where(new, BEFORE_ALL, self.through[series])
        states = {name: np.where(new, 0.0, state[series]) for name, state in self.states.items()}
        tails = {name: np.where(new, empty_of(name), tail[:, series]) for name, tail in self.tails.items()}
        return Carry(through, states, tails)

    def put(self, series: np.ndarray, part: "Carry") -> "Carry":
        """With the memory of (batch series,) places replaced by that of `part`, and what `part` found added."""

        def placed(old: np.ndarray, new: np.ndarray) -> np.ndarray:
            old = old.copy()
            old[..., series] = new
            return old

        return Carry(
            placed(self.through, part.through),
            {name: placed(state, part.states[name]) for name, state in self.states.items()},
            {name: placed(tail, part.tails[name]) for name, tail in self.tails.items()},
            _joined(self.ranges, part.ranges),
            self.season if self.season is None or part.season is None else self.season.add_at(series, part.season),
        )

    def __add__(self, other: "Carry") -> "Carry":
        """Two memories of the same numbering that took in different series, as the shards of a cluster do.

        Raises:
            PanelError: both took in rows of a series.
        """
        mine, theirs = self.through > BEFORE_ALL, other.through > BEFORE_ALL
        if (mine & theirs).any():
            raise PanelError(
                f"{int((mine & theirs).sum())} series lie in two shards that were read apart; "
                "read such shards one after the other, or divide the data by series"
            )
        whole = self.put(np.flatnonzero(theirs), replace(other.take(np.flatnonzero(theirs)), ranges=other.ranges))
        season = self.season if self.season is None or other.season is None else self.season + other.season
        return replace(whole, season=season)

    def renumber(self, places: np.ndarray, count: int) -> "Carry":
        """The same with series s now called ``places[s]`` among `count`; places nobody has are new series."""
        come_from = np.full(count, -1)
        come_from[places] = np.arange(len(places))
        season = self.season and self.season.renumber(places, count)
        return replace(self.take(come_from), ranges=self.ranges, season=season)

    def advance(self, end: int, decays: Mapping[str, float]) -> "Carry":
        """The same at the period `end`, as if there had been no exposure since `through`.

        Args:
            end: not before any series' `through`.
            decays: share carried per period, per name of `states`.
        """
        missed = end - self.through  # (series,)
        states = {name: state * decays[name] ** missed.astype(float) for name, state in self.states.items()}
        tails = {name: _shift(tail, missed, empty_of(name)) for name, tail in self.tails.items()}
        return replace(self, through=np.full_like(self.through, end), states=states, tails=tails)

    def refuse_earlier(self, rows: Rows) -> None:
        """Raise a PanelError if a row is no later than what its series has taken in."""
        late = rows.period <= self.through[rows.series]
        if late.any():
            row = np.flatnonzero(late)[0]
            key = ", ".join(f"{level} {node}" for level, node in rows.keys.iloc[rows.series[row]].items())
            raise PanelError(
                f"{int(late.sum())} rows come after later rows of their series, first {key}, {str(rows.dates[row])[:10]}; "
                "give the batches of a series in the order of time"
            )


def empty_of(name: str) -> float:
    """What stands in a tail where a series has no row: NaN for the target, which is centred later; 0 for all else."""
    return np.nan if name == TARGET_TAIL else 0.0


TARGET_TAIL = "the target"


def through_after(rows: Rows, through: np.ndarray) -> np.ndarray:
    """(series,) the last period taken in after these rows as well."""
    after = through.copy()
    ends = np.append(np.flatnonzero(rows.series[1:] != rows.series[:-1]), len(rows.series) - 1)
    after[rows.series[ends]] = rows.period[ends]
    return after


def extend(rows: Rows, values: np.ndarray, through: np.ndarray, tail: np.ndarray, empty: float) -> np.ndarray:
    """(depth + periods, series): values of rows spread over time from `depth` periods before `rows.first` on.

    Args:
        rows: of one batch.
        values: (rows,).
        through: (series,) where the tails end.
        tail: (depth, series) what went before.
        empty: stands where neither knows a value.
    """
    depth, count = tail.shape
    table = np.full((depth + rows.last - rows.first + 1, count), empty)
    for back in range(depth):
        place = through - back - rows.first + depth
        here = np.flatnonzero((place >= 0) & (place < len(table)))
        table[place[here], here] = tail[depth - 1 - back, here]
    table[depth + rows.period - rows.first, rows.series] = values
    return table


def tail_of(table: np.ndarray, first: int, through: np.ndarray, old_through: np.ndarray, old: np.ndarray) -> np.ndarray:
    """The new tail, (depth, series), of an extended table whose row `depth` is the period `first`."""
    depth = len(old)
    moved = through > old_through
    place = depth + np.where(moved, through, first) - first
    picked = table[place - np.arange(depth - 1, -1, -1)[:, None], np.arange(table.shape[1])]
    return np.where(moved, picked, old)


def _shift(tail: np.ndarray, missed: np.ndarray, empty: float) -> np.ndarray:
    place = np.arange(len(tail))[:, None] + np.minimum(missed, len(tail))
    inside = place < len(tail)
    return np.where(inside, np.take_along_axis(tail, np.where(inside, place, 0), axis=0), empty)


def _joined(ranges: dict[str, tuple[float, float]], more: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    both = dict(ranges)
    for name, (low, high) in more.items():
        least, greatest = both.get(name, (low, high))
        both[name] = (min(low, least), max(high, greatest))
    return both
