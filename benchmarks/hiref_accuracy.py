"""How accurate HiReF is: on real sales beside LightGBM with lags, on made sales beside the truth.

    python -m benchmarks.hiref_accuracy [frat | seed_sales] [--data FILE] [--baselines FILE]

Each fold runs in a process of its own with one thread, so that CPU seconds and peak memory are its own, imports included.
Prints tables and one line of JSON per benchmark.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.frat_scores import beside_baselines, score_fold
from benchmarks.seed_scores import score_seed_sales

SHARED = Path(__file__).resolve().parents[2] / "shared"
DATA = {
    "frat": SHARED / "data" / "frat" / "frat.parquet",
    "seed_sales": SHARED / "data" / "seed_sales" / "seed_sales.parquet",
}
BASELINES = SHARED / "bench" / "frat_baselines.csv"
SHOWN = ("HiReF", "HiReF mean", "ridge_fe_sku_level_nosmear", "lgbm_lags_log", "lgbm_lags_poisson", "seasonal_naive")
FOLDS = (0, 1, 2)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main() -> None:
    """Run one benchmark, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="?", choices=list(DATA))
    parser.add_argument("--data", type=Path, help="the panel; by default beside the checkout")
    parser.add_argument("--baselines", type=Path, default=BASELINES, help="scores to show beside ours on frat")
    parser.add_argument("--fold", type=int, choices=FOLDS, help=argparse.SUPPRESS)  # how a child is told its work
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    for which in [args.which] if args.which else DATA:
        path = args.data or DATA[which]
        if args.child:
            found = score_seed_sales(path) if which == "seed_sales" else score_fold(path, args.fold)
            print(json.dumps(found | _costs()))
        elif which == "frat":
            report_frat(path, args.baselines)
        else:
            report_seed_sales(path)


def report_frat(path: Path, baselines: Path) -> None:
    """Three folds, ten levels."""
    folds = [_in_child("frat", path, "--fold", str(fold)) for fold in FOLDS]
    table = beside_baselines(folds, baselines)
    print("WAPE, mean of three folds\n" + table[[name for name in SHOWN if name in table.columns]].round(4).to_string())
    columns = ["fold", "bias", "bias_of_mean", "coverage_80", "fit_and_forecast_cpu_seconds", "cpu_seconds", "peak_megabytes"]
    print(pd.DataFrame(folds)[columns].assign(bottom=[fold["wape"]["bottom"] for fold in folds]).to_string(index=False))
    if baselines.is_file():
        costs = pd.read_csv(baselines).drop_duplicates(["fold", "model"]).groupby("model")[["bias", "cpu_s", "peak_mb"]].mean()
        print(costs.loc[[name for name in SHOWN if name in costs.index]].round(3).to_string())
    print(json.dumps({"benchmark": "frat", "bottom": round(float(table.loc["bottom", "HiReF"]), 4), "folds": folds}))


def report_seed_sales(path: Path) -> None:
    """Error on the test months, and slopes against the truth."""
    found = _in_child("seed_sales", path)
    print(pd.DataFrame(found["slopes"]).to_string(index=False))
    print("\n".join(f"{name:<28} {value}" for name, value in found.items() if name != "slopes"))
    print(json.dumps({"benchmark": "seed_sales", **found}))


def _in_child(which: str, path: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.hiref_accuracy", which, "--child", "--data", str(path), *more]
    ended = subprocess.run(command, env=os.environ | ONE_THREAD, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def _costs() -> dict[str, float]:
    """CPU seconds and peak memory of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    per_megabyte = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere
    return {"cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1), "peak_megabytes": round(usage.ru_maxrss / per_megabyte)}


if __name__ == "__main__":
    main()
