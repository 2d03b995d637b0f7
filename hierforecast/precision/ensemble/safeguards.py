"""The front door of the ensemble: what is given is checked once, lagged, and freed of what cannot be fitted.

    u[t] = given[t - lag], 0 before the start        the lagged metric, (weeks, tacticals)
    counted[t] = y[t] is known, t >= the longest lag, and every metric exists in week t - its lag

Counted weeks enter the likelihood and the stacking of every metric alike, or the metrics' densities could not be
compared. Weeks that are not counted still carry over into later ones: as given where the metric exists, else as 0.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import LeakageError, SafeguardError, nearest
from hierforecast.precision.ensemble.leakage import STOP, WEEKS_PER_YEAR, Leak, find_leakage
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MIN_OBSERVED

FEWEST_WEEKS = MIN_OBSERVED  # what a model asks for; leakage can be judged from fewer


class SafeguardWarning(UserWarning):
    """Something given to the ensemble can be fitted, but asks to be looked at."""


class Safeguard(NamedTuple):
    """What a safeguard found and let pass.

    Args:
        name: which safeguard: "leakage", "constant_column", "empty_column" or "leave_future_out".
        metric: the metric or the control that it is about.
        tactical: the tactical, "all tacticals", or "" where it is about a whole metric.
        sentence: what was found and what to do.
    """

    name: str
    metric: str
    tactical: str
    sentence: str


class Prepared(NamedTuple):
    """What every model of the ensemble is fitted on.

    Args:
        y: (weeks,) the target in its own unit, NaN where it is not known.
        exposures: per metric (weeks, tacticals) lagged values in the metric's unit, zeros where it lacks the tactical.
        present: per metric (tacticals,) bool, the tacticals that it has.
        counted: (weeks,) bool, the weeks that count in likelihood and stacking, for every metric alike.
        controls: (weeks, controls) values in their own units.
        control_names: (controls,) names.
        exposure_metric: the metric that has every tactical.
        lags: per metric the periods by which it was moved.
        warnings: what was let pass.
    """

    y: np.ndarray
    exposures: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    counted: np.ndarray
    controls: np.ndarray
    control_names: tuple[str, ...]
    exposure_metric: str
    lags: dict[str, int]
    warnings: tuple[Safeguard, ...]


def prepare(
    *,
    hierarchy: Hierarchy,
    y: Any,
    U_metrics: Mapping[str, Any],
    metric_lags: Mapping[str, int] | None = None,
    offline_channels: Sequence[str] = (),
    Z_controls: Any = None,
    control_names: Sequence[str] | None = None,
    availability: Any = None,
    exposure_metric: str | None = None,
    leakage_corr_threshold: float = 0.97,
    season_period: float = WEEKS_PER_YEAR,
    dates: Sequence | pd.Series | None = None,
    stacklevel: int = 3,
) -> Prepared:
    """Check everything given to the ensemble, lag the metrics and decide which weeks count.

    Args:
        hierarchy: the media tree.
        y: (weeks,) target; a week with NaN is not counted.
        U_metrics: per metric (weeks, tacticals) exposures >= 0 in the order of `hierarchy.tacticals`; tables are put in it.
        metric_lags: per metric the periods by which it is moved forward; 0 without an entry.
        offline_channels: nodes of the top level that only the exposure metric has.
        Z_controls: (weeks, controls) finite values.
        control_names: (controls,) names; a table's own, or "control_1" and so on, without them.
        availability: per metric the number of periods after which its values are known, or (weeks,) bool of the weeks
            in which it exists; one (weeks,) bool array holds for every metric.
        exposure_metric: the metric that must have every tactical; the first without it.
        leakage_corr_threshold: |r| beyond which a column is the target, in (0.5, 1).
        season_period: periods per year.
        dates: (weeks,) dates for the season that leakage is told apart from.
        stacklevel: whose line the warnings name: 1 this module's, 2 the caller's, 3 the caller's caller's.

    Raises:
        SafeguardError: something does not fit; its `name` says which safeguard found it.
        LeakageError: metrics or controls know the target.

    Warns:
        SafeguardWarning: once per record of `Prepared.warnings`.
    """
    if not 0.5 < leakage_corr_threshold < 1:
        got = f"leakage_corr_threshold: wanted a correlation between 0.5 and 1, got {leakage_corr_threshold!r}"
        raise SafeguardError(f"{got}; 0.97 is the default, 0.99 asks for nearly exact copies", name="leakage_corr_threshold")
    target = _read_target(y)
    given = _read_metrics(U_metrics, hierarchy, len(target))
    first = _choose_exposure_metric(exposure_metric, given)
    lags = _read_lags(metric_lags, given, len(target))
    exists = _read_availability(availability, lags, len(target))
    controls, names = _read_controls(Z_controls, control_names, len(target))
    for metric, values in given.items():
        _refuse_values(metric, values, hierarchy, exists[metric])
    counted = _count_weeks(target, lags, exists)
    offline = _find_offline(offline_channels, hierarchy)
    exposures, present, found = {}, {}, []
    for metric, values in given.items():
        lagged = _shift(np.where(exists[metric][:, None], values, 0.0), lags[metric])
        has, records = _find_present(metric, lagged[counted], hierarchy, offline, is_first=metric == first)
        exposures[metric], present[metric] = np.where(has, lagged, 0.0), has
        found += records
    looks = {"counted": counted, "threshold": leakage_corr_threshold, "season_period": season_period, "dates": dates}
    leaks = find_leakage(exposures, target, tacticals=hierarchy.tacticals, present=present, **looks)
    leaks += find_leakage({"controls": controls}, target, tacticals=names, aggregate=False, **looks)
    found += _judge_leaks(leaks)
    for each in found:
        warnings.warn(each.sentence, SafeguardWarning, stacklevel=stacklevel)
    return Prepared(target, exposures, present, counted, controls, names, first, lags, tuple(found))


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise SafeguardError(f"{what}: wanted numbers, got {error}; convert the column first", name="shape") from error


def _read_target(y: Any) -> np.ndarray:
    target = _numbers(y, "y")
    if target.ndim != 1:
        cure = "give one value per week, e.g. y[:, 0]"
        raise SafeguardError(f"y: wanted shape (weeks,), got {target.shape}; {cure}", name="shape")
    if np.isinf(target).any():
        week = int(np.flatnonzero(np.isinf(target))[0])
        raise SafeguardError(f"y is infinite in week {week}; correct it, or NaN if it is not known", name="non_finite")
    return target


def _read_metrics(U_metrics: Mapping[str, Any], hierarchy: Hierarchy, weeks: int) -> dict[str, np.ndarray]:
    """Per metric (weeks, tacticals) in the order of the tree."""
    if not isinstance(U_metrics, Mapping) or not U_metrics:
        wanted = "a mapping from a metric's name to its (weeks, tacticals) array"
        raise SafeguardError(f"U_metrics: wanted {wanted}, got none; name at least one metric", name="no_metrics")
    wanted = (weeks, hierarchy.num_tacticals)
    given = {}
    for metric, table in U_metrics.items():
        if isinstance(table, pd.DataFrame):
            table = _in_order(metric, table, hierarchy)
        values = _numbers(table, f"metric {metric!r}")
        if values.shape != wanted:
            turned = " (transposed?)" if values.shape == wanted[::-1] and values.shape != wanted else ""
            raise SafeguardError(
                f"metric {metric!r}: wanted shape (weeks, tacticals) = {wanted}, got {values.shape}{turned}; "
                f"one row per week of y, one column per tactical in the order {', '.join(hierarchy.tacticals[:6])}, ...",
                name="shape",
            )
        given[metric] = values
    return given


def _in_order(metric: str, table: pd.DataFrame, hierarchy: Hierarchy) -> pd.DataFrame:
    """A table's columns are found by name, so that another order cannot mix tacticals up."""
    for column in table.columns:
        _refuse_unknown(f"metric {metric!r}: the tactical", column, hierarchy.tacticals)
    lacking = [tactical for tactical in hierarchy.tacticals if tactical not in table.columns]
    if lacking or not table.columns.is_unique:
        got = f"metric {metric!r}: wanted one column per tactical, got none for {lacking}" if lacking else ""
        got = got or f"metric {metric!r}: wanted one column per tactical, got one twice"
        raise SafeguardError(f"{got}; a column of zeros says that the metric lacks the tactical", name="shape")
    return table[list(hierarchy.tacticals)]


