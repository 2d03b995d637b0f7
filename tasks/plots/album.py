"""Which pictures a version gets, drawn from the tables that it carries, and written as PNG."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from hierforecast.hierarchy import BOTTOM, TOTAL
from hierforecast.options import PrecisionGate
from hierforecast.results import (
    ABLATION,
    BASELINE,
    BUDGET,
    BUDGET_OUTCOME,
    CONTRIBUTIONS,
    CONTROL,
    DECAY,
    DECAY_PRIOR,
    DIAGNOSTICS,
    ELASTICITIES,
    FIT,
    FORECASTS,
    HISTORY,
    HORIZONS,
    LEFT_OUT,
    MEDIA_CONTRIBUTIONS,
    NODES,
    PART,
    PERIOD,
    PRIOR_PREDICTIVE,
    RESPONSE,
    ROI,
    SCORES,
    SIGNS,
    Table,
)
from hierforecast.schema import MediaPanel, SalesPanel
from hierforecast.whole_files import whole_file
from tasks.plots import contributions, effects, errors, forecast, learning, returns, sampling, worth

MOST_DRIVERS = 12  # of the elasticities' pictures, in declared order

Draw = Callable[[], Figure | None]


def hiref_pages(
    tables: Path, panel: SalesPanel, diagnostics: Mapping[str, Any], *, interval: float, effect_interval: float
) -> dict[str, Draw]:
    """What draws each picture of a HiReF version, by the picture's name.

    Args:
        tables: folder with the tables of `results.HIREF_TABLES`.
        panel: levels, period and unit.
        diagnostics: of the fit.
        interval: nominal coverage of the forecasts' bounds, a share.
        effect_interval: that of the elasticities' bounds.
    """
    unit, levels = panel.target.unit or panel.target.name, panel.levels
    sold, summed, parts, elastic, scores, horizons = (
        _read(tables, table) for table in (FORECASTS, NODES, CONTRIBUTIONS, ELASTICITIES, SCORES, HORIZONS)
    )
    sold = sold.astype(dict.fromkeys(levels, "category"))
    nodes = partial(forecast.draw_nodes, unit=unit, interval=interval)
    at = dict(iter(summed.groupby("level")))
    drivers = list(elastic["driver"].astype(str).drop_duplicates())[:MOST_DRIVERS]
    pages: dict[str, Draw] = {"forecast total": partial(forecast.draw_total, at[TOTAL], unit=unit, interval=interval)}
    if len(levels) > 1:
        pages |= {
            f"forecast by {level}": partial(nodes, at[level], ["node"], title=f"Forecast by {level}, largest")
            for level in levels
        }
    pages |= {
        f"forecast {BOTTOM}": partial(nodes, sold, levels, title="Forecast, largest series"),
        "contributions over time": partial(contributions.draw_stack, parts, levels, unit=unit),
        "contributions mean": partial(contributions.draw_means, parts, levels, unit=unit),
        **{f"effects {name}": partial(effects.draw_elasticities, elastic, name, interval=effect_interval) for name in drivers},
        "errors by level": partial(errors.draw_levels, scores),
        "errors by periods ahead": partial(errors.draw_horizons, horizons, period=panel.frequency),
        "errors interval coverage": partial(errors.draw_coverage, horizons, nominal=interval, period=panel.frequency),
        "learning": partial(learning.draw_learning, diagnostics),
    }
    if _has(tables, ABLATION):
        pages["worth of drivers and signs"] = partial(worth.draw_worth, _read(tables, ABLATION), _read(tables, SIGNS))
    return pages


def precision_pages(tables: Path, panel: MediaPanel, gate: PrecisionGate, *, interval: float) -> dict[str, Draw]:
    """What draws each picture of a Precision version, by the picture's name.

    Args:
        tables: folder with the tables of `results.PRECISION_TABLES` and, where there is spend, `results.SPEND_TABLES`.
        panel: levels, period and unit.
        gate: what convergence is measured by.
        interval: nominal coverage of all bounds, a share.
    """
    unit, top = panel.target.unit or panel.target.name, panel.levels[-1]
    fit, media = _read(tables, FIT), _media_over_time(_read(tables, MEDIA_CONTRIBUTIONS), top)
    pages: dict[str, Draw] = {
        "forecast total": partial(forecast.draw_total, fit, unit=unit, interval=interval),
        "forecast and priors": partial(forecast.draw_prior, _read(tables, PRIOR_PREDICTIVE), fit, unit=unit, interval=interval),
        "contributions over time": partial(contributions.draw_stack, media, [], unit=unit),
        "contributions mean": partial(contributions.draw_means, media, [], unit=unit),
        "effects decay": partial(
            effects.draw_decay, _read(tables, DECAY), period=panel.frequency, prior=_read(tables, DECAY_PRIOR)
        ),
        "sampling convergence": partial(sampling.draw_convergence, _read(tables, DIAGNOSTICS), gate),
        "sampling left out": partial(sampling.draw_left_out, _read(tables, LEFT_OUT)),
    }
    if _has(tables, ROI):
        pages["returns"] = partial(returns.draw_returns, _read(tables, ROI), panel.levels, interval=interval)
        curves = partial(returns.draw_curves, _read(tables, RESPONSE), unit=unit, interval=interval)
        pages |= {f"response by {level}": partial(curves, level) for level in (panel.levels[0], top)}
    if _has(tables, BUDGET):
        plan = partial(returns.draw_budget, _read(tables, BUDGET), _read(tables, BUDGET_OUTCOME), unit=unit)
        pages["budget"] = partial(plan, panel.levels[0])
    return pages


def write_album(pages: Mapping[str, Draw], folder: Path, *, tell: Callable[[str, Exception], None]) -> Path:
    """Draw and write every page as ``<name>.png``; each beside first, then renamed.

    Args:
        pages: what draws each picture, by its name; None as its answer means that there is nothing to draw.
        folder: where to.
        tell: called with a picture's name and what went wrong: a picture that fails is no reason to lose a version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in pages.items():
        try:
            figure = draw()
            if figure is not None:
                _write(figure, folder / file_name(name))
        except Exception as error:
            tell(name, error)
    return folder


def file_name(name: str) -> str:
    """A picture's file name: letters, digits and hyphens of any alphabet; all else, as in "price (%)", an underscore."""
    return "".join(sign if sign.isalnum() or sign == "-" else "_" for sign in name)[:100] + ".png"


def _write(figure: Figure, path: Path) -> None:
    with whole_file(path) as building:
        figure.savefig(building, format="png")


def _media_over_time(table: pd.DataFrame, level: str) -> pd.DataFrame:
    """Mean contributions of one media level with controls and baseline: one row per period, one column per node."""
    rows = table[table["level"].isin([level, CONTROL, BASELINE])]
    wide = rows.pivot_table(index=PERIOD, columns="node", values="mean", aggfunc="sum", observed=True)
    first = [name for name in (BASELINE,) if name in wide]
    ordered = wide[[*first, *(name for name in wide.columns if name not in first)]]
    return ordered.rename_axis(columns=None).reset_index().assign(**{PART: HISTORY})


def _has(tables: Path, table: Table) -> bool:
    return (tables / f"{table.name}.parquet").exists()


def _read(tables: Path, table: Table) -> pd.DataFrame:
    return pd.read_parquet(tables / f"{table.name}.parquet")
