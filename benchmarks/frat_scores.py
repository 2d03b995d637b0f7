"""The public "frat" benchmark: three rolling folds of eight weeks, one settings file, errors at ten levels.

    python -m benchmarks.hiref_accuracy frat

Nothing is chosen on the test weeks: strengths and columns in `frat.yaml` come from windows a year before the folds.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.frat_columns import WEEK_DAYS, derive
from hierforecast.hiref import HiReF
from hierforecast.settings import read_company

SETTINGS = Path(__file__).with_name("frat.yaml")
WEEKS = 8
LEVELS = {
    "bottom": ["store_id", "upc_id"],
    "store x brand": ["store_id", "brand"],
    "store x category": ["store_id", "category"],
    "store": ["store_id"],
    "state x upc": ["state", "upc_id"],
    "upc": ["upc_id"],
    "brand": ["brand"],
    "category": ["category"],
    "state": ["state"],
    "total": [],
}
TOLD = ("held_out_wape", "held_out_bias_mean", "held_out_bias_median", "median_share", "levels", "iterations", "converged")


def cut_fold(panel: pd.DataFrame, fold: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows before a fold's eight weeks, and those of these weeks; fold 0 is the last, 1 and 2 the ones before."""
    weeks = np.sort(panel["week"].unique())
    end = len(weeks) - fold * WEEKS
    first, last = weeks[end - WEEKS], weeks[end - 1]
    return panel[panel["week"] < first], panel[panel["week"].between(first, last)]


def forecast_fold(panel: pd.DataFrame, fold: int) -> tuple[HiReF, pd.DataFrame]:
    """Fit on what came before and forecast the fold: its rows with `forecast`, `mean`, `lower` and `upper`."""
    company = read_company(SETTINGS)
    train, test = cut_fold(panel, fold)
    plan = derive(pd.concat([train, test]).drop(columns="units"))  # derived from what is known ahead, all of it
    past, units = train.index, train["units"]
    del panel, train  # so that what is measured is the model, and not copies of the data
    model = HiReF.from_panel_settings(company.sales, company.training)
    model.fit(plan.loc[past].assign(units=units))
    answer = model.predict(plan.loc[test.index])
    mean = model.predict(plan.loc[test.index], statistic="mean")["forecast"]
    dated = answer["week"] + WEEK_DAYS
    return model, test.assign(week=dated, forecast=answer["forecast"], mean=mean, lower=answer["lower"], upper=answer["upper"])


def score_fold(path: Path, fold: int) -> dict[str, Any]:
    """Errors of one fold, JSON-ready."""
    began = time.process_time()
    model, found = forecast_fold(pd.read_parquet(path), fold)
    told = model.diagnostics()
    inside = (found["lower"] <= found["units"]) & (found["units"] <= found["upper"])
    return {
        "fold": fold,
        "wape": {level: wape_at(found, by, "forecast") for level, by in LEVELS.items()},
        "wape_of_mean": {level: wape_at(found, by, "mean") for level, by in LEVELS.items()},
        "bias": _bias(found, "forecast"),
        "bias_of_mean": _bias(found, "mean"),
        "coverage_80": round(float(inside.mean()), 4),
        "fit_and_forecast_cpu_seconds": round(time.process_time() - began, 1),
        **{name: told[name] for name in TOLD if name in told},
    }


def wape_at(found: pd.DataFrame, by: list[str], forecast: str) -> float:
    """Absolute errors of sums per node and week, as a share of what was sold."""
    cells = found.groupby([*by, "week"], observed=True, dropna=False)[["units", forecast]].sum()
    return round(float((cells[forecast] - cells["units"]).abs().sum() / cells["units"].sum()), 5)


def beside_baselines(folds: list[dict[str, Any]], baselines: Path) -> pd.DataFrame:
    """WAPE at every level, a mean over folds: ours, ours by its mean forecast, and the baselines where their file exists."""
    table = pd.DataFrame({"HiReF": _mean(folds, "wape"), "HiReF mean": _mean(folds, "wape_of_mean")})
    if baselines.is_file():
        others = pd.read_csv(baselines)
        others = others[others.groupby("model")["fold"].transform("nunique") == others["fold"].nunique()]
        table = table.join(others.pivot_table(index="level", columns="model", values="WAPE"))
    return table


def _mean(folds: list[dict[str, Any]], name: str) -> pd.Series:
    return pd.DataFrame([fold[name] for fold in folds]).mean()[list(LEVELS)]


def _bias(found: pd.DataFrame, forecast: str) -> float:
    return round(float(found[forecast].sum() / found["units"].sum() - 1.0), 4)
