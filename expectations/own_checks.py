"""Checks that a company adds in its settings (`checks.own`): Great Expectations' own expectations, by name and arguments.

Names, arguments and columns were compared with what there is when the settings were read (`hierforecast.check_catalog`);
what only Great Expectations itself can judge, the values of arguments, is judged here, before anything is run.
"""

from datetime import date
from typing import Any

import great_expectations.expectations  # noqa: F401  (fills the registry)
import numpy as np
import pandas as pd
from great_expectations.compatibility.pydantic import ValidationError
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.registry import get_expectation_impl

from expectations.check import Check
from expectations.grid import write_date
from expectations.panel_view import Finding, PanelView, several
from expectations.running import first_rows
from hierforecast.check_catalog import OWN, columns_of
from hierforecast.check_options import OwnCheck
from hierforecast.errors import SettingsError
from hierforecast.schema import MediaPanel, SalesPanel

_SHOWN_LETTERS = 300  # of an observed value: a set of ten thousand names is no sentence


def own_checks(panel: SalesPanel | MediaPanel) -> list[Check]:
    """The checks of `checks.own`, numbered in their order.

    Raises:
        SettingsError: an argument has a value that its expectation does not take.
    """
    return [_own_check(own, number, panel) for number, own in enumerate(panel.checks.own, start=1)]


def _own_check(own: OwnCheck, number: int, panel: SalesPanel | MediaPanel) -> Check:
    expectation, columns = _built(own, number, panel), columns_of(own.arguments)
    return Check(
        OWN,
        own.sentence or _sentence(own),
        expectation,
        columns[0] if len(columns) == 1 else None,
        explain=lambda view: _explain(expectation, view),
        severity=own.severity,
        number=number,
    )


def _built(own: OwnCheck, number: int, panel: SalesPanel | MediaPanel) -> Expectation:
    arguments = own.arguments
    if panel.period in columns_of(arguments):
        arguments = {name: _as_dates(value) for name, value in arguments.items()}
    try:
        return get_expectation_impl(own.expect)(**arguments)
    except (ValidationError, ValueError, TypeError) as error:
        where = "sales" if isinstance(panel, SalesPanel) else "media"
        told = "; ".join(_complaints(error))
        raise SettingsError(f"{where}.checks.own.{number - 1}: {own.expect!r} does not take these arguments: {told}") from None


def _complaints(error: Exception) -> list[str]:
    """What is wrong, by argument: of a union's many complaints the first."""
    if not isinstance(error, ValidationError):
        return [str(error)]
    by_argument = {item["loc"][0]: item["msg"] for item in reversed(error.errors())}
    whole = by_argument.pop("__root__", None)  # follows from what is wrong with the arguments, where something is
    return [f"{argument}: {message}" for argument, message in by_argument.items()] or [str(whole)]


def _as_dates(value: Any) -> Any:
    """Dates as the period column holds them: YAML reads them as dates, and JSON, where settings travel, as text."""
    if isinstance(value, list):
        return [_as_dates(inner) for inner in value]
    if isinstance(value, date):
        return pd.Timestamp(value)
    try:
        return pd.Timestamp(date.fromisoformat(value)) if isinstance(value, str) else value
    except ValueError:
        return value


def _sentence(own: OwnCheck) -> str:
    """What is expected, in the words of the settings."""
    given = ", ".join(f"{name}: {_written(value)}" for name, value in own.arguments.items())
    return f"{own.expect} holds{f' ({given})' if given else ''}"


def _explain(expectation: Expectation, view: PanelView) -> Finding:
    """What was found instead: which rows, or else which number."""
    answer = first_rows(expectation, view)
    rows, observed = answer.get("partial_unexpected_index_list"), answer.get("observed_value")
    count = int(answer.get("unexpected_count") or 0)
    if rows is not None:
        found = f"{several(count, 'row')} of {answer['element_count']:,} break it"
        return Finding(found, count, view.keys(np.array(rows, dtype=np.int64)))
    if observed is not None:
        return Finding(f"it is {_written(observed)}", 1)
    sets = {"not expected": answer.get("partial_unexpected_list"), "missing": answer.get("partial_missing_list")}
    told = "; ".join(f"{words} {_written(names)}" for words, names in sets.items() if names)
    return Finding(told or "it does not hold", max(count, 1))


def _written(value: Any) -> str:
    """A value as a person writes it, cut short where it is long."""
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(_written, value))}]"
    elif isinstance(value, dict):
        text = ", ".join(f"{name} {_written(inner)}" for name, inner in value.items())
    elif isinstance(value, float):
        text = f"{value:,.6g}"
    else:
        text = write_date(value)
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]} ..."
