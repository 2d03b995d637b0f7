"""A panel read once: which series and period each row is, sorted so that a series' rows lie together in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.hiref.columns.cells import LARGEST, as_nodes, as_numbers, read_dates, refuse_no_frame
from hierforecast.schema import Frequency
from hierforecast.transforms.seasonality import DAYS_PER_YEAR

LONGEST_SILENCE = 10  # years without a row of any series, longer than any market rests: a date that stands for none
FARTHEST = 30  # years from training to a row to be forecast: nobody plans that far, and 9999-12-31 is no plan
PERIODS_PER_YEAR = {"day": 365, "week": 52, "month": 12}
_EXAMPLES = 3


@dataclass(frozen=True)
class Rows:
    """The rows of a panel in sorted order: by series, then by period. All per-row arrays below are in that order.

    Args:
        order: (rows,) the panel's row that stands at each sorted place.
        series: (rows,) place in `keys`.
        period: (rows,) whole periods since the origin.
        dates: (rows,) datetime64.
        keys: (series, levels) the node names of each series in this panel.
    """

    order: np.ndarray
    series: np.ndarray
    period: np.ndarray
    dates: np.ndarray
    keys: pd.DataFrame

    @cached_property
    def first(self) -> int:
        """The earliest period of any row."""
        return int(self.period.min())

    @cached_property
    def last(self) -> int:
        """The latest period of any row."""
        return int(self.period.max())

    def renumber(self, places: np.ndarray) -> "Rows":
        """The same rows with series s now called ``places[s]``, a permutation; a series' rows still lie together."""
        return Rows(
            self.order, places[self.series], self.period, self.dates, self.keys.iloc[np.argsort(places)].reset_index(drop=True)
        )

    def only(self, chosen: np.ndarray) -> "Rows":
        """The rows where (rows,) booleans hold; series keep their numbers."""
        return Rows(self.order[chosen], self.series[chosen], self.period[chosen], self.dates[chosen], self.keys)

    def unsort(self, values: np.ndarray) -> np.ndarray:
        """(rows, ...) from sorted order back to the panel's."""
        back = np.empty_like(values)
        back[self.order] = values
        return back

    def dense(self, values: np.ndarray, *, empty: float = 0.0) -> np.ndarray:
        """Spread (rows,) over (periods, series), from `first` to `last`; periods that a series misses get `empty`."""
        table = np.full((self.last - self.first + 1, len(self.keys)), empty)
        table[self.period - self.first, self.series] = values
        return table

    def gather(self, table: np.ndarray) -> np.ndarray:
        """The inverse of `dense`: (periods, series) back to (rows,)."""
        return table[self.period - self.first, self.series]


def read_rows(
    panel: pd.DataFrame, levels: Sequence[str], period: str, frequency: Frequency, *, origin: pd.Timestamp | None = None
) -> Rows:
    """Sort out who and when of every row.

    Args:
        panel: one row per series and period, in any order.
        levels: the key columns.
        period: the date column.
        frequency: "day", "week" or "month".
        origin: the date counted as period 0; None takes the panel's first.

    Raises:
        PanelError: no rows; a column is missing; a level or date is empty; the period is no date; a series has two
            rows in one period.
    """
    refuse_no_frame(panel)
    if panel.empty:
        raise PanelError("the panel has no rows; a model needs at least one row per series")
    keys, series = _series(panel, levels)
    dates = read_dates(panel, period)
    rows = sort_rows(series, dates, keys, frequency, origin=origin if origin is not None else pd.Timestamp(dates.min()))
    if origin is None:
        refuse_silence(distinct_days(dates)[0], period)
    return rows


def sort_rows(series: np.ndarray, dates: np.ndarray, keys: pd.DataFrame, frequency: Frequency, *, origin: pd.Timestamp) -> Rows:
    """The rows of (rows,) series, places in `keys`, and (rows,) dates, in any order. Raises PanelError for a repeated row."""
    number = period_number(dates, frequency, origin)
    order = time_order(series, number)
    series, number = series[order], number[order]
    same = (series[1:] == series[:-1]) & (number[1:] == number[:-1])
    if same.any():
        where = np.flatnonzero(same)[:_EXAMPLES] + 1
        examples = [{**keys.iloc[series[row]].to_dict(), "period": str(dates[order[row]])[:10]} for row in where]
        raise PanelError(
            f"{int(same.sum())} rows repeat a series and {frequency}, first {_told(examples)}; "
            f"aggregate to one row per series and {frequency}"
        )
    return Rows(order, series, number, dates[order], keys)


def period_number(dates: np.ndarray, frequency: Frequency, origin: pd.Timestamp) -> np.ndarray:
    """Whole periods from the origin to each date: (rows,) int64, negative before it."""
    if frequency == "month":
        months = dates.astype("datetime64[M]").astype(np.int64)
        return months - np.datetime64(origin, "M").astype(np.int64)
    days = dates.astype("datetime64[D]").astype(np.int64) - np.datetime64(origin, "D").astype(np.int64)
    return days // 7 if frequency == "week" else days


