"""What a panel looked like, small enough to keep beside a model: the next panel is compared with it.

Columns are kept as shares of the last year, so that seasons cancel out: of missing values, of zeros, and of the ranges
between the deciles (or fewer quantiles, of short tables) of all other values. Zeros have a range of their own, because most
rows of a promotion or of a medium in flights are zero and their deciles would collapse into it.
"""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from expectations.grid import write_date
from expectations.panel_view import PanelView, key_levels
from hierforecast.schema import MediaPanel, SalesPanel

PROFILE = "profile.json"  # beside the report of the checks, and with it an artifact of a version's run
YEAR = {"day": 364, "week": 52, "month": 12}  # periods; whole weeks, so that weekdays stay on weekdays
LAST_PERIODS = 8  # over which rows per period are counted
MOST_NAMES = 10_000  # of a level; above it nodes are counted only
MOST_RANGES = 10  # of a column; fewer where it has less to say, ten values for each


class ColumnProfile(BaseModel):
    """Values of a column in the last year.

    Args:
        edges: upper ends of the ranges but the last, ascending: the quantiles where these differ.
        shares: of missing values, of zeros, and of every range of the others; they sum to 1.
        telling: values that say something of their own: a temperature that all shops of a town share is one a period.
    """

    model_config = ConfigDict(frozen=True)

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    telling: int


class Profile(BaseModel):
    """A panel's size, reach, totals, columns and nodes, ready for JSON.

    Args:
        target: name of the target column.
        frequency: "day", "week" or "month".
        rows: of the whole table, plan included.
        first: first period.
        last: last period with a known target.
        rows_per_period: median over the last known periods.
        totals: sum of the target by known period.
        columns: the drivers of a sales panel, the media and controls of a media panel.
        counts: nodes by level.
        names: nodes by level, of levels that have not too many.
    """

    model_config = ConfigDict(frozen=True)

    target: str
    frequency: str
    rows: int
    first: str
    last: str
    rows_per_period: float
    totals: dict[str, float]
    columns: dict[str, ColumnProfile]
    counts: dict[str, int]
    names: dict[str, tuple[str, ...]]


def profile_of(view: PanelView, panel: SalesPanel | MediaPanel) -> Profile:
    """Describe a typed panel that has a known target somewhere."""
    target = panel.target.name
    known = view.frame[target].notna().to_numpy()
    numbers, place = np.unique(view.numbers[known], return_inverse=True)
    sums = np.bincount(place, weights=view.frame[target].to_numpy(dtype=float)[known])
    dates = [write_date(view.grid.date(number)) for number in numbers]
    nodes = {level: names for level, (_, names) in view.nodes.items()}
    return Profile(
        target=target,
        frequency=panel.frequency,
        rows=len(view.frame),
        first=write_date(view.grid.date(view.numbers.min())),
        last=dates[-1],
        rows_per_period=float(np.median(np.bincount(place)[-LAST_PERIODS:])),
        totals=dict(zip(dates, sums.tolist(), strict=True)),
        columns=describe_columns(view, compared_columns(panel), target),
        counts={level: len(names) for level, names in nodes.items()},
        names={level: tuple(sorted(map(str, names))) for level, names in nodes.items() if len(names) <= MOST_NAMES},
    )


def compared_columns(panel: SalesPanel | MediaPanel) -> list[str]:
    """Every column of numbers but the target."""
    return [name for name in panel.columns if name not in (*key_levels(panel), panel.period, panel.target.name)]


def describe_columns(
    view: PanelView, columns: list[str], target: str, like: dict[str, ColumnProfile] | None = None
) -> dict[str, ColumnProfile]:
    """Columns over the last year with a known target; in the ranges of earlier ones where `like` gives them."""
    last = view.last_known(target)
    rows = (view.numbers <= last) & (view.numbers > last - YEAR[view.frequency])
    periods = view.numbers[rows].astype(float)
    described = {}
    for column in columns:
        values = view.frame[column].to_numpy(dtype=float)[rows]
        telling = _telling(values, periods)
        edges = np.array(like[column].edges) if like else _edges(values, min(MOST_RANGES, max(2, telling // 10)))
        shares = _shares(values, edges)
        described[column] = ColumnProfile(edges=tuple(edges.tolist()), shares=shares, telling=telling)
    return described


def _edges(values: np.ndarray, ranges: int) -> np.ndarray:
    others = values[np.isfinite(values) & (values != 0)]
    if not len(others):
        return np.array([])
    ends = np.unique(np.quantile(others, np.arange(1, ranges) / ranges))
    return ends[ends < others.max()]  # nothing lies above the largest value


def _shares(values: np.ndarray, edges: np.ndarray) -> tuple[float, ...]:
    filled = np.isfinite(values)
    others = values[filled & (values != 0)]
    ranges = np.bincount(np.searchsorted(edges, others), minlength=len(edges) + 1)
    counts = np.r_[np.sum(~filled), np.sum(filled & (values == 0)), ranges]
    return tuple((counts / len(values)).tolist())


def _telling(values: np.ndarray, periods: np.ndarray) -> int:
    """Distinct pairs of period and value, by a sum that differs for any two of them that one meets."""
    return len(pd.unique(values * 0.7548776662466927 + periods))


def read_profile(raw: Any) -> Profile:
    """A profile from its JSON.

    Raises:
        pydantic.ValidationError: another release wrote it, or nobody of ours did.
    """
    return Profile.model_validate(raw)