def _refuse_unknown(what: str, name: str, valid: Iterable[str], *, safeguard: str = "unknown_name") -> None:
    valid = list(valid)
    if name not in valid:
        raise SafeguardError(f"{what} {name!r} is unknown; {nearest(str(name), valid)}", name=safeguard)


def _choose_exposure_metric(exposure_metric: str | None, given: Mapping[str, Any]) -> str:
    if exposure_metric is None:
        return next(iter(given))
    _refuse_unknown("exposure_metric", exposure_metric, given)
    return exposure_metric


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _read_lags(metric_lags: Mapping[str, int] | None, given: Mapping[str, Any], weeks: int) -> dict[str, int]:
    for metric, lag in (metric_lags or {}).items():
        _refuse_unknown("metric_lags: the metric", metric, given)
        if not _whole(lag) or lag < 0:
            got = f"metric_lags[{metric!r}]: wanted whole periods >= 0, got {lag!r}"
            raise SafeguardError(f"{got}; a lag moves a metric forward, count it in rows of y", name="metric_lag")
        if lag > weeks - FEWEST_WEEKS:
            got = f"metric_lags[{metric!r}]: {lag} leaves {max(weeks - lag, 0)} of {weeks} weeks, wanted {FEWEST_WEEKS} or more"
            raise SafeguardError(f"{got}; shorten the lag or give more weeks", name="metric_lag")
    return {metric: int((metric_lags or {}).get(metric, 0)) for metric in given}


