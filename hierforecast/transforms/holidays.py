"""Holidays by name and date: from the official calendar of a country, from dates of one's own, or both."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from hierforecast.errors import SettingsError, nearest
from hierforecast.schema import Frequency, Holidays

_YEARS_SEARCHED = range(1990, 2051)  # where a declared name that the years at hand lack may still be found


def holiday_dates(declared: Holidays, first: int, last: int) -> dict[str, list[date]]:
    """The dates of every declared holiday in the years `first` to `last`, by name in order of the year.

    Raises:
        SettingsError: no such country, subdivision or name; the message has the nearest valid one.
    """
    found: dict[str, list[date]] = {}
    if declared.country:
        for day, names in sorted(_official(declared, range(first, last + 1)).items()):
            for name in names.split("; "):
                found.setdefault(name, []).append(day)
        if declared.names is not None:
            _refuse_unknown_names(declared, found)
            found = {name: found[name] for name in declared.names if name in found}
    for name, days in declared.dates.items():
        found[name] = sorted({*found.get(name, []), *(day for day in days if first <= day.year <= last)})
    return {name: days for name, days in found.items() if days}


def days_within(days: Sequence[date], periods: np.ndarray, frequency: Frequency, *, back: int = 0) -> np.ndarray:
    """How many of the days fall within each period, or within the one that lies `back` periods before it.

    A week is the seven days from its date on, a month the calendar month that its date lies in.

    Args:
        days: dates in any order, each once.
        periods: (periods,) datetime64 of any unit.
        frequency: "day", "week" or "month".
        back: periods; negative looks ahead.

    Returns:
        (periods,) counts as floats, in days.
    """
    first, step = np.asarray(periods).astype("datetime64[D]"), 7 if frequency == "week" else 1
    if frequency == "month":
        first = first.astype("datetime64[M]")
    first = first - back * step
    known = np.sort(np.array(days, dtype="datetime64[D]"))
    until = np.searchsorted(known, (first + step).astype("datetime64[D]"))
    return (until - np.searchsorted(known, first.astype("datetime64[D]"))).astype(float)


def _official(declared: Holidays, years: range) -> Any:
    import holidays  # half a second, paid only by those who declare a country

    country = str(declared.country)
    subdivisions = holidays.list_supported_countries()
    if country not in subdivisions:
        raise SettingsError(f"holidays.country: no calendar of {country!r}; {nearest(country, subdivisions)}")
    try:
        # The day itself moves sales; the free day that an office takes instead does not.
        return holidays.country_holidays(country, subdiv=declared.subdivision, years=years, observed=False)
    except NotImplementedError:
        raise SettingsError(
            f"holidays.subdivision: {country} has no {declared.subdivision!r}; "
            f"{nearest(str(declared.subdivision), subdivisions[country])}"
        ) from None


def _refuse_unknown_names(declared: Holidays, found: dict[str, list[date]]) -> None:
    missing = [name for name in declared.names or () if name not in found]
    if not missing:
        return
    valid = {name for names in _official(declared, _YEARS_SEARCHED).values() for name in names.split("; ")}
    for name in missing:
        if name not in valid:
            raise SettingsError(f"holidays.names: {declared.country} has no {name!r}; {nearest(name, sorted(valid))}")
