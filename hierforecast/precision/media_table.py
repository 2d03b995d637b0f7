"""The door for tables: a panel of one row per period becomes checked arrays, and what is wrong with it is said here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, nearest
from hierforecast.schema import Frequency

MIN_OBSERVED = 20  # weeks; below it even the season is guessed
_STEP_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Columns:
    """Which column of the panel is what; `media` and `spend`, if there is any, have one column per tactical."""

    period: str
    frequency: Frequency
    target: str
    media: tuple[str, ...]
    controls: tuple[str, ...]
    spend: tuple[str, ...] = ()


class MediaTable(NamedTuple):
    """A panel as arrays in the panel's own units, sorted by period."""

    periods: pd.Series  # (weeks,) datetime64
    target: np.ndarray  # (weeks,) NaN where not known
    media: np.ndarray  # (tacticals, weeks) >= 0
    controls: np.ndarray  # (weeks, controls)
    spend: np.ndarray | None = None  # (tacticals, weeks) currency


def read_media_table(panel: pd.DataFrame, columns: Columns, *, needs_target: bool) -> MediaTable:
    """Check a panel and take its arrays.

    Raises:
        PanelError: a column is missing or not numeric, a period is missing, double or out of step, media are negative
            or unknown, a control is unknown, or the target is infinite.
    """
    wanted = [columns.period, *([columns.target] if needs_target else []), *columns.media, *columns.controls]
    has_spend = bool(columns.spend) and (needs_target or set(columns.spend) <= set(panel.columns))
    wanted += columns.spend if has_spend else []
    for name in wanted:
        if name not in panel.columns:
            raise PanelError(f"the media panel has no column {name!r}; {nearest(name, map(str, panel.columns))}")
    if panel.empty:
        raise PanelError("the media panel has no rows; give one row per period")
    panel = panel.assign(**{columns.period: _dates(panel, columns.period)}).sort_values(columns.period, ignore_index=True)
    _check_steps(panel[columns.period], columns.frequency)
    media = _amounts(panel, columns.media, columns.period)
    spend = _amounts(panel, columns.spend, columns.period).T if has_spend else None
    target = _numbers(panel, [columns.target], known=False)[:, 0] if needs_target else np.full(len(panel), np.nan)
    return MediaTable(panel[columns.period], target, media.T, _numbers(panel, columns.controls, known=True), spend)


def observed_weeks(table: MediaTable, observed: np.ndarray | None) -> np.ndarray:
    """The (weeks,) bool mask of weeks in the likelihood: those given, else those with a known target.

    Raises:
        PanelError: the mask has another length, names a week without target, or leaves too little to learn from.
    """
    known = ~np.isnan(table.target)
    mask = known if observed is None else np.asarray(observed)
    if mask.shape != known.shape or mask.dtype != bool:
        raise PanelError(
            f"observed must be bool, one per row of the panel: wanted shape {known.shape}, got {mask.dtype} of {mask.shape}"
        )
    if (mask & ~known).any():
        week = table.periods[int(np.argmax(mask & ~known))]
        raise PanelError(f"observed includes {week:%Y-%m-%d}, whose target is empty; leave it out of the mask")
    if mask.sum() < MIN_OBSERVED:
        raise PanelError(f"only {mask.sum()} periods with a known target; the model needs at least {MIN_OBSERVED}")
    if np.ptp(table.target[mask]) == 0:
        raise PanelError(f"the target is {table.target[mask][0]:g} in every observed period; there is nothing to explain")
    return mask


def extend(old: MediaTable, observed: np.ndarray, new: MediaTable, frequency: Frequency) -> tuple[MediaTable, np.ndarray]:
    """Old weeks up to the last observed one, as they were, and a newer table's weeks after it; those with a target observed.

    Raises:
        PanelError: the newer table has no known target after the old ones, or does not follow on.
    """
    kept = np.arange(len(old.periods)) <= int(np.flatnonzero(observed)[-1])
    last = old.periods[kept].iloc[-1]
    later = (new.periods > last).to_numpy()
    if not (later & ~np.isnan(new.target)).any():
        raise PanelError(f"no period after {last:%Y-%m-%d} has a known target, so there is nothing new to learn")
    first = new.periods[later].iloc[0]
    if not follows(last, first, frequency):
        raise PanelError(f"{first:%Y-%m-%d} does not follow {last:%Y-%m-%d}; add the {frequency}s between")
    spend = None if old.spend is None else np.concatenate([old.spend[:, kept], new.spend[:, later]], axis=1)
    table = MediaTable(
        pd.concat([old.periods[kept], new.periods[later]], ignore_index=True),
        np.concatenate([old.target[kept], new.target[later]]),
        np.concatenate([old.media[:, kept], new.media[:, later]], axis=1),
        np.concatenate([old.controls[kept], new.controls[later]]),
        spend,
    )
    return table, np.concatenate([np.zeros(kept.sum(), dtype=bool), ~np.isnan(new.target[later])])


