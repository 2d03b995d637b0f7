"""Sums over a selection: from one row per series and period to what one figure or table shows. No Dash, no MLflow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.hierarchy import TOTAL
from hierforecast.results import ACTUAL, FORECAST, FUTURE, HISTORY, HOLDOUT, LOWER, PART, PERIOD, UPPER

OTHER = "other"
PARTS = (HISTORY, HOLDOUT, FUTURE)


class Accuracy(NamedTuple):
    """How near the summed forecast is to the summed actual on the held-out periods.

    wape and bias are shares of the actual, NaN where nothing was held out; actual and forecast in target units.
    """

    periods: int
    wape: float
    bias: float
    actual: float
    forecast: float


def select_nodes(frame: pd.DataFrame, chosen: Mapping[str, Sequence[str] | None]) -> pd.DataFrame:
    """Rows whose nodes are chosen at every level; a level with nothing chosen, or that the frame lacks, keeps all."""
    keep = np.ones(len(frame), dtype=bool)
    for level, nodes in chosen.items():
        if nodes and level in frame:
            keep &= frame[level].isin(list(nodes)).to_numpy()
    return frame if keep.all() else frame[keep]


def nodes_of(frame: pd.DataFrame, level: str) -> list[str]:
    """The nodes of a level, sorted."""
    column = frame[level]
    names = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().unique()
    return sorted(str(name) for name in names)


def is_single_series(frame: pd.DataFrame) -> bool:
    """Whether a frame of one row per series and period holds exactly one series: no period then comes twice."""
    return len(frame) > 0 and frame[PERIOD].is_unique


def sum_over_time(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Sum columns over all series of each period.

    Returns:
        one row per period, ascending: period, part (that of most of its series) and the sums in the columns' units; a
        period in which a column is empty everywhere stays empty.
    """
    codes, periods = pd.factorize(frame[PERIOD], sort=True)
    counts = np.stack([np.bincount(codes[(frame[PART] == part).to_numpy()], minlength=len(periods)) for part in PARTS])
    sums = {name: _sum_by_code(codes, frame[name].to_numpy(dtype=float), len(periods)) for name in columns}
    return pd.DataFrame({PERIOD: periods, PART: np.array(PARTS, dtype=object)[counts.argmax(axis=0)], **sums})


def forecast_over_time(frame: pd.DataFrame) -> pd.DataFrame:
    """Actual and forecast per period; lower and upper only for a single series, because bounds do not add up."""
    columns = [ACTUAL, FORECAST, LOWER, UPPER] if is_single_series(frame) else [ACTUAL, FORECAST]
    return sum_over_time(frame, columns)


def add_node_bounds(over_time: pd.DataFrame, nodes: pd.DataFrame, chosen: Mapping[str, Sequence[str] | None]) -> pd.DataFrame:
    """Add lower and upper where everything, or one node of one level and nothing else, is chosen; else the same frame.

    Args:
        over_time: as from `forecast_over_time`; where it has bounds already, they stay.
        nodes: as `results.NODES`.
        chosen: nodes by level.
    """
    picked = [(level, node) for level, names in chosen.items() for node in names or ()]
    if LOWER in over_time or len(picked) > 1:
        return over_time
    level, node = picked[0] if picked else (TOTAL, TOTAL)
    rows = nodes[(nodes["level"].astype(str) == level) & (nodes["node"].astype(str) == str(node))]
    if rows[UPPER].isna().all():
        return over_time
    return over_time.merge(rows[[PERIOD, LOWER, UPPER]], on=PERIOD, how="left")


def accuracy(over_time: pd.DataFrame) -> Accuracy:
    """Accuracy of a summed forecast on its held-out periods.

    wape = sum |forecast - actual| / sum actual,  bias = sum (forecast - actual) / sum actual
    """
    held = over_time[(over_time[PART] == HOLDOUT) & over_time[ACTUAL].notna()]
    actual, error = float(held[ACTUAL].sum()), held[FORECAST] - held[ACTUAL]
    wape, bias = (float(error.abs().sum()) / actual, float(error.sum()) / actual) if actual > 0 else (np.nan, np.nan)
    return Accuracy(len(held), wape, bias, actual, float(held[FORECAST].sum()))


