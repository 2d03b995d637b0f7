"""Actual against forecast over time, with the held-out and the future periods shaded."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.theme import (
    ACTUAL_COLOUR,
    FORECAST_COLOUR,
    FUTURE_SHADE,
    HOLDOUT_SHADE,
    MUTED,
    message_figure,
    new_figure,
)
from hierforecast.results import ACTUAL, FORECAST, FUTURE, HOLDOUT, LOWER, PART, PERIOD, UPPER

LABEL_PLACES = {HOLDOUT: "top right", FUTURE: "top left"}  # away from each other, also where both are narrow
SHADES = {HOLDOUT: HOLDOUT_SHADE, FUTURE: FUTURE_SHADE}


def draw_forecast(over_time: pd.DataFrame, *, unit: str, interval: float | None = None, height: int = 460) -> go.Figure:
    """Draw actual and forecast lines.

    Args:
        over_time: one row per period: period, part, actual, forecast, and lower and upper where an interval is to be shown.
        unit: of the value axis.
        interval: nominal coverage of lower..upper, a share, for the legend.
    """
    if over_time.empty:
        return message_figure("No series fits this selection. Clear a filter.", height=height)
    figure = new_figure(height=height)
    if UPPER in over_time:
        _add_interval(figure, over_time, "interval" if interval is None else f"{interval:.0%} interval")
    _add_line(figure, over_time, FORECAST, {"color": FORECAST_COLOUR, "width": 2.2})
    _add_line(figure, over_time, ACTUAL, {"color": ACTUAL_COLOUR, "width": 1.4})
    shade_parts(figure, over_time)
    figure.update_yaxes(title_text=unit)
    return figure


def shade_parts(figure: go.Figure, over_time: pd.DataFrame) -> None:
    """Shade and name the held-out and future periods of a figure over time."""
    step = over_time[PERIOD].diff().median() if len(over_time) > 1 else pd.Timedelta(days=7)
    for part, shade in SHADES.items():
        periods = over_time.loc[over_time[PART] == part, PERIOD]
        if periods.empty:
            continue
        start, end = periods.min() - step / 2, periods.max() + step / 2
        figure.add_vrect(
            x0=start, x1=end, fillcolor=shade, line_width=0, layer="below",
            annotation_position=LABEL_PLACES[part],
            annotation={"text": part, "font": {"size": 12, "color": MUTED}, "yshift": 20},
        )  # fmt: skip


def _add_line(figure: go.Figure, over_time: pd.DataFrame, column: str, line: dict[str, object]) -> None:
    figure.add_scatter(
        x=over_time[PERIOD], y=over_time[column], name=column, mode="lines", line=line, hovertemplate="%{y:,.4~s}"
    )  # fmt: skip


def _add_interval(figure: go.Figure, over_time: pd.DataFrame, name: str) -> None:
    edge = {"mode": "lines", "line": {"width": 0}, "hovertemplate": "%{y:,.4~s}", "legendgroup": name}
    figure.add_scatter(x=over_time[PERIOD], y=over_time[UPPER], name="upper", showlegend=False, **edge)
    figure.add_scatter(
        x=over_time[PERIOD], y=over_time[LOWER], name=name, fill="tonexty", fillcolor="rgba(11, 111, 184, 0.18)", **edge
    )