def distinct_days(dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct days, ascending, and which one each of (rows,) dates is: by counting, since there are few days."""
    if not len(dates):
        return np.empty(0, dtype="datetime64[D]"), np.empty(0, dtype=np.int64)
    days = dates.astype("datetime64[D]").astype(np.int64)
    first = int(days.min())
    days -= first
    there = np.zeros(int(days.max()) + 1, dtype=bool)
    there[days] = True
    place = np.cumsum(there) - 1
    return (np.flatnonzero(there) + first).astype("datetime64[D]"), place[days]


def refuse_silence(days: np.ndarray, period: str) -> None:
    """Raise a PanelError if no series has a row for longer than `LONGEST_SILENCE`: memory grows with the time between.

    Args:
        days: (days,) datetime64 on which some series has a row, ascending.
        period: the date column.
    """
    silence = np.diff(days).astype(np.int64)
    if len(silence) and silence.max() > LONGEST_SILENCE * DAYS_PER_YEAR:
        before = int(np.argmax(silence))
        raise PanelError(
            f"no series has a row between {period} {days[before]} and {days[before + 1]}, more than {LONGEST_SILENCE} years; "
            "correct the dates on either side, or drop those rows"
        )


def read_numbers(panel: pd.DataFrame, column: str, rows: Rows) -> np.ndarray:
    """A numeric column in sorted order, (rows,) float64, NaN where empty. Raises PanelError if missing or not numeric."""
    return as_numbers(panel, column)[rows.order]


def refuse_far(rows: Rows, last: int, period: str, frequency: Frequency) -> None:
    """Raise a PanelError for rows `FARTHEST` years before training, which begins at period 0, or after its `last`."""
    reach = FARTHEST * PERIODS_PER_YEAR[frequency]
    far = (rows.period < -reach) | (rows.period > last + reach)
    if far.any():
        raise PanelError(
            f"{int(far.sum())} rows lie more than {FARTHEST} years from training, first {period} "
            f"{str(rows.dates[far][0])[:10]}; correct their dates, or drop them"
        )


def refuse_unusable(values: np.ndarray, what: str, rows: Rows, cure: str, *, wrong: str = "empty or infinite") -> None:
    """Raise a PanelError that counts and shows the rows where (rows,) `values` are NaN, infinite or beyond sense."""
    bad = ~(np.abs(values) <= LARGEST)
    if bad.any():
        where = np.flatnonzero(bad)[:_EXAMPLES]
        examples = [{**rows.keys.iloc[rows.series[row]].to_dict(), "period": str(rows.dates[row])[:10]} for row in where]
        if np.isfinite(values[bad]).all():
            wrong = f"beyond {LARGEST:g}"
        raise PanelError(f"{what} is {wrong} in {int(bad.sum())} rows, first {_told(examples)}; {cure}")


def _series(panel: pd.DataFrame, levels: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """The distinct combinations of level values, and which of them each row is."""
    codes, names = [], []
    for level in levels:
        code, values = as_nodes(panel, level)
        codes.append(code)
        names.append(values)
    series, first = number_combinations(codes, [len(values) for values in names])
    keys = {level: values.take(code[first]) for level, code, values in zip(levels, codes, names, strict=True)}
    return pd.DataFrame(keys), series


def number_combinations(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Which combination of nodes each row is, and the first row of each.

    Args:
        codes: per level, (rows,) node codes.
        sizes: per level, how many nodes there are.

    Returns:
        (rows,) numbers from 0 in order of appearance, and (combinations,) rows.
    """
    kind = pd.factorize(codes[0])[0].astype(np.int64)
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        # Numbering again after every level keeps the products small, whatever the levels' sizes.
        kind = pd.factorize(kind * size + code)[0].astype(np.int64)
    first = np.empty(kind.max() + 1, dtype=np.int64)
    first[kind[::-1]] = np.arange(len(kind))[::-1]  # of equal places the last written stays: the first row
    return kind, first


def time_order(series: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Where rows stand sorted by series, then by period, (rows,): ``lexsort((number, series))``, many times faster."""
    rising = number[1:] >= number[:-1]
    if ((series[1:] > series[:-1]) | ((series[1:] == series[:-1]) & rising)).all():
        return np.arange(len(series))
    by_time = None if rising.all() else _counting_order(number - number.min())
    by_series = _counting_order(series if by_time is None else series[by_time])
    return by_series if by_time is None else by_time[by_series]


def _counting_order(values: np.ndarray) -> np.ndarray:
    """Stable order of whole numbers >= 0; NumPy counts 16 bits at a time instead of comparing."""
    order = np.argsort((values & 0xFFFF).astype(np.uint16), kind="stable")
    while (values := values >> 16).any():
        order = order[np.argsort((values[order] & 0xFFFF).astype(np.uint16), kind="stable")]
    return order


def _told(examples: list[dict]) -> str:
    return "; ".join(", ".join(f"{name} {value}" for name, value in example.items()) for example in examples)