def _read_availability(availability: Any, lags: Mapping[str, int], weeks: int) -> dict[str, np.ndarray]:
    """Per metric (weeks,) bool of the weeks in which it exists, by its own dates; delays are held against the lags."""
    everywhere = np.ones(weeks, dtype=bool)
    if availability is None:
        return dict.fromkeys(lags, everywhere)
    if not isinstance(availability, Mapping):
        return dict.fromkeys(lags, _existing(availability, "availability", weeks))
    exists = dict.fromkeys(lags, everywhere)
    for metric, value in availability.items():
        _refuse_unknown("availability: the metric", metric, lags)
        if _whole(value):
            _refuse_unavailable(metric, int(value), lags[metric])
        else:
            exists[metric] = _existing(value, f"availability[{metric!r}]", weeks)
    return exists


def _existing(value: Any, what: str, weeks: int) -> np.ndarray:
    flags = np.asarray(value)
    if flags.shape != (weeks,) or flags.dtype != bool:
        got = f"{flags.dtype} of shape {flags.shape}" if flags.shape else repr(value)
        wanted = f"a whole number of periods per metric, or bool of shape (weeks,) = ({weeks},)"
        raise SafeguardError(f"{what}: wanted {wanted}, got {got}; say True where the metric exists", name="availability")
    return flags


def _refuse_unavailable(metric: str, delay: int, lag: int) -> None:
    if delay < 0:
        got = f"availability[{metric!r}]: wanted periods >= 0, got {delay}"
        raise SafeguardError(f"{got}; 0 means known in its own period", name="availability")
    if delay > lag:
        raise SafeguardError(
            f"metric {metric!r} is unavailable when it is used: known after {delay} periods, lag {lag}; "
            f"declare metric_lags[{metric!r}] >= {delay}, or correct its availability",
            name="availability",
        )


