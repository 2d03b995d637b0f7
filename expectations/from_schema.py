"""Suites from the schema alone: columns, types, unique keys, bounds, known values, and the calendar."""

import numpy as np
from great_expectations import expectations as stock

from expectations.calendar import ExpectCompleteCalendar, ExpectRegularDates
from expectations.check import Check, place
from expectations.columns import ExpectDates, ExpectKnown, ExpectNames, ExpectNumbers
from expectations.panel_view import Finding, PanelView, key_levels, several
from hierforecast.errors import nearest
from hierforecast.schema import MediaPanel, SalesPanel


def structure_checks(panel: SalesPanel | MediaPanel) -> list[Check]:
    """What must hold before the content can be judged: rows, columns, types, names and unique keys."""
    levels, where = key_levels(panel), place(panel)
    checks = [_has_rows(), *(_has_column(name) for name in panel.columns)]
    checks += [
        Check("type", f"{name!r} holds numbers", ExpectNumbers(column=name, **where), name, needs=(name,))
        for name in number_columns(panel)
    ]
    dates = f"{panel.period!r} holds dates, written YYYY-MM-DD where they are text"
    checks.append(Check("type", dates, ExpectDates(**where), panel.period, needs=(panel.period,)))
    checks += [_is_filled(name, where) for name in levels]
    return [*checks, _unique_keys([*levels, panel.period])]


def calendar_checks(panel: SalesPanel | MediaPanel) -> list[Check]:
    """Dates on the declared frequency, and every period there."""
    where = place(panel)
    regular = f"dates in {panel.period!r} are one {panel.frequency} apart from each other, or a multiple of it"
    complete = f"every {panel.frequency} between the first and the last has at least one row"
    return [
        Check("regular_calendar", regular, ExpectRegularDates(**where), panel.period),
        Check("complete_calendar", complete, ExpectCompleteCalendar(**where), panel.period),
    ]


def bounds(column: str, lower: float | None, upper: float | None, why: str, *, needed: bool = False) -> Check:
    """Every known value lies between two bounds, of which either may be missing; `needed` where no model can do without."""
    limits = " and ".join(part for part in (_limit("at least", lower), _limit("at most", upper)) if part)

    def explain(view: PanelView) -> Finding:
        values = view.frame[column].to_numpy(dtype=float)
        bad = np.zeros(len(values), dtype=bool)
        bad |= values < lower if lower is not None else False
        bad |= values > upper if upper is not None else False
        reach = [f"{value:,.6g}" for value in (values[bad].min(), values[bad].max())]
        seen = reach[0] if reach[0] == reach[1] else f"{reach[0]} to {reach[1]}"
        return Finding(f"{several(int(bad.sum()), 'row')} outside: {seen}", int(bad.sum()), view.keys(bad))

    expectation = stock.ExpectColumnValuesToBeBetween(column=column, min_value=lower, max_value=upper)
    return Check("bounds", f"{column!r} is {limits} ({why})", expectation, column, explain=explain, needed=needed)


def known(panel: SalesPanel | MediaPanel, column: str, until: int | None) -> Check:
    """A column has a value in every row, or up to `until` periods after the last known target."""
    rows = "every row" if until is None else f"every row up to the last known {panel.target.name!r}"
    if until:
        rows += f", {several(-until, panel.frequency)} before the end excepted"
    expectation = ExpectKnown(column=column, target=panel.target.name, until=until, **place(panel))
    return Check("known", f"{column!r} has a value in {rows}", expectation, column)


def number_columns(panel: SalesPanel | MediaPanel) -> list[str]:
    """Every declared column that is neither a level nor the period."""
    return [name for name in panel.columns if name not in (*key_levels(panel), panel.period)]


def _has_rows() -> Check:
    expectation = stock.ExpectTableRowCountToBeBetween(min_value=1)
    return Check("rows", "the table has rows", expectation, explain=lambda _: Finding("the table is empty", 1))


def _has_column(name: str) -> Check:
    def explain(view: PanelView) -> Finding:
        return Finding(f"there is no column {name!r}; {nearest(name, map(str, view.frame.columns))}", 1)

    return Check("column", f"there is a column {name!r}", stock.ExpectColumnToExist(column=name), name, explain=explain)


def _is_filled(level: str, where: dict[str, object]) -> Check:
    sentence = f"every row names a node of level {level!r}"
    return Check("level_filled", sentence, ExpectNames(column=level, **where), level, needs=(level,))


def _unique_keys(keys: list[str]) -> Check:
    def explain(view: PanelView) -> Finding:
        repeated = view.frame.duplicated(keys, keep=False).to_numpy()
        distinct = repeated & ~view.frame.duplicated(keys).to_numpy()
        found = f"{several(int(distinct.sum()), 'key')} in {several(int(repeated.sum()), 'row')}, each more than once"
        return Finding(found, int(distinct.sum()), view.keys(distinct))

    expectation = (
        stock.ExpectCompoundColumnsToBeUnique(column_list=keys, ignore_row_if="never")
        if len(keys) > 1
        else stock.ExpectColumnValuesToBeUnique(column=keys[0])
    )
    sentence = f"no two rows share the same {', '.join(keys)}"
    return Check("unique_keys", sentence, expectation, needs=tuple(keys), explain=explain)


def _limit(words: str, value: float | None) -> str:
    return "" if value is None else f"{words} {value:,.6g}"
