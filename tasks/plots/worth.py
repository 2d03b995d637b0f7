"""What drivers add to the forecast, and what their declared signs cost or bring."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.plots.theme import FORECAST_COLOUR, MUTED, WRONG_COLOUR, fit_name, in_shares, new_figure, tidy


def draw_worth(ablation: pd.DataFrame, signs: pd.DataFrame) -> Figure | None:
    """WAPE that a driver takes off, and that a sign does; `ablation` and `signs` as in `results`. None without drivers."""
    if ablation.empty:
        return None
    figure = new_figure(width=10.0, height=1.6 + 0.36 * max(len(ablation), len(signs)), title="What held-out forecasts owe to")
    parts = [("each driver", ablation["driver"], ablation["adds"])]
    if len(signs):
        parts.append(("each declared sign", signs["driver"] + " (" + signs["sign"] + ")", -signs["cost"]))
    share = None
    for place, (title, names, gains) in enumerate(parts):
        # One scale for both: what signs do is little beside what drivers do, and should look so.
        axes = tidy(figure.add_subplot(1, len(parts), place + 1, sharex=share))
        share = share or axes
        _draw_gains(axes, names, gains)
        axes.set_title(title, loc="left")
    return figure


def _draw_gains(axes: Axes, names: pd.Series, gains: pd.Series) -> None:
    colours = [FORECAST_COLOUR if gain >= 0 else WRONG_COLOUR for gain in gains]
    axes.barh([fit_name(name) for name in names], gains, color=colours, height=0.6)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlabel("WAPE taken off (below 0: added)", fontsize=9)
    axes.margins(x=0.1)
    in_shares(axes, along="x")