def components_of(frame: pd.DataFrame, levels: Iterable[str]) -> list[str]:
    """The columns of a contributions table that are components, in the table's order."""
    keys = {*levels, PERIOD, PART}
    return [str(name) for name in frame.columns if name not in keys]


def keep_largest(over_time: pd.DataFrame, components: Sequence[str], *, count: int) -> pd.DataFrame:
    """Keep the `count` components of largest absolute sum, in their order; the rest is added into `other`, so sums stay."""
    if len(components) <= count:
        return over_time
    weight = over_time[list(components)].abs().sum()
    large = set(weight.nlargest(count - 1).index)
    small = [name for name in components if name not in large]
    return over_time.drop(columns=small).assign(**{OTHER: over_time[small].sum(axis=1)})


def shares(over_time: pd.DataFrame, components: Sequence[str]) -> pd.DataFrame:
    """Totals of components: component, total in target units, share of the sum of all; largest absolute total first."""
    totals = over_time[list(components)].sum()
    whole = float(totals.sum())
    frame = pd.DataFrame({"component": totals.index, "total": totals.to_numpy()})
    frame["share"] = frame["total"] / whole if whole else np.nan
    return frame.sort_values("total", key=np.abs, ascending=False, ignore_index=True)


def media_over_time(contributions: pd.DataFrame, level: str) -> pd.DataFrame:
    """Mean contributions of one media level with controls and baseline: one row per period, one column per node.

    The media levels each tell the whole media effect, so exactly one of them goes into a sum.
    """
    rows = contributions[contributions["level"].isin([level, "control", "baseline"])]
    order = rows.drop_duplicates(["level", "node"])
    rank = order["level"].map({"baseline": 0, "control": 1}).fillna(2)
    nodes = order.loc[rank.sort_values(kind="stable").index, "node"]
    wide = rows.pivot_table(index=PERIOD, columns="node", values="mean", aggfunc="sum", observed=True)
    return wide[nodes.drop_duplicates().tolist()].rename_axis(columns=None).reset_index()


def totals_of(totals: pd.DataFrame, level: str) -> pd.DataFrame:
    """One media level's totals with controls and baseline, largest first; `component` is the node.

    What a control brings is measured from its mean, so its total is nothing but rounding, and shown as none.
    """
    rows = totals[totals["level"].isin([level, "control", "baseline"])].rename(columns={"node": "component"})
    numbers = [name for name in rows.columns if name not in ("level", "component")]
    tiny = rows["total"].abs() <= 1e-9 * rows["total"].abs().sum()
    rows = rows.assign(**{name: rows[name].where(~tiny, 0.0) for name in numbers})
    return rows.sort_values("total", key=np.abs, ascending=False, ignore_index=True)


def compare_scores(champion: pd.DataFrame | None, challenger: pd.DataFrame | None) -> pd.DataFrame:
    """Scores side by side per level, in the table's order: level, cells, and each metric as NAME_champion, NAME_challenger."""
    sides = {"champion": champion, "challenger": challenger}
    frames = [frame.set_index("level").add_suffix(f"_{side}") for side, frame in sides.items() if frame is not None]
    if not frames:
        return pd.DataFrame({"level": []})
    return pd.concat(frames, axis=1, sort=False).rename_axis("level").reset_index()


def _sum_by_code(codes: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    known = ~np.isnan(values)
    if known.all():
        return np.bincount(codes, weights=values, minlength=size)
    sums = np.bincount(codes[known], weights=values[known], minlength=size)
    return np.where(np.bincount(codes[known], minlength=size) > 0, sums, np.nan)
