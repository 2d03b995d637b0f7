"""The first reading of a data set: which series and days each file holds, and what references and links rest on.

Only keys and dates are read, and those columns whose values something hangs on. Surveys of files add up, in any order
that time allows: a series may go on from one file to the next, but its files must not interleave.
"""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.cells import as_numbers, read_dates
from hierforecast.hiref.columns.rows import distinct_days
from hierforecast.hiref.columns.survey import Survey, columns_to_survey, sum_column, sum_target
from hierforecast.hiref.link import DUST
from hierforecast.hiref.streaming.files import DataFile, read_batches
from hierforecast.hiref.streaming.keys import join, names_of, read_keys
from hierforecast.schema import SalesPanel


class Overview(NamedTuple):
    """What a file, or several together, hold; all of rows whose target is known.

    Args:
        files: which, in the order of time.
        hierarchy: their nodes and series.
        rows: how many.
        first: (series,) the earliest day of each series, days since 1970.
        last: (series,) the latest.
        least: the least positive target in units; infinite where there is none.
        days: (days,) datetime64 on which there is a row, ascending.
        sums: what the columns' facts rest on.
    """

    files: tuple[DataFile, ...]
    hierarchy: Hierarchy
    rows: int
    first: np.ndarray
    last: np.ndarray
    least: float
    days: np.ndarray
    sums: Survey


def survey_files(files: Sequence[DataFile], settings: SalesPanel) -> tuple[Overview, ...]:
    """One overview per file that has rows to learn from, sorted by their first day.

    Raises:
        PanelError: no row in any file; or as `survey_file`.
    """
    return in_time_order([survey_file(file, settings) for file in files], settings)


def in_time_order(found: Sequence[Overview | None], settings: SalesPanel) -> tuple[Overview, ...]:
    """Overviews of files sorted by their first day, those of empty files left out. Raises PanelError if all are empty."""
    usable = [overview for overview in found if overview is not None]
    if not usable:
        raise PanelError(f"target {settings.target.name!r} is empty in every row of the files; there is nothing to learn from")
    return tuple(sorted(usable, key=lambda overview: (int(overview.first.min()), overview.files)))


def survey_file(file: DataFile, settings: SalesPanel) -> Overview | None:
    """Read what `Overview` tells of one file; None where no row has a target.

    Raises:
        PanelError: a column is missing or of the wrong kind, a key or date is empty, or rows of a series come after later
            ones; the message names the file.
    """
    columns = [*settings.levels, settings.period, *columns_to_survey(settings)]
    total = None
    for frame in read_batches(file, columns, settings):
        try:
            found = survey_frame(frame, file, settings)
        except PanelError as error:
            raise PanelError(f"in {file.path!r}: {error}") from None
        total = found if total is None else total_of([total, found])
    return total


def total_of(overviews: Sequence[Overview]) -> Overview:
    """Several overviews, sorted by time, as one. Raises PanelError where a series' rows interleave."""
    return reduce(_then, overviews)


def survey_frame(frame: pd.DataFrame, file: DataFile, settings: SalesPanel) -> Overview:
    """What one batch of rows with a known target holds. Raises PanelError as `survey_file`, the file not named."""
    dates = read_dates(frame, settings.period)
    days = dates.astype("datetime64[D]").astype(np.int64)
    keys = read_keys(frame, settings.levels)
    count = len(keys.hierarchy.series)
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    if (days[1:] >= days[:-1]).all():  # the last written stays: no comparing needed where time only rises
        last[keys.series] = days
        first[keys.series[::-1]] = days[::-1]
    else:
        np.minimum.at(first, keys.series, days)
        np.maximum.at(last, keys.series, days)
    units = as_numbers(frame, settings.target.name)
    columns = {name: sum_column(as_numbers(frame, name)) for name in columns_to_survey(settings)}
    target = sum_target(units, keys.series, count) if settings.target_lags else None
    least = float(np.min(units, where=units > DUST, initial=np.inf))
    sums = Survey(pd.Timestamp(dates.min()), pd.Timestamp(dates.max()), columns, target)
    return Overview((file,), keys.hierarchy, len(frame), first, last, least, distinct_days(dates)[0], sums)


def _then(earlier: Overview, later: Overview) -> Overview:
    joined = join(earlier.hierarchy, later.hierarchy)
    count = len(joined.hierarchy.series)
    ended = np.full(count, np.iinfo(np.int64).min)
    ended[joined.first] = earlier.last
    begins = np.full(count, np.iinfo(np.int64).max)
    begins[joined.second] = later.first
    _refuse_interleaved(ended, begins, joined.hierarchy, earlier, later)
    first, last = begins, ended.copy()
    first[joined.first] = earlier.first
    last[joined.second] = later.last
    sums = earlier.sums.renumber(joined.first, count) + later.sums.renumber(joined.second, count)
    files = tuple(dict.fromkeys([*earlier.files, *later.files]))
    least = min(earlier.least, later.least)
    on_days = np.union1d(earlier.days, later.days)
    return Overview(files, joined.hierarchy, earlier.rows + later.rows, first, last, least, on_days, sums)


def _refuse_interleaved(
    ended: np.ndarray, begins: np.ndarray, hierarchy: Hierarchy, earlier: Overview, later: Overview
) -> None:
    mixed = np.flatnonzero(begins <= ended)
    if not len(mixed):
        return
    key = ", ".join(f"{level} {node}" for level, node in names_of(hierarchy, mixed[:1]).iloc[0].items())
    days = f"{np.datetime64(int(begins[mixed[0]]), 'D')} after {np.datetime64(int(ended[mixed[0]]), 'D')}"
    where = f"{later.files[0].path!r}"
    levels = ", ".join(hierarchy.levels)
    if earlier.files[-1] == later.files[0]:
        raise PanelError(
            f"in {where}: rows of {len(mixed)} series come after later rows of theirs, first {key}: {days}; "
            f"sort the file by {levels} and period, or by period"
        )
    raise PanelError(
        f"{where} goes back in time: {len(mixed)} series have rows there that are not after those of "
        f"{earlier.files[-1].path!r} or files before it, first {key}: {days}; give a series one file, or cut files by time"
    )
