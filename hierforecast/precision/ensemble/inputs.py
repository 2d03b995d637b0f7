"""What the ensemble reads beside its metrics: dates, spend, and settings given as names and values."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from pydantic import ValidationError

from hierforecast import results
from hierforecast.errors import SafeguardError, SettingsError, nearest
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.schema import Frequency

FIRST_DATE = "2000-01-03"
_STEP: dict[Frequency, str] = {"day": "D", "week": "7D", "month": "MS"}
_TAKEN = (results.PERIOD, results.FORECAST, results.BASELINE)  # columns of the contributions

Kind = TypeVar("Kind")


def read_settings(kind: type[Kind], given: Kind | Mapping[str, Any] | None, what: str, **usual: Any) -> Kind:
    """Settings of one kind, as they are or from names and values; `usual` are values for what is not named.

    Raises:
        SettingsError: an unknown name or a value that is not allowed.
    """
    if isinstance(given, kind):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise SettingsError(f"{what}: wanted {kind.__name__} or a mapping of its settings, got {type(given).__name__}")
    known = [one.name for one in fields(kind)] if is_dataclass(kind) else list(kind.model_fields)
    for name in given or {}:
        if name not in known:
            raise SettingsError(f"{what}: there is no setting {name!r}; {nearest(str(name), known)}")
    try:
        return kind(**{**usual, **(given or {})})
    except ValidationError as error:
        told = "; ".join(f"{mistake['loc'][0]}: {mistake['msg']}, got {mistake['input']!r}" for mistake in error.errors())
        raise SettingsError(f"{what}: {told}") from None


def read_periods(dates: Any, weeks: int, frequency: Frequency) -> pd.Series:
    """(weeks,) dates in ascending order; made ones where none are given.

    Raises:
        SafeguardError: not one date per week of the target, or not in ascending order.
    """
    if dates is None:
        return pd.Series(pd.date_range(FIRST_DATE, periods=weeks, freq=_STEP[frequency]))
    try:
        periods = pd.Series(pd.to_datetime(np.asarray(dates), format="ISO8601"))
    except (TypeError, ValueError) as error:
        raise SafeguardError(f"dates: wanted dates such as 2024-03-04, got {error}; convert them first", name="dates") from None
    if len(periods) != weeks:
        raise SafeguardError(f"dates: wanted {weeks}, got {len(periods)}; give one per week of y", name="dates")
    if not periods.is_monotonic_increasing:
        cure = "sort dates, y, metrics, controls and spend alike"
        raise SafeguardError(f"dates are not in ascending order, and lags count rows; {cure}", name="dates")
    return periods


def read_spend(spend: Any, hierarchy: Hierarchy, weeks: int) -> np.ndarray | None:
    """(weeks, tacticals) currency, None where there is none; a table's columns are found by name.

    Raises:
        SafeguardError: not known amounts >= 0 for every week and tactical.
    """
    if spend is None:
        return None
    if isinstance(spend, pd.DataFrame):
        for tactical in hierarchy.tacticals:
            if tactical not in spend.columns:
                got = f"spend: there is no column {tactical!r}"
                raise SafeguardError(f"{got}; {nearest(tactical, spend.columns)}", name="spend")
        spend = spend[list(hierarchy.tacticals)]
    wanted = (weeks, hierarchy.num_tacticals)
    try:
        paid = np.asarray(spend, dtype=float)
    except (TypeError, ValueError) as error:
        raise SafeguardError(f"spend: wanted numbers, got {error}; convert the column first", name="spend") from None
    if paid.shape != wanted or not np.isfinite(paid).all() or (paid < 0).any():
        got = f"shape {paid.shape}" if paid.shape != wanted else "missing, infinite or negative ones"
        raise SafeguardError(
            f"spend: wanted known amounts >= 0 of shape {wanted} (weeks, tacticals), got {got}; 0 is no spend", name="spend"
        )
    return paid


def refuse_taken_names(metrics: Sequence[str], controls: Sequence[str], hierarchy: Hierarchy) -> None:
    """Metrics and controls become columns of the results, which must not be there already.

    Raises:
        SafeguardError: a metric or a control is called like another column.
    """
    for what, names, taken in (
        ("metric", metrics, results.ENSEMBLE_ROI.columns),
        ("control", controls, (*_TAKEN, *hierarchy.tacticals)),
    ):
        for name in names:
            if name in taken:
                raise SafeguardError(
                    f"the {what} {name!r} is called like a column of the results; rename it", name="taken_name"
                )
