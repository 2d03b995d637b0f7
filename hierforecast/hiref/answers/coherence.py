"""Forecasts of several levels that were made apart, reconciled so that they add up: minimum trace (MinT).

    b~ = (S' W^-1 S)^-1 S' W^-1 y^        y~ = S b~

y^ are base forecasts of all nodes, S says which series each node sums over, W is the covariance of base errors, here
estimated on the past. Levels may be nested or crossed. Sums of one model's bottom forecasts need none of this: they add
up already. Reconciling pays where a level has a forecast of its own that is better than such sums.

Source: Wickramasuriya, Athanasopoulos & Hyndman (2019), Optimal forecast reconciliation for hierarchical and grouped time
series through trace minimization, JASA 114(526), doi:10.1080/01621459.2018.1448825; computed by Nixtla's
`hierarchicalforecast`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError, SettingsError, nearest
from hierforecast.hierarchy import BOTTOM
from hierforecast.hiref.answers.forecasts import MEAN
from hierforecast.hiref.answers.nodes import At, columns_at, joined_names
from hierforecast.hiref.columns.cells import as_numbers, read_column, refuse_no_frame
from hierforecast.results import COHERENT, FORECAST
from hierforecast.schema import SalesPanel

Method = Literal["mint_shrink", "wls_var", "wls_struct", "ols"]
MOST_NODES = 4000  # MinT inverts matrices of this size
FEWEST_PERIODS = 3  # fewer have no variance to speak of


class Forecaster(Protocol):
    """A fitted model of the bottom series, such as HiReF."""

    panel: SalesPanel

    def predict(self, panel: pd.DataFrame, *, statistic: str | None = None) -> pd.DataFrame:
        """Levels, period and `forecast` of every row."""


class _Nodes(NamedTuple):
    """All nodes, aggregates first: labels, and (nodes, series) which series each sums over."""

    labels: pd.DataFrame
    sums: np.ndarray


def reconcile(
    model: Forecaster,
    history: pd.DataFrame,
    panel: pd.DataFrame,
    levels: Sequence[At],
    *,
    own: Mapping[str, pd.DataFrame] | None = None,
    method: Method = "mint_shrink",
) -> pd.DataFrame:
    """Make forecasts of all levels add up.

    Args:
        model: forecasts the series.
        history: rows on whose known targets the errors of all base forecasts are measured. What the model was
            fitted on makes errors look smaller than they will be; periods held out are better.
        panel: rows to forecast.
        levels: the nodes above the series: levels, lists of crossed levels, "total".
        own: base forecasts of other models by level (crossed ones joined by " x "): frames with the level's columns, the
            period and `forecast` (units), for the periods of history and panel. Other levels start from bottom sums.
        method: "mint_shrink" (errors related, shrunk), "wls_var" (errors unrelated), "wls_struct", "ols".

    Returns:
        `level`, `node` (crossed ones joined by " / "), the period, `base` and `forecast` (units, >= 0; every node's is
        exactly the sum of its series').

    Raises:
        PanelError: a level or column is missing, a base forecast lacks a node or period, there are too many nodes, or too
            few periods in which sales of these series are known.
        SettingsError: an unknown method, or `hierarchicalforecast` is not installed.
    """
    if method not in get_args(Method):
        raise SettingsError(f"method {method!r} is unknown; {nearest(str(method), get_args(Method))}")
    trace = _trace(method)
    settings, target = model.panel, model.panel.target.name
    levels = [levels] if isinstance(levels, str) else levels
    named = {_name(level, settings.levels): columns_at(level, settings.levels) for level in levels}
    # The series come last, whether or not they were named: what is found for them is what everything sums over.
    named = {name: by for name, by in named.items() if name != BOTTOM} | {BOTTOM: list(settings.levels)}
    for level in own or ():
        if level not in named:
            raise PanelError(f"own forecasts are given for {level!r}; {nearest(level, named)}")
    for rows in (history, panel):
        refuse_no_frame(rows)
        for level in settings.levels:
            read_column(rows, level, "column for level")
    keys = panel[settings.levels].drop_duplicates().reset_index(drop=True)
    nodes = _nodes(keys, named)
    ahead = _bottom(model.predict(panel, statistic=MEAN), FORECAST, keys, settings)
    past = _past(history, keys, settings)
    known = _bottom(past.assign(**{FORECAST: as_numbers(past, target)}), FORECAST, keys, settings)
    fitted = _bottom(model.predict(past, statistic=MEAN), FORECAST, keys, settings)
    base, said = _all_nodes(nodes, ahead, own, named, settings), _all_nodes(nodes, fitted, own, named, settings)
    found = trace.fit_predict(
        S=nodes.sums, y_hat=base.to_numpy(), y_insample=nodes.sums @ known.to_numpy(), y_hat_insample=said.to_numpy()
    )["mean"]
    bottom = np.maximum(found[-len(keys) :], 0.0)
    table = pd.DataFrame(nodes.sums @ bottom, columns=base.columns)
    return _tidy(nodes.labels, base, table, settings.period)


def _trace(method: Method) -> Any:
    try:
        from hierarchicalforecast.methods import MinTrace
    except ImportError:
        raise SettingsError(
            "reconciling needs the package hierarchicalforecast; install it with pip install 'hierforecast[reconcile]'"
        ) from None
    return MinTrace(method=method)


def _past(history: pd.DataFrame, keys: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """The rows of these series whose target is known: a plan's rows would count as sales of 0."""
    known = history[np.isfinite(as_numbers(history, settings.target.name))]
    past = known.merge(keys, on=settings.levels)
    periods = past[settings.period].nunique() if len(past) else 0
    if periods < FEWEST_PERIODS:
        raise PanelError(
            f"the history has sales of the panel's series in {periods} periods, and errors are measured on at least "
            f"{FEWEST_PERIODS}; give more of the past, of the same series"
        )
    return past


def _name(level: At, levels: Sequence[str]) -> str:
    return level if isinstance(level, str) else " x ".join(columns_at(level, levels))


def _nodes(keys: pd.DataFrame, named: Mapping[str, list[str]]) -> _Nodes:
    labels, sums, count = [], [], 0
    for name, by in named.items():
        text = joined_names(keys, by) if by else pd.Series(name, index=keys.index)
        codes, found = (np.arange(len(keys)), text.to_numpy()) if name == BOTTOM else pd.factorize(text, sort=True)
        count += len(found)
        if count > MOST_NODES:
            raise PanelError(
                f"there are more than {MOST_NODES} nodes to reconcile at once; reconcile a part of the hierarchy at a time, "
                "or add up bottom forecasts with predict(level=...)"
            )
        labels.append(pd.DataFrame({"level": name, "node": np.asarray(found, dtype=object)}))
        sums.append((codes == np.arange(len(found))[:, None]).astype(float))
    return _Nodes(pd.concat(labels, ignore_index=True), np.vstack(sums))


def _bottom(rows: pd.DataFrame, column: str, keys: pd.DataFrame, settings: SalesPanel) -> pd.DataFrame:
    """(series, periods) of a column; 0 where a series has no row in a period."""
    table = rows.pivot_table(index=settings.levels, columns=settings.period, values=column, aggfunc="sum", observed=True)
    return table.reindex(pd.MultiIndex.from_frame(keys) if len(keys.columns) > 1 else keys.iloc[:, 0]).fillna(0.0)


def _all_nodes(
    nodes: _Nodes,
    bottom: pd.DataFrame,
    own: Mapping[str, pd.DataFrame] | None,
    named: Mapping[str, list[str]],
    settings: SalesPanel,
) -> pd.DataFrame:
    """(nodes, periods) base forecasts: sums of the bottom's, or a level's own."""
    table = pd.DataFrame(nodes.sums @ bottom.to_numpy(), columns=bottom.columns)
    for level, frame in (own or {}).items():
        by = named[level]
        for name in (*by, settings.period, FORECAST):
            if name not in frame.columns:
                raise PanelError(f"the own forecasts of {level!r} have no column {name!r}; {nearest(name, frame.columns)}")
        text = joined_names(frame, by) if by else pd.Series(level, index=frame.index)
        wide = frame.assign(node=text).pivot_table(index="node", columns=settings.period, values=FORECAST, aggfunc="sum")
        places = np.flatnonzero(nodes.labels["level"] == level)
        found = wide.reindex(index=nodes.labels["node"].iloc[places], columns=table.columns)
        if found.isna().to_numpy().any():
            empty = int(found.isna().to_numpy().sum())
            raise PanelError(f"the own forecasts of {level!r} lack {empty} of {found.size} nodes and periods; give them all")
        table.iloc[places] = found.to_numpy()
    return table


def _tidy(labels: pd.DataFrame, base: pd.DataFrame, found: pd.DataFrame, period: str) -> pd.DataFrame:
    count = len(base.columns)
    columns = {
        "level": np.repeat(labels["level"].to_numpy(), count),
        "node": np.repeat(labels["node"].to_numpy(), count),
        period: np.tile(base.columns.to_numpy(), len(labels)),
        "base": base.to_numpy().ravel(),
        FORECAST: found.to_numpy().ravel(),
    }
    return pd.DataFrame(columns)[["level", "node", period, *COHERENT.columns]]
