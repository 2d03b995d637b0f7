"""How training went: the optimiser's loss per iteration, or the learning curve of training by epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tasks.plots.theme import FORECAST_COLOUR, MUTED, WRONG_COLOUR, legend_above, new_figure, tidy

_LINES = {"train_loss": ("training", FORECAST_COLOUR), "held_out_loss": ("held-out periods", WRONG_COLOUR)}


def draw_curve(curve: Sequence[Mapping[str, float]], *, best: int | None = None) -> Figure:
    """Loss per epoch in training and on held-out periods.

    Args:
        curve: per epoch `epoch`, `train_loss` and, where periods were held out, `held_out_loss`.
        best: the epoch whose weights were kept.
    """
    figure = new_figure(width=9.0, height=4.2, title="Learning curve")
    axes = tidy(figure.add_subplot())
    for name, (label, colour) in _LINES.items():
        points = [(point["epoch"], point[name]) for point in curve if point.get(name) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), "o-", color=colour, markersize=3, linewidth=1.6, label=label)
    if best is not None:
        axes.axvline(best, color=MUTED, linewidth=1.0, linestyle="--", label="best epoch")
    axes.set_xlabel("epoch", fontsize=9)
    axes.set_ylabel("loss", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_above(axes)
    return figure


def draw_trace(losses: Sequence[float]) -> Figure:
    """How far the loss still was above where it ended, at the start and after every iteration; logarithmic."""
    figure = new_figure(width=9.0, height=4.2, title=f"Optimiser: loss {losses[-1]:.6g} after {len(losses) - 1} iterations")
    axes = tidy(figure.add_subplot())
    above = [loss - losses[-1] for loss in losses[:-1]]
    axes.plot(range(len(above)), above, "o-", color=FORECAST_COLOUR, markersize=3, linewidth=1.6)
    if any(value > 0 for value in above):
        axes.set_yscale("log")
    axes.set_xlabel("iteration", fontsize=9)
    axes.set_ylabel("loss above its end", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def draw_learning(diagnostics: Mapping[str, Any]) -> Figure | None:
    """The picture that a fit's diagnostics allow; None where they tell no course of training."""
    if diagnostics.get("learning_curve"):
        return draw_curve(diagnostics["learning_curve"], best=diagnostics.get("best_epoch"))
    losses = diagnostics.get("loss_trace") or []
    return draw_trace(losses) if len(losses) > 1 else None
