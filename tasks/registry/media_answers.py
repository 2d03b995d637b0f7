"""What a registered marketing mix model may be asked, and its answers: one frame for panel weeks and a few parameters.

kind            reads             gives
forecast        interval          one row per week: mean, lower, upper
contributions   level, interval   one row per week and node
roi             level, interval   returns per node, `results.ROI`
response        level, interval   what nodes bring at multiples of their spend, `results.RESPONSE`
budget          level, interval, budget or target_roi or target_marginal_roi, by     the best plan, `results.BUDGET`
spend_plan      as budget, but no level          the same plan's spend, one row per week and a column per tactical
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from hierforecast.errors import PanelError, SettingsError, nearest
from hierforecast.options import Sampling

ASKED_OF_BUDGETS = ("budget", "target_roi", "target_marginal_roi")
BY = ("total", "week")
TOTAL = "total"

Given = dict[str, Any]


def answer(model: Any, rows: pd.DataFrame, given: Mapping[str, Any]) -> pd.DataFrame:
    """Answer about a frame of panel weeks.

    Args:
        model: a fitted `Precision`.
        rows: weeks within or right after the fitted ones, with exposures and controls; about money with spend as well.
        given: parameters by name; `answer` is another name for `kind`, as HiReF's versions call it.

    Raises:
        SettingsError: a parameter is unknown, out of range, or means nothing to this kind.
        PanelError: the weeks do not fit what the model was trained on, or lack their spend.
    """
    given = dict(given)
    kind = given.pop("kind", None) or given.pop("answer", None) or "forecast"
    given.pop("answer", None)
    if kind not in _KINDS:
        raise SettingsError(f"params: kind {kind!r} is unknown; {nearest(str(kind), _KINDS)}")
    make, known, about_money = _KINDS[kind]
    for name in given:
        if name not in known:
            raise SettingsError(f"params: kind {kind!r} takes no {name!r}; {nearest(name, known)}")
    if about_money:
        _check_spend(model, rows)
    else:
        rows = _without_spend(model, rows)
    return make(_at_interval(model, given.pop("interval", None)), rows, given)


def _forecast(model: Any, rows: pd.DataFrame, _: Given) -> pd.DataFrame:
    return model.predict(rows)


def _contributions(model: Any, rows: pd.DataFrame, given: Given) -> pd.DataFrame:
    level = given.get("level")
    if level is not None:
        _check_level(level, model.hierarchy.levels)
    return model.contributions(level, rows)


def _roi(model: Any, rows: pd.DataFrame, given: Given) -> pd.DataFrame:
    return _of_level(model, model.decisions(rows).roi(), given)


def _response(model: Any, rows: pd.DataFrame, given: Given) -> pd.DataFrame:
    return _of_level(model, model.decisions(rows).response_curves(), given)


def _budget(model: Any, rows: pd.DataFrame, given: Given) -> pd.DataFrame:
    return _of_level(model, _best(model, rows, given).table, given)


def _spend_plan(model: Any, rows: pd.DataFrame, given: Given) -> pd.DataFrame:
    plan = pd.DataFrame(_best(model, rows, given).spend, columns=list(model.hierarchy.tacticals))
    periods = rows[model.columns.period].sort_values(ignore_index=True)
    plan.insert(0, model.columns.period, periods)
    return plan


_OF_BUDGETS = (*ASKED_OF_BUDGETS, "by", "interval")
_Kind = tuple[Callable[[Any, pd.DataFrame, Given], pd.DataFrame], tuple[str, ...], bool]
_KINDS: dict[str, _Kind] = {
    "forecast": (_forecast, ("interval",), False),
    "contributions": (_contributions, ("level", "interval"), False),
    "roi": (_roi, ("level", "interval"), True),
    "response": (_response, ("level", "interval"), True),
    "budget": (_budget, ("level", *_OF_BUDGETS), True),
    "spend_plan": (_spend_plan, _OF_BUDGETS, True),
}
KINDS = tuple(_KINDS)


def _best(model: Any, rows: pd.DataFrame, given: Given) -> Any:
    by = given.get("by", TOTAL)
    if by not in BY:
        raise SettingsError(f"params: by {by!r} is unknown; {nearest(str(by), BY)}")
    return model.decisions(rows).optimise_budget(by=by, **{name: given.get(name) for name in ASKED_OF_BUDGETS})


def _of_level(model: Any, table: pd.DataFrame, given: Given) -> pd.DataFrame:
    """The rows of one level, or all."""
    if "level" not in given:
        return table
    _check_level(given["level"], (*model.hierarchy.levels, TOTAL))
    return table[table["level"] == given["level"]].reset_index(drop=True)


def _check_level(level: str, levels: tuple[str, ...]) -> None:
    if level not in levels:
        raise SettingsError(f"params: level {level!r} is unknown; {nearest(str(level), levels)}")


def _check_spend(model: Any, rows: pd.DataFrame) -> None:
    if not model.columns.spend:
        raise SettingsError("params: this version was trained without spend, so it cannot speak of money; declare media.spend")
    missing = [name for name in model.columns.spend if name not in rows.columns]
    if missing:
        raise PanelError(f"returns and budgets need what was spent: the weeks have no column {missing[0]!r}")


def _without_spend(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without what only money is asked of, which may not be known yet; spend may be the exposure itself."""
    return rows.drop(columns=[name for name in model.columns.spend if name in rows and name not in model.columns.media])


def _at_interval(model: Any, interval: float | None) -> Any:
    """The same model with bounds of another coverage; draws are shared."""
    if interval is None:
        return model
    if not 0 < interval < 1:
        raise SettingsError(f"params: interval is a share between 0 and 1, got {interval:g}; write 0.9 for 90 %")
    model.coefficients  # noqa: B018 - made once, for the copies too
    other = copy.copy(model)
    other.sampling = Sampling(**{**model.sampling.model_dump(), "interval": interval})
    return other
