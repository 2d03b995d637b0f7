"""How pictures look: colours, fonts, axes, and the shades that tell held-out and future periods from history."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hierforecast.results import BASELINE, FUTURE, HOLDOUT, INTERACTION, PART, PERIOD

INK, MUTED, GRID = "#1f2a37", "#64707f", "#e6eaef"
ACTUAL_COLOUR, FORECAST_COLOUR, WRONG_COLOUR = "#1f2a37", "#0b6fb8", "#d55e00"
BASELINE_COLOUR, OTHER_COLOUR, OTHER = "#c8d1dc", "#94a1b2", "other"
SHADES = {HOLDOUT: "#fcf0dc", FUTURE: "#e4eff8"}
# Neighbours differ in lightness as well as hue, for readers who do not see all hues (Okabe and Ito 2008, extended).
PALETTE = (
    "#0b6fb8", "#e69f00", "#009e73", "#cc6fa3", "#56b4e9", "#d55e00", "#6b4ea0", "#9a9b1c", "#b3453c", "#3d8c98", "#8c6d46",
)  # fmt: skip
_SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_LONG = 40  # characters of a name that a picture has room for


def new_figure(*, width: float = 11.0, height: float = 5.0, title: str = "") -> Figure:
    """An empty figure, sizes in inches; `title` stands above all of its axes."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    return figure


def new_grid(count: int, *, columns: int = 2, title: str = "") -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes in so many columns."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = new_figure(width=max(5.5 * columns, 7.0), height=2.5 * rows + 0.6, title=title)
    return figure, [tidy(figure.add_subplot(rows, columns, place + 1)) for place in range(count)]


def tidy(axes: Axes) -> Axes:
    """Light grid, no box, muted ticks."""
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(which="both", colors=MUTED, labelcolor=MUTED, labelsize=9, length=0)
    axes.title.set_color(INK)
    axes.title.set_fontsize(10)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    return axes


def over_time(axes: Axes, unit: str) -> Axes:
    """Dates along x, and numbers as people write them along y."""
    locator = AutoDateLocator(minticks=3, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_ylabel(unit, fontsize=9)
    return in_units(axes)


def in_units(axes: Axes, *, along: str = "y") -> Axes:
    """Numbers such as 1,250, 12k or 3.4M along an axis."""
    axis = axes.yaxis if along == "y" else axes.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_major_locator(MaxNLocator(6))
    return axes


def in_shares(axes: Axes, *, along: str = "y") -> Axes:
    """Percentages along an axis of shares."""
    axis = axes.yaxis if along == "y" else axes.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
    return axes


def short(value: float) -> str:
    """A number in at most three digits and a suffix: 950, 12.5k, 3.4M."""
    for size, suffix in _SUFFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def shade_parts(axes: Axes, summed: pd.DataFrame) -> None:
    """Shade and name the held-out and future periods of rows with `period` and `part`."""
    step = step_of(summed)
    for part, shade in SHADES.items():
        periods = summed.loc[summed[PART] == part, PERIOD]
        if periods.empty:
            continue
        start, end = periods.min() - step / 2, periods.max() + step / 2
        axes.axvspan(start, end, color=shade, linewidth=0, zorder=0, label=f"_{part}")
        # Away from each other, also where both are narrow.
        right = part == HOLDOUT
        axes.annotate(
            part, (end if right else start, 1.0), xycoords=("data", "axes fraction"), xytext=(-3 if right else 3, -3),
            textcoords="offset points", ha="right" if right else "left", va="top", fontsize=8, color=MUTED,
        )  # fmt: skip


def step_of(summed: pd.DataFrame) -> pd.Timedelta:
    """The usual time between rows with `period`, ascending; a week where there is but one."""
    return summed[PERIOD].diff().median() if len(summed) > 1 else pd.Timedelta(days=7)


def legend_above(axes: Axes, *, columns: int = 6) -> None:
    """A legend in rows above the axes, left aligned."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, frameon=False, fontsize=9, labelcolor=INK,
        borderaxespad=0.2, columnspacing=1.4, handlelength=1.4,
    )  # fmt: skip


def component_colours(names: Sequence[str]) -> dict[str, str]:
    """One colour per component: grey for baseline and the rest, the palette for the others in their order.

    What of a driver's effect varies over the hierarchy has the driver's colour, lighter.
    """
    fixed = {BASELINE: BASELINE_COLOUR, OTHER: OTHER_COLOUR}
    varying = {INTERACTION.format(driver=name): name for name in names}
    coloured = [name for name in names if name not in fixed and varying.get(name) not in names]
    colours = fixed | {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(coloured)}
    return colours | {name: _lighter(colours[of]) for name, of in varying.items() if name in names and of in colours}


def _lighter(colour: str) -> str:
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{(part + 255) // 2:02x}" for part in parts)


def fit_name(name: object) -> str:
    """A node's name as far as a picture has room for it, its dollars no formulas."""
    text = str(name).replace("$", r"\$")
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def finite(values: pd.Series) -> np.ndarray:
    """(rows,) floats, NaN where empty or infinite."""
    numbers = values.to_numpy(dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)
