"""How often prediction intervals hold what was sold, at every level, beside what they promise.

    python -m benchmarks.hiref_coverage frat --data ../shared/data
    python -m benchmarks.hiref_coverage seed_sales --data ../shared/data
    python -m benchmarks.hiref_coverage made

frat: the three test folds of the public benchmark, 8 weeks each, with the settings of `frat.yaml`. seed_sales: the test
months of the made benchmark of 8,100 products. made: the last 13 weeks of synthetic markets of a few seeds. Every model has
seen what comes before its test periods, and nothing was chosen on them. Width is the mean width of the intervals as a share
of the mean forecast. Prints tables and one line of JSON.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.frat_columns import derive
from benchmarks.seed_scores import SETTINGS as SEED_SETTINGS
from benchmarks.seed_scores import read_seed_sales
from hierforecast import splits, synthetic
from hierforecast.hierarchy import groupings
from hierforecast.hiref import HiReF
from hierforecast.schema import Company
from hierforecast.settings import parse_company, read_company
from hierforecast.synthetic.declared import declare
from hierforecast.synthetic.law import MarketSize

FRAT_SETTINGS = Path(__file__).with_name("frat.yaml")
CROSSED = {"store x category": ["store_id", "category"]}
INTERVALS = (0.8, 0.95)
FOLDS, SEEDS = 3, (1, 2, 3)
CLASSES = 10  # of volume


class Case(NamedTuple):
    """What to fit on, what to forecast, and at which levels beside those declared."""

    name: str
    company: Company
    train: pd.DataFrame
    test: pd.DataFrame
    extra: dict[str, list[str]]


def frat_folds(data: Path) -> Iterator[Case]:
    """Fold 0 holds out the last 8 weeks, folds 1 and 2 the 8 before each."""
    company = read_company(FRAT_SETTINGS)
    panel = derive(pd.read_parquet(data / "frat" / "frat.parquet"))
    weeks = np.sort(panel["week"].unique())
    for fold in range(FOLDS):
        end = len(weeks) - fold * company.sales.horizon
        held = panel["week"].isin(weeks[end - company.sales.horizon : end])
        yield Case(f"fold {fold}", company, panel[panel["week"] < weeks[end - company.sales.horizon]], panel[held], CROSSED)


def seed_sales(data: Path) -> Iterator[Case]:
    """The months of the `test` split."""
    panel = read_seed_sales(data / "seed_sales" / "seed_sales.parquet")
    panel = panel[[name for name in panel.columns if not name.startswith("true_")]]
    test = panel["split"] == "test"
    yield Case("test", read_company(SEED_SETTINGS), panel[~test], panel[test], {"state x brand": ["state", "brand"]})


def made_markets(data: Path) -> Iterator[Case]:
    """Synthetic markets with promotions, stock-outs, new and ended products."""
    del data
    for seed in SEEDS:
        made = synthetic.market(seed=seed, size=MarketSize(states=12))
        company = parse_company(declare(made.truth))
        history = splits.observed_and_plan(made.panel, period="week", target="units").train
        train, test = splits.last_weeks(history, company.sales.horizon)
        yield Case(f"seed {seed}", company, train, test, {})


CASES = {"frat": frat_folds, "seed_sales": seed_sales, "made": made_markets}


def measure(case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit, forecast, and compare.

    Returns:
        one row per level and interval: cells, coverage, width; and of the rows at 80 %: coverage by class of volume and by
        periods ahead.
    """
    settings = case.company.sales
    began = time.process_time()
    model = HiReF.from_panel_settings(settings, case.company.training).fit(case.train)
    spent = time.process_time() - began
    rows = []
    for level, by in {**groupings(settings.levels), **case.extra}.items():
        for interval in INTERVALS:
            cells = _cells(model, case.test, by, interval)
            width = (cells["upper"] - cells["lower"]).mean() / cells["forecast"].mean()
            rows.append([case.name, level, interval, len(cells), cells["inside"].mean(), width, spent])
    columns = ["case", "level", "interval", "cells", "coverage", "width", "cpu_seconds"]
    return pd.DataFrame(rows, columns=columns), _finer(_cells(model, case.test, list(settings.levels), 0.8), settings.period)


def _cells(model: HiReF, test: pd.DataFrame, by: list[str], interval: float) -> pd.DataFrame:
    """Forecast, bounds and what was sold per node and period."""
    target, keys = model.panel.target.name, [*by, model.panel.period]
    answer = model.predict(test.drop(columns=target), level=by or "total", interval=interval)
    cells = answer.merge(test.groupby(keys, observed=True)[target].sum().reset_index(), on=keys, validate="one_to_one")
    return cells.assign(inside=(cells[target] >= cells["lower"]) & (cells[target] <= cells["upper"]))


def _finer(rows: pd.DataFrame, period: str) -> pd.DataFrame:
    volume = pd.qcut(rows["forecast"], CLASSES, labels=[f"volume {number}" for number in range(1, CLASSES + 1)])
    ahead = pd.factorize(rows[period], sort=True)[0] + 1
    parts = [rows["inside"].groupby(volume, observed=True).mean(), rows["inside"].groupby(ahead).mean().add_prefix("ahead ")]
    return pd.concat(parts).rename("coverage").to_frame().T


def main() -> None:
    """Run one benchmark and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=list(CASES))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    found = [measure(case) for case in CASES[args.case](args.data)]
    table, finer = (pd.concat(parts, ignore_index=True) for parts in zip(*found, strict=True))
    order = list(dict.fromkeys(table["level"]))
    by_case = table.pivot_table(index=["interval", "level"], columns="case", values="coverage", sort=False)
    means = table.groupby(["interval", "level"])[["cells", "coverage", "width"]].agg(
        {"cells": "sum", "coverage": "mean", "width": "mean"}
    )
    means = means.reindex(pd.MultiIndex.from_product([INTERVALS, order], names=["interval", "level"]))
    print(means.join(by_case).round(3).to_string())
    print("\n80 % at the bottom, mean over cases, by class of volume and by periods ahead")
    print(finer.mean().round(3).to_string())
    told = {f"{level} {interval:g}": round(float(share), 4) for (interval, level), share in means["coverage"].items()}
    print(json.dumps({"benchmark": "hiref_coverage", "case": args.case, "coverage": told}))


if __name__ == "__main__":
    main()
