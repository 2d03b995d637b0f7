"""From one period's revenue to another's, and from one forecast to another: what the difference is made of.

Within a node, with q units, p price (revenue per unit), 0 before and 1 after, over the series sold in both

    volume = (Q1 - Q0) P0              Q = sum of q, P0 = revenue before / Q0: as many units more, sold as before
    mix    = sum_i (q1 - q0 Q1/Q0) p0  towards dearer or cheaper series
    price  = sum_i q1 (p1 - p0)

and `new` and `lost` are the revenue of series sold in one period only. These are the formulas of price-volume-mix
analysis as controllers use them. "lmdi" instead treats before and after alike, with R revenue and s = q / Q:

    volume = sum_i L(R1, R0) log(Q1/Q0),  mix = sum_i L log(s1/s0),  price = sum_i L log(p1/p0),
    L(a, b) = (a - b) / log(a / b)

Sources: Horngren, Datar & Rajan, Cost Accounting: A Managerial Emphasis, chapter on flexible budgets and sales-mix and
sales-quantity variances; Ang (2005), Energy Policy 33(7), https://doi.org/10.1016/j.enpol.2003.10.010
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, SettingsError, nearest
from hierforecast.hierarchy import TOTAL
from hierforecast.hiref.answers.nodes import At, columns_at
from hierforecast.hiref.columns.cells import as_numbers, refuse_no_frame
from hierforecast.results import BRIDGE

Method = Literal["standard", "lmdi"]
_PARTS = ("volume", "mix", "price", "new", "lost")


def bridge(
    before: pd.DataFrame,
    after: pd.DataFrame,
    levels: Sequence[str],
    *,
    units: str,
    price: str,
    level: At = TOTAL,
    method: Method = "standard",
) -> pd.DataFrame:
    """Split the change of revenue between two tables of rows, exactly, for every node.

    Args:
        before: levels, units and price, any number of rows per series; a price is per unit.
        after: the same.
        levels: the key columns; one combination of them is what is sold.
        units: column of units, >= 0.
        price: column of prices, currency per unit.
        level: nodes to report: a level, several crossed, "bottom" or "total".
        method: "standard" values mix at prices before; "lmdi" treats both periods alike.

    Returns:
        Levels of the node and `revenue_before`, `volume`, `mix`, `price`, `new`, `lost`, `revenue_after`; before plus the
        five parts is after.

    Raises:
        PanelError: a column is missing, empty, infinite or below 0, or a level is unknown.
        SettingsError: an unknown method.
    """
    if method not in get_args(Method):
        raise SettingsError(f"method {method!r} is unknown; {nearest(str(method), get_args(Method))}")
    by = columns_at(level, levels)
    first, last = _sold(before, levels, units, price, "before"), _sold(after, levels, units, price, "after")
    items = pd.concat([first.add_suffix("_before"), last.add_suffix("_after")], axis=1)
    items = items.fillna(0.0).reset_index()
    codes = items.groupby(by, observed=True, sort=True).ngroup().to_numpy() if by else np.zeros(len(items), dtype=np.int64)
    found = items[by].iloc[np.unique(codes, return_index=True)[1]]  # one row per node, in the order of their codes
    parts = _split(
        *(items[name].to_numpy() for name in ("units_before", "units_after", "revenue_before", "revenue_after")), codes, method
    )
    count = len(found)
    sums = {name: np.bincount(codes, values, count) for name, values in parts.items()}
    ends = {name: np.bincount(codes, items[name], count) for name in ("revenue_before", "revenue_after")}
    keys = {name: found[name].to_numpy() for name in by}
    return pd.DataFrame(keys | ends | sums)[[*by, *BRIDGE.columns]]


def _sold(rows: pd.DataFrame, levels: Sequence[str], units: str, price: str, which: str) -> pd.DataFrame:
    """Units and revenue per series."""
    refuse_no_frame(rows)
    for name in (*levels, units, price):
        if name not in rows.columns:
            raise PanelError(f"no column {name!r} in the rows {which}; {nearest(name, map(str, rows.columns))}")
    sold = rows[[*levels]].copy()
    numbers = {name: _numbers(rows, name, which) for name in (units, price)}
    sold["units"], sold["revenue"] = numbers[units], numbers[units] * numbers[price]
    return sold.groupby(list(levels), observed=True, sort=False)[["units", "revenue"]].sum()


def _numbers(rows: pd.DataFrame, name: str, which: str) -> np.ndarray:
    values = as_numbers(rows, name)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        raise PanelError(
            f"column {name!r} is empty, infinite or below 0 in {int(bad.sum())} rows {which}; correct or drop these rows"
        )
    return values


def _split(
    q0: np.ndarray, q1: np.ndarray, r0: np.ndarray, r1: np.ndarray, codes: np.ndarray, method: Method
) -> dict[str, np.ndarray]:
    """Parts per series, (series,) each, whose sum is ``r1 - r0``; `codes` (series,) say whose totals are compared."""
    both = (q0 > 0) & (q1 > 0)
    Q0, Q1 = (np.bincount(codes, np.where(both, q, 0.0))[codes] for q in (q0, q1))
    safe = {name: np.where(both, values, 1.0) for name, values in {"q0": q0, "q1": q1, "Q0": Q0, "Q1": Q1}.items()}
    growth, p0 = safe["Q1"] / safe["Q0"], r0 / safe["q0"]
    if method == "standard":
        volume, mix = r0 * (growth - 1.0), (q1 - q0 * growth) * p0
        price = r1 - q1 * p0
    else:
        sold = both & (r0 > 0) & (r1 > 0)
        R0, R1 = np.where(sold, r0, 1.0), np.where(sold, r1, 1.0)
        change = np.log(R1 / R0)
        flat = np.abs(change) < 1e-9
        mean = np.where(flat, R0, (R1 - R0) / np.where(flat, 1.0, change))
        volume = np.where(sold, mean * np.log(growth), 0.0)
        mix = np.where(sold, mean * (np.log(safe["q1"] / safe["q0"]) - np.log(growth)), 0.0)
        # What was given away in one period has a price whose log is infinite: it takes the whole change.
        price = r1 - r0 - volume - mix
    parts = (
        volume,
        mix,
        price,
        np.where(both, 0.0, np.where(q1 > 0, r1, 0.0)),
        np.where(both, 0.0, np.where(q0 > 0, -r0, 0.0)),
    )
    only = dict(zip(_PARTS, parts, strict=True))
    return {name: values if name in ("new", "lost") else np.where(both, values, 0.0) for name, values in only.items()}


def driver_bridge(
    before: pd.DataFrame, after: pd.DataFrame, levels: Sequence[str], period: str, level: At = TOTAL
) -> pd.DataFrame:
    """Split the change between two tables of contributions, per node.

    Args:
        before: levels, period and components in units, as `HiReF.contributions` gives them by row.
        after: the same.
        levels: the key columns.
        period: the period column.
        level: nodes to report.

    Returns:
        Levels of the node, `forecast_before`, one column per component (units by which it moved the sum), and
        `forecast_after`; before plus the components is after.
    """
    by = columns_at(level, levels)
    sums = [_summed(table.drop(columns=period), by, levels) for table in (before, after)]
    first, last = sums[0].align(sums[1], fill_value=0.0)
    names = [name for name in sums[1].columns if name in last] + [name for name in sums[0].columns if name not in sums[1]]
    first, last = first[names].fillna(0.0), last[names].fillna(0.0)
    table = last - first
    table.insert(0, "forecast_before", first.sum(axis=1))
    table["forecast_after"] = last.sum(axis=1)
    return table.reset_index() if by else table.reset_index(drop=True)


def _summed(table: pd.DataFrame, by: list[str], levels: Sequence[str]) -> pd.DataFrame:
    numbers = [name for name in table.columns if name not in levels]
    if by:
        return table.groupby(by, observed=True, sort=True)[numbers].sum()
    return table[numbers].sum().to_frame().T
