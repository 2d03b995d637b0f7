"""Driver selection on made markets with ten true drivers and forty that do nothing: what is found, and what it is worth.

    python -m benchmarks.hiref_selection --seeds 3

A fifth of the idle columns each are white, persistent, seasonal, price-like and regional. Test error is the bottom WAPE of
HiReF on the last 13 weeks, which the selection does not see: with all 50 drivers, with those selected, and with the ten.
Prints a table and one line of JSON.
"""

import argparse
import json
import time

import pandas as pd

from hierforecast import splits, synthetic
from hierforecast.hiref import Driver, HiReF
from hierforecast.metrics import wape
from hierforecast.schema import Company
from hierforecast.settings import parse_company
from hierforecast.synthetic.declared import declare
from hierforecast.synthetic.law import MarketSize, SalesLaw

NOISE = 40


def main() -> None:
    """Select on every seed, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--states", type=int, default=12)
    parser.add_argument("--show", action="store_true", help="the report of every seed")
    args = parser.parse_args()
    rows = [judge(seed, args.states, show=args.show) for seed in range(1, args.seeds + 1)]
    table = pd.DataFrame(rows)
    print(table.round(4).to_string(index=False))
    means = table.drop(columns=["seed", "missed", "wrong"]).mean()
    print(
        json.dumps({"benchmark": "hiref_selection", "seeds": args.seeds, **{n: round(float(v), 4) for n, v in means.items()}})
    )


def judge(seed: int, states: int, *, show: bool) -> dict[str, object]:
    """One market: precision, recall, CPU seconds of the selection, and test errors."""
    made = synthetic.market(seed=seed, size=MarketSize(states=states), law=SalesLaw(noise_drivers=NOISE))
    company = parse_company(declare(made.truth))
    history = splits.observed_and_plan(made.panel, period="week", target="units").train
    train, test = splits.last_weeks(history, company.sales.horizon)
    began = time.process_time()
    found = HiReF.from_panel_settings(company.sales, company.training).select_drivers(train)
    spent = time.process_time() - began
    if show:
        print(found.report.round(4).to_string(index=False))
    declared = company.sales.drivers
    true = [driver for driver in declared if not driver.name.startswith("noise_")]
    chosen, names = {driver.name for driver in found.drivers}, {driver.name for driver in true}
    return {
        "seed": seed,
        "rows": len(train),
        "precision": len(chosen & names) / max(len(chosen), 1),
        "recall": len(chosen & names) / len(names),
        "cpu_seconds": spent,
        "wape_all": test_error(company, declared, train, test),
        "wape_selected": test_error(company, list(found.drivers), train, test),
        "wape_true": test_error(company, true, train, test),
        "missed": " ".join(sorted(names - chosen)),
        "wrong": " ".join(sorted(chosen - names)),
    }


def test_error(company: Company, drivers: list[Driver], train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Bottom WAPE of HiReF with these drivers."""
    settings = company.sales.model_copy(update={"drivers": drivers})
    forecast = HiReF.from_panel_settings(settings, company.training).fit(train).predict(test.drop(columns="units"))
    return wape(test["units"].to_numpy(float), forecast["forecast"].to_numpy())


if __name__ == "__main__":
    main()
