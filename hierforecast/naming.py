"""What columns, levels and nodes may be called, so that no table of results has two columns of one name.

The checks raise ValueError, which pydantic turns into a mistake in the settings.
"""

from collections.abc import Iterable
from string import Formatter

from hierforecast.results import (
    BASELINE,
    CHANGE,
    CONTRIBUTIONS,
    CONTROL,
    ELASTICITIES,
    FALLBACK,
    FIT,
    FORECASTS,
    HOLIDAYS,
    INTERACTION,
    LEVEL,
    MEDIA_CONTRIBUTIONS,
    OUTSIDE,
    SEASON,
    TREND,
    WEEKDAY,
    WHAT_IF,
)

# Levels and drivers become columns of HiReF's tables, beside these.
RESERVED_IN_SALES = frozenset(
    {*FORECASTS.columns, *CONTRIBUTIONS.columns, *ELASTICITIES.columns, "cells"}
    | {SEASON, TREND, HOLIDAYS, LEVEL, FALLBACK, WHAT_IF, CHANGE, OUTSIDE}
    | {"bottom", "total"}  # scores and effects stand under the level's name, or under these
    | {"other"}  # the dashboard's sum of small components
)
# Nodes and controls become columns and node names of Precision's tables, beside these.
RESERVED_IN_MEDIA = frozenset(
    {*FIT.columns, *MEDIA_CONTRIBUTIONS.columns, BASELINE, CONTROL, TREND, SEASON, WEEKDAY, HOLIDAYS, "bottom", "total"}
)
# Levels also become dimensions of the posterior's file, beside its other dimensions and its variables.
RESERVED_MEDIA_LEVELS = RESERVED_IN_MEDIA | {
    *("chain", "draw", "control_column"),
    *("intercept", "noise", "global_effect", "scale", "beta", "decay"),
}

_PATTERN_FIELDS = ("tactical", "metric")


def refuse_reserved(names: Iterable[str], reserved: frozenset[str], what: str) -> None:
    """Raise ValueError if one of `names` is a name of the result tables; `what` they are goes into the message."""
    for name in names:
        if name in reserved or name.endswith(INTERACTION.format(driver="")):
            raise ValueError(f"{what} {name!r} has a name that the result tables use themselves; rename it, in the data too")


def refuse_repeated(names: list[str], where: str) -> None:
    """Raise ValueError if a name comes twice."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{where}: {repeated} appear more than once; every column and node needs a name of its own")


def check_pattern(pattern: str) -> str:
    """Give a column pattern such as ``"{tactical}_spend"`` back. Raises ValueError if it holds anything but plain fields."""
    knows = "a column pattern knows {tactical} and {metric}, each plain, and text around them"
    try:
        pieces = list(Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(f"the braces of {pattern!r} do not match ({error}); {knows}") from None
    for _, field, form, conversion in pieces:
        if field is not None and (field not in _PATTERN_FIELDS or form or conversion):
            raise ValueError(f"the field {field!r} in {pattern!r} is unknown or not plain; {knows}")
    return pattern


def tells_tacticals_apart(pattern: str) -> bool:
    """Whether a checked pattern gives every tactical a column of its own."""
    return any(field == "tactical" for _, field, _, _ in Formatter().parse(pattern))