def _read_controls(Z_controls: Any, control_names: Sequence[str] | None, weeks: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """(weeks, controls) values and their names."""
    if Z_controls is None:
        if control_names is not None and len(control_names):
            got = f"control_names has {len(control_names)} names, but there are no Z_controls"
            raise SafeguardError(f"{got}; give their (weeks, controls) values or drop the names", name="controls")
        return np.zeros((weeks, 0)), ()
    if control_names is None and isinstance(Z_controls, pd.DataFrame):
        control_names = [str(column) for column in Z_controls.columns]
    values = _numbers(Z_controls, "Z_controls")
    if values.ndim != 2 or len(values) != weeks:
        cure = "one row per week of y, one column per control, e.g. Z[:, None] for one"
        raise SafeguardError(
            f"Z_controls: wanted shape (weeks = {weeks}, controls), got {values.shape}; {cure}", name="controls"
        )
    names = [f"control_{place}" for place in range(1, values.shape[1] + 1)] if control_names is None else list(control_names)
    if len(names) != values.shape[1] or len(set(names)) != len(names):
        got = f"control_names: wanted {values.shape[1]} different names, one per column of Z_controls, got {names}"
        raise SafeguardError(f"{got}; name every column once", name="controls")
    if not np.isfinite(values).all():
        week, place = np.argwhere(~np.isfinite(values))[0]
        got = f"control {names[place]!r} is {values[week, place]} in week {week}"
        raise SafeguardError(f"{got}; fill it with what held in that week", name="missing_data")
    return values, tuple(names)


def _refuse_values(metric: str, values: np.ndarray, hierarchy: Hierarchy, exists: np.ndarray) -> None:
    """Missing, infinite and negative exposures are errors in the weeks in which the metric exists."""
    gaps = "fill in 0 only where nothing ran; weeks before the metric existed belong in availability"
    for bad, name, told, cure in (
        (np.isnan(values), "missing_data", "has missing data (NaN)", gaps),
        (np.isinf(values), "non_finite", "is infinite", "correct the value"),
        (values < 0, "negative_exposure", "is negative", "an exposure is 0 or more; book refunds where they were bought"),
    ):
        weeks, places = np.nonzero(bad & exists[:, None])
        if len(weeks):
            tactical = hierarchy.tacticals[places[0]]
            more = f", {len(weeks) - 1} more values elsewhere" if len(weeks) > 1 else ""
            got = f"metric {metric!r}, tactical {tactical!r} {told} in week {weeks[0]}{more}"
            raise SafeguardError(f"{got}; {cure}", name=name)


def _count_weeks(target: np.ndarray, lags: Mapping[str, int], exists: Mapping[str, np.ndarray]) -> np.ndarray:
    counted = np.isfinite(target)
    for metric, lag in lags.items():
        counted &= _shift(exists[metric], lag)
    if counted.sum() < FEWEST_WEEKS:
        raise SafeguardError(
            f"{counted.sum()} of {len(target)} weeks count, wanted {FEWEST_WEEKS} or more: weeks without y, the first "
            f"{max(lags.values())} (longest lag) and those before a metric exists do not; give more weeks or drop a metric",
            name="too_few_weeks",
        )
    if np.ptp(target[counted]) == 0:
        raise SafeguardError(
            f"y is {target[counted][0]} in every counted week, there is nothing to explain; give a target that moves",
            name="constant_target",
        )
    return counted


def _shift(values: np.ndarray, lag: int) -> np.ndarray:
    """Move forward in time by `lag` weeks; zeros (False) move in."""
    return np.concatenate([np.zeros_like(values[:lag]), values[: len(values) - lag]])


def _find_offline(offline_channels: Sequence[str], hierarchy: Hierarchy) -> np.ndarray:
    """(tacticals,) bool, those below an offline channel."""
    top = hierarchy.levels[-1]
    if isinstance(offline_channels, str):
        got = f"offline_channels: wanted a list of {top} names, got the text {offline_channels!r}"
        raise SafeguardError(f"{got}; write [{offline_channels!r}]", name="offline_channel")
    nodes = hierarchy.nodes(top)
    for channel in offline_channels or ():
        _refuse_unknown(f"offline_channels: the {top}", channel, nodes, safeguard="offline_channel")
    return np.isin(hierarchy.membership(top), [nodes.index(channel) for channel in offline_channels or ()])


def _find_present(
    metric: str, values: np.ndarray, hierarchy: Hierarchy, offline: np.ndarray, *, is_first: bool
) -> tuple[np.ndarray, list[Safeguard]]:
    """(tacticals,) bool of those that the metric has in its counted weeks, and what to look at."""
    empty = ~values.any(axis=0)
    wanted = np.ones(len(offline), dtype=bool) if is_first else ~offline
    if not (wanted & ~empty).any():
        got = "is zero for every tactical" if empty.all() else "is zero for every tactical that is not offline"
        cure = "leave the metric out: fitted as zeros it would still be weighted"
        raise SafeguardError(f"metric {metric!r} {got} in the counted weeks; {cure}", name="empty_metric")
    lacking = [hierarchy.tacticals[place] for place in np.flatnonzero(wanted & empty)]
    if lacking and is_first:
        got = f"the exposure metric {metric!r} is zero for {', '.join(map(repr, lacking))} in the counted weeks"
        raise SafeguardError(f"{got}; it must have every tactical: drop them from the media tree", name="empty_column")
    told = f"metric {metric!r} is zero for {{!r}} in the counted weeks and is fitted without it; drop or correct the column"
    records = [Safeguard("empty_column", metric, name, told.format(name)) for name in lacking]
    has = wanted & ~empty
    for place in np.flatnonzero(has & (np.ptp(values, axis=0) == 0)):
        name, level = hierarchy.tacticals[place], values[0, place]
        sentence = f"metric {metric!r}, tactical {name!r} is {level:g} in every counted week: its effect is its prior's"
        records.append(Safeguard("constant_column", metric, name, f"{sentence}; leave it out or give its real values"))
    return has, records


def _judge_leaks(leaks: list[Leak]) -> list[Safeguard]:
    """Raise what stops, all at once; return the rest."""
    if stops := [leak.sentence for leak in leaks if leak.verdict == STOP]:
        raise LeakageError("\n".join([f"{len(stops)} of the columns know the target:", *stops]))
    return [Safeguard("leakage", leak.metric, leak.tactical, leak.sentence) for leak in leaks]
