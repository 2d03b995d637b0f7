"""Pictures of a fit that a practitioner looks at before believing it: fit, contributions, decay, returns, Pareto k."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.precision import Precision
from hierforecast.precision.adstock import decay_from_half_life
from hierforecast.precision.priors import resolve_half_lives
from hierforecast.precision.psis import LARGEST_K

NORMAL_TAIL = 1.645  # sd from the median to the end of a 90 % interval


def draw_all(model: Precision, held_out: pd.DataFrame, panel: pd.DataFrame, folder: Path, *, value: float) -> None:
    """Write every picture of a model into a folder.

    Args:
        model: fitted on all weeks.
        held_out: period, forecast, lower, upper of the weeks that another fit did not see.
        panel: what it was fitted on.
        folder: made if needed.
        value: currency per target unit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw_fit(model, held_out, panel, folder / "fit.png")
    draw_contributions(model, folder / "contributions.png")
    draw_totals(model, folder / "totals.png")
    draw_decay(model, folder / "decay.png")
    draw_roi(model, folder / "roi.png", value=value)
    draw_pareto(model, folder / "pareto_k.png")


def draw_fit(model: Precision, held_out: pd.DataFrame, panel: pd.DataFrame, path: Path) -> None:
    """Actual target, fitted mean with its predictive interval, and the held-out forecast in another colour."""
    columns = model.columns
    with _axes(path, "fit; held-out weeks of a fit that did not see them in red") as (axes,):
        for table, colour in ((model.predict(), "tab:blue"), (held_out, "tab:red")):
            periods = table[results.PERIOD]
            axes.plot(periods, table[results.FORECAST], color=colour, lw=1)
            axes.fill_between(periods, table[results.LOWER], table[results.UPPER], color=colour, alpha=0.2, lw=0)
        axes.plot(panel[columns.period], panel[columns.target], "k.", ms=3)


def draw_contributions(model: Precision, path: Path) -> None:
    """Weekly mean contributions, stacked: the baseline with all controls first, then every tactical."""
    means = model.contribution_means()
    media = list(model.hierarchy.tacticals)
    base = means.drop(columns=[results.PERIOD, results.FORECAST, *media]).sum(axis=1)
    with _axes(path, "mean contributions per week") as (axes,):
        import matplotlib.pyplot as plt

        colours = plt.get_cmap("tab20")(np.arange(len(media)) % 20)
        stack = [base.to_numpy(), *(means[name].to_numpy() for name in media)]
        axes.stackplot(means[results.PERIOD], *stack, labels=["baseline and controls", *media], colors=["lightgrey", *colours])
        axes.legend(fontsize=6, ncols=3)
        axes.axhline(0, color="k", lw=0.5)


def draw_totals(model: Precision, path: Path) -> None:
    """Shares of the fitted total per component with intervals."""
    totals = model.contribution_totals()
    rows = totals[totals["level"].isin([model.hierarchy.levels[0], results.CONTROL, results.BASELINE])]
    with _axes(path, "share of the fitted total") as (axes,):
        _intervals(axes, rows["node"], rows["share"], rows["share_lower"], rows["share_upper"])


def draw_decay(model: Precision, path: Path) -> None:
    """Decays with intervals, and the prior's where they are half-lives."""
    table = model.decay()
    with _axes(path, "decay per period; grey: prior") as (axes,):
        if model.model.decay == "half_life":
            priors = resolve_half_lives(model.priors, model.hierarchy, model.columns.frequency)
            for place, prior in enumerate(priors):
                ends = decay_from_half_life(prior.median * np.exp(prior.sd * NORMAL_TAIL * np.array([-1, 1])))
                axes.plot(ends, [place, place], color="lightgrey", lw=8)
        _intervals(axes, table["tactical"], table["decay"], table[results.LOWER], table[results.UPPER])


def draw_roi(model: Precision, path: Path, *, value: float) -> None:
    """Returns with intervals of all paid nodes, on a log scale; the total is last."""
    table = model.decisions().roi(value=value)
    paid = table[table["reason"] == ""]
    with _axes(path, "return on spend (all observed weeks)") as (axes,):
        names = paid["level"] + ": " + paid["node"]
        _intervals(axes, names, paid["median"], paid[results.LOWER], paid[results.UPPER])
        axes.set_xscale("log")
        axes.axvline(1, color="k", lw=0.5)


def draw_pareto(model: Precision, path: Path) -> None:
    """Pareto k of leave-one-out per week of a fit whose weeks are all observed."""
    values = model.loo().pareto_k
    with _axes(path, "Pareto k of leave-one-out; above the line a week cannot be judged") as (axes,):
        axes.plot(model.predict()[results.PERIOD].tail(len(values)), values, ".")
        axes.axhline(LARGEST_K, color="tab:red", lw=0.8)


def _intervals(axes: Any, names: pd.Series, middle: pd.Series, lower: pd.Series, upper: pd.Series) -> None:
    """Horizontal intervals, the first on top."""
    places = np.arange(len(names))
    axes.hlines(places, lower, upper, color="tab:blue")
    axes.plot(middle, places, "o", color="tab:blue", ms=4)
    axes.set_yticks(places, list(names), fontsize=7)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


@contextmanager
def _axes(path: Path, title: str) -> Iterator[tuple[Any]]:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 5.5), layout="constrained")
    axes.set_title(title, fontsize=9)
    yield (axes,)
    figure.savefig(path, dpi=90)
    plt.close(figure)