def follows(last: pd.Timestamp, first: pd.Timestamp, frequency: Frequency) -> bool:
    """Whether `first` is the period right after `last`."""
    return bool((_steps(pd.Series([last, first]), frequency) == 1).all())


def periods_after(periods: pd.Series, last: pd.Timestamp, frequency: Frequency) -> np.ndarray:
    """How many periods each lies after `last`, (weeks,) whole numbers; below 0 before it."""
    if frequency == "month":
        return (periods.dt.year.to_numpy() - last.year) * 12 + periods.dt.month.to_numpy() - last.month
    return np.rint((periods.to_numpy() - last.to_numpy()) / np.timedelta64(_STEP_DAYS[frequency], "D"))


def check_continues(fitted: pd.Series, chosen: pd.Series, frequency: Frequency) -> None:
    """Weeks to be predicted start within the fitted ones or right after them, else the carry-over is not known.

    Raises:
        PanelError: they start earlier, or later.
    """
    first, last = chosen.iloc[0], fitted.iloc[-1]
    if first < fitted.iloc[0]:
        raise PanelError(f"the panel starts in {first:%Y-%m-%d}, before the first fitted period {fitted.iloc[0]:%Y-%m-%d}")
    if first > last and not follows(last, first, frequency):
        raise PanelError(
            f"the panel starts in {first:%Y-%m-%d} but the fitted periods end in {last:%Y-%m-%d}; "
            f"add the {frequency}s between, so that the carry-over is known"
        )


def _steps(periods: pd.Series, frequency: Frequency) -> np.ndarray:
    """How many periods lie between neighbours, (weeks - 1,)."""
    if frequency == "month":
        return np.diff(periods.dt.year.to_numpy() * 12 + periods.dt.month.to_numpy())
    return np.diff(periods.to_numpy()) / np.timedelta64(_STEP_DAYS[frequency], "D")


def _dates(panel: pd.DataFrame, period: str) -> pd.Series:
    dates = panel[period]
    if not pd.api.types.is_datetime64_any_dtype(dates):
        raise PanelError(f"period column {period!r} must hold dates, got {dates.dtype}; convert it with pandas.to_datetime")
    if dates.isna().any():
        raise PanelError(f"period column {period!r} is empty in {int(dates.isna().sum())} rows; every row needs a date")
    return dates


def _check_steps(periods: pd.Series, frequency: Frequency) -> None:
    """Adstock counts periods, so none may be missing or double."""
    steps = _steps(periods, frequency)
    if (steps != 1).any():
        place = int(np.argmax(steps != 1))
        raise PanelError(
            f"periods must follow each other by one {frequency}: {periods[place]:%Y-%m-%d} is followed by "
            f"{periods[place + 1]:%Y-%m-%d}; add the missing rows (media 0, target empty) or drop the double one"
        )


def _amounts(panel: pd.DataFrame, names: Sequence[str], period: str) -> np.ndarray:
    """(weeks, names) exposures or spend, known and >= 0."""
    amounts = _numbers(panel, names, known=True)
    if (amounts < 0).any():
        week, place = np.argwhere(amounts < 0)[0]
        raise PanelError(
            f"media column {names[place]!r} is {amounts[week, place]:g} in {panel[period][week]:%Y-%m-%d}; "
            "exposures and spend are >= 0, write 0 for weeks off air"
        )
    return amounts


def _numbers(panel: pd.DataFrame, names: Sequence[str], *, known: bool) -> np.ndarray:
    """(weeks, names) floats; finite where `known`, else finite or NaN."""
    values = np.empty((len(panel), len(names)))
    for place, name in enumerate(names):
        try:
            values[:, place] = panel[name].to_numpy(dtype=float, na_value=np.nan)
        except (ValueError, TypeError):
            raise PanelError(f"column {name!r} must be numeric, got {panel[name].dtype}") from None
        bad = ~np.isfinite(values[:, place]) if known else np.isinf(values[:, place])
        if bad.any():
            raise PanelError(f"column {name!r} is empty or infinite in {int(bad.sum())} rows; fill it (0 for weeks off air)")
    return values
