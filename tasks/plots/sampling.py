"""Whether the draws of a marketing mix model may be believed: R-hat, effective draws, and weeks that leave-one-out doubts."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierforecast.options import PrecisionGate
from hierforecast.results import PERIOD
from tasks.plots.theme import FORECAST_COLOUR, MUTED, WRONG_COLOUR, fit_name, legend_above, new_figure, over_time, tidy

WORST = 12


def draw_convergence(diagnostics: pd.DataFrame, gate: PrecisionGate) -> Figure:
    """R-hat and effective draws of the worst parameters beside what the gate wants; `diagnostics` as `results.DIAGNOSTICS`."""
    table = diagnostics.assign(name=_names(diagnostics), ess=diagnostics[["ess_bulk", "ess_tail"]].min(axis=1))
    figure = new_figure(width=11.0, height=5.2, title=f"Convergence, the worst of {len(table)} parameters")
    rhat, ess = (tidy(figure.add_subplot(1, 2, place + 1)) for place in range(2))
    _draw_worst(rhat, table.nlargest(WORST, "rhat"), "rhat", gate.max_rhat, above=True)
    rhat.set_title(f"R-hat, at most {gate.max_rhat:g}", loc="left", fontsize=10)
    rhat.set_xlim(left=0.9995)
    _draw_worst(ess, table.nsmallest(WORST, "ess"), "ess", gate.min_ess, above=False)
    ess.set_title(f"effective draws, at least {gate.min_ess:g}", loc="left", fontsize=10)
    ess.set_xlim(left=0.0)
    return figure


def draw_left_out(left_out: pd.DataFrame) -> Figure:
    """Pareto k of every trained period over time, named where it is too large; `left_out` as `results.LEFT_OUT`."""
    limit = float(left_out["limit"].iloc[0])
    title = f"Leave-one-out: Pareto k of every period; above {limit:.2g} its log density is not to be believed"
    figure = new_figure(height=4.2, title=title)
    axes = tidy(figure.add_subplot())
    k = left_out["pareto_k"].to_numpy(dtype=float)
    k = np.where(np.isfinite(k), k, np.nan)
    doubted = k > limit
    axes.vlines(left_out[PERIOD], np.minimum(k, 0.0), k, color=FORECAST_COLOUR, alpha=0.3, linewidth=1)
    axes.plot(left_out[PERIOD], k, "o", color=FORECAST_COLOUR, markersize=4, label="believed")
    if doubted.any():
        axes.plot(left_out[PERIOD][doubted], k[doubted], "o", color=WRONG_COLOUR, markersize=6, label="doubted")
        for period, value in zip(left_out[PERIOD][doubted], k[doubted], strict=True):
            axes.annotate(
                f"{period:%Y-%m-%d}", (period, value), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8
            )
    axes.axhline(limit, color=WRONG_COLOUR, linewidth=1.0, linestyle="--")
    axes.set_ylim(top=max(1.0, 1.1 * float(np.nanmax(k, initial=0.0))))
    over_time(axes, "Pareto k")
    legend_above(axes)
    return figure


def _draw_worst(axes: Axes, rows: pd.DataFrame, column: str, bound: float, *, above: bool) -> None:
    values = rows[column].to_numpy(dtype=float)
    held = values <= bound if above else values >= bound  # no number holds nothing
    places = np.arange(len(rows))
    axes.scatter(values, places, color=np.where(held, FORECAST_COLOUR, WRONG_COLOUR), s=28, zorder=3)
    axes.axvline(bound, color=MUTED, linewidth=1.0, linestyle="--")
    axes.set_yticks(places, [fit_name(name) for name in rows["name"]])
    axes.invert_yaxis()
    axes.margins(x=0.08)


def _names(diagnostics: pd.DataFrame) -> pd.Series:
    nodes = diagnostics["node"].astype(str)
    return diagnostics["parameter"].astype(str) + nodes.map(lambda node: f"[{node}]" if node else "")
