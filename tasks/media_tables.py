"""What a marketing mix model tells people, in the tables of `results.PRECISION_TABLES` and `results.SPEND_TABLES`."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from hierforecast.errors import HierforecastError
from hierforecast.results import (
    ACCURACY,
    BUDGET,
    BUDGET_OUTCOME,
    DECAY,
    DECAY_PRIOR,
    DIAGNOSTICS,
    ENSEMBLE_WEIGHTS,
    LEFT_OUT,
    MEDIA_CONTRIBUTIONS,
    MEDIA_TOTALS,
    PRIOR_PREDICTIVE,
    RESPONSE,
    ROI,
)
from hierforecast.schema import MediaPanel
from tasks.decay_prior import decay_prior

# A tactical's spend in the best plan, in multiples of the current one: further out there is little that history could tell.
EACH = (0.5, 1.5)

_OUTCOME_METRICS = ("difference", "probability_better")


def explain(model: Any, history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What the fitted weeks are made of and how far to believe it, by table name.

    Args:
        model: a fitted `Precision`.
        history: the panel it was fitted on.
    """
    return {
        PRIOR_PREDICTIVE.name: model.prior_predictive(history),
        MEDIA_CONTRIBUTIONS.name: model.contributions(),
        MEDIA_TOTALS.name: model.contribution_totals(),
        DECAY.name: model.decay(),
        DECAY_PRIOR.name: decay_prior(model, seed=model.sampling.seed),
        DIAGNOSTICS.name: model.diagnostics(),
        LEFT_OUT.name: _left_out(model, history),
    }


def advise(
    model: Any, history: pd.DataFrame, plan: pd.DataFrame, settings: MediaPanel, *, tell: Callable[[str], None]
) -> dict[str, pd.DataFrame]:
    """What spend brought and how it could bring more, by table name; none where no spend is declared.

    Args:
        model: a fitted `Precision`.
        history: the panel it was fitted on.
        plan: the weeks after it; its spend is what is spread anew, where there is some.
        settings: of the panel.
        tell: called with a sentence where there is no best budget.
    """
    if not settings.spend:
        return {}
    decisions = model.decisions()
    tables = {ROI.name: decisions.roi(), RESPONSE.name: decisions.response_curves()}
    try:
        return tables | _best_budget(model, history, plan, settings)
    except HierforecastError as error:
        tell(f"no best budget: {error}")
        return tables


def metrics_in(tables: str) -> dict[str, float]:
    """Numbers of a marketing mix version's tables that runs are compared by; none for another family's."""
    found: dict[str, float] = {}
    for row in _rows(tables, ACCURACY.name):
        found |= {f"held_out.{name}": value for name, value in row.items() if name != "weeks"}
    for row in _rows(tables, ROI.name):
        found |= {f"{name}.{row['level']}.{row['node']}": row[name] for name in ("roi", "marginal_roi")}
    found |= {f"ensemble.weight.{row['metric']}": row["weight"] for row in _rows(tables, ENSEMBLE_WEIGHTS.name)}
    for row in _rows(tables, BUDGET_OUTCOME.name):
        found |= {f"budget.{name}": row[name] for name in _OUTCOME_METRICS}
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _left_out(model: Any, history: pd.DataFrame) -> pd.DataFrame:
    loo = model.loo()
    periods = history.loc[model.observed, model.columns.period].to_numpy()
    return pd.DataFrame(dict(zip(LEFT_OUT.columns, (periods, loo.pointwise, loo.pareto_k, loo.largest_k), strict=True)))


def _best_budget(model: Any, history: pd.DataFrame, plan: pd.DataFrame, settings: MediaPanel) -> dict[str, pd.DataFrame]:
    """The planned weeks' budget spread anew; that of the last `horizon` weeks where nothing is planned."""
    planned = bool(len(plan)) and float(plan[settings.spend_columns()].to_numpy().sum()) > 0
    weeks = plan if planned else history.tail(settings.horizon)
    first, last = weeks[settings.period].min(), weeks[settings.period].max()
    best = (
        model.decisions(plan).optimise_budget(each=EACH)
        if planned
        else model.decisions().optimise_budget(first, last, each=EACH)
    )
    outcome = {
        "first": first,
        "last": last,
        "planned": planned,
        "budget": float(weeks[settings.spend_columns()].to_numpy().sum()),
        "probability_better": best.probability_better,
        "converged": best.converged,
        "message": f"every tactical between {EACH[0]:g} and {EACH[1]:g} times its current spend: {best.message}",
    }
    for name in ("before", "after", "difference"):
        expected = getattr(best, name)
        outcome |= {name: expected.mean, f"{name}_lower": expected.lower, f"{name}_upper": expected.upper}
    return {
        BUDGET.name: best.table,
        BUDGET_OUTCOME.name: pd.DataFrame([outcome])[list(BUDGET_OUTCOME.columns)],
    }


def _rows(tables: str, name: str) -> list[dict[str, Any]]:
    path = Path(tables) / f"{name}.parquet"
    return pd.read_parquet(path).to_dict("records") if path.exists() else []
