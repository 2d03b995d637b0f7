"""Custom expectations about the cells of one column as it came: numbers, dates, names, and values that must be known."""

from typing import ClassVar

import numpy as np
import pandas as pd

from expectations.grid import write_date
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import Finding, PanelView, several

_FIRST_DATE, _LAST_DATE = pd.Timestamp("1900-01-01"), pd.Timestamp("2199-12-31")


class ExpectNumbers(PanelExpectation):
    """Every cell of the column is empty or reads as a finite number."""

    column: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "column")

    def find(self, view: PanelView) -> Finding:
        """Cells that hold text, or an infinite number."""
        cells = view.frame[self.column]
        bad = cells.notna().to_numpy() & ~np.isfinite(read_numbers(cells))
        if not bad.any():
            return Finding("every known value is a number")
        return _cells(view, cells, bad, "not a finite number")


class ExpectDates(PanelExpectation):
    """Every cell of the period column is a date, or text in ISO form such as 2024-01-08."""

    def find(self, view: PanelView) -> Finding:
        """Cells that are empty or no dates."""
        cells = view.frame[self.period]
        bad = read_dates(cells).isna().to_numpy()
        if not bad.any():
            return Finding("every cell is a date")
        return _cells(view, cells, bad, "no date of 1900 to 2199, written YYYY-MM-DD and without a time zone")


class ExpectNames(PanelExpectation):
    """Every cell of a level column names a node: none is empty or blank."""

    column: str
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "column")

    def find(self, view: PanelView) -> Finding:
        """Cells that are missing or hold only spaces."""
        codes, names = pd.factorize(view.frame[self.column])
        blank = np.flatnonzero([not str(name).strip() for name in names])
        bad = (codes == -1) | np.isin(codes, blank)
        if not bad.any():
            return Finding(f"every row names one of {several(len(names), 'node')}")
        return Finding(f"{several(int(bad.sum()), 'row')} without a node of this level", int(bad.sum()), view.keys(bad))


class ExpectKnown(PanelExpectation):
    """A column has a value in every row, or in every row up to a period counted from the last known target.

    Args:
        column: the column that must be known.
        target: the column whose last known value parts history from plan.
        until: None for every row; n for rows up to n periods after the last known target (0: history, -1: all but
            its last period), later rows may be empty.
    """

    column: str
    target: str
    until: int | None = None
    success_keys: ClassVar[tuple[str, ...]] = (*PanelExpectation.success_keys, "column", "target", "until")

    def find(self, view: PanelView) -> Finding:
        """Empty cells where a value must be known."""
        last = view.last_known(self.target)
        if last is None and self.column == self.target:
            return Finding(f"no row has a known {self.target!r}; there is nothing to learn from", len(view.frame))
        empty = view.frame[self.column].isna().to_numpy()
        if self.until is not None and last is not None:
            empty = empty & (view.numbers <= last + self.until)
        if not empty.any():
            return Finding("known wherever it must be")
        return Finding(f"{several(int(empty.sum()), 'row')} without a value", int(empty.sum()), view.keys(empty))


def read_numbers(cells: pd.Series) -> np.ndarray:
    """Cells as floats, (rows,); NaN where a cell is empty or no number: a date or a span of time is none."""
    if cells.dtype.kind in "mMc" or isinstance(cells.dtype, pd.PeriodDtype):
        return np.full(len(cells), np.nan)
    return pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def read_dates(cells: pd.Series) -> pd.Series:
    """Cells as dates, (rows,); NaT where a cell is empty, no date, or a date of no calendar that sales are kept in.

    Plain numbers and dates in time zones are none: what day they mean is a guess.
    """
    if pd.api.types.is_datetime64_dtype(cells):
        dates = cells
    elif pd.api.types.is_numeric_dtype(cells) or isinstance(cells.dtype, pd.DatetimeTZDtype):
        return pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns]")
    else:
        text = cells.map(write_date, na_action="ignore").astype("str")
        dates = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
        dates = dates.mask(text.str.contains(r"[Zz]$|:\d\d[+-]\d\d", regex=True, na=False))
    return dates.where(dates.between(_FIRST_DATE, _LAST_DATE))


def _cells(view: PanelView, cells: pd.Series, bad: np.ndarray, what: str) -> Finding:
    """Offending cells with their content behind the key, because that is what a person has to look for."""
    content = [str(cell)[:40] for cell in cells[bad].iloc[:10]]
    keys = tuple(f"{key}: {cell!r}" for key, cell in zip(view.keys(bad), content, strict=True))
    return Finding(f"{several(int(bad.sum()), 'cell')} {'is' if bad.sum() == 1 else 'are'} {what}", int(bad.sum()), keys)
