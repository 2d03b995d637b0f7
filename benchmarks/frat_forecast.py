"""HiReF on the public "frat" benchmark: fit on one file, forecast another.

    python -m benchmarks.frat_forecast --train train.parquet --test test.parquet --out forecast.parquet

The settings in `frat.yaml` are the same for every fold. Prints CPU seconds and peak memory of the whole process, as a
table and as one line of JSON.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd

from hierforecast.hiref import HiReF
from hierforecast.settings import read_company

SETTINGS = Path(__file__).with_name("frat.yaml")
KEYS = ["store_id", "upc_id", "week"]


def forecast(train: pd.DataFrame, test: pd.DataFrame) -> tuple[HiReF, pd.DataFrame]:
    """Fit on `train` and forecast the rows of `test`, whose units are not read."""
    company = read_company(SETTINGS)
    model = HiReF.from_panel_settings(company.sales, company.training).fit(train)
    return model, model.predict(test)


def costs(began: float) -> dict[str, float]:
    """CPU and wall seconds and peak memory of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    per_megabyte = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere
    return {
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "wall_seconds": round(time.perf_counter() - began, 2),
        "peak_megabytes": round(usage.ru_maxrss / per_megabyte),
    }


def main() -> None:
    """Read, forecast, write, and say what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    began = time.perf_counter()
    model, answer = forecast(pd.read_parquet(args.train), pd.read_parquet(args.test))
    answer[[*KEYS, "forecast"]].to_parquet(args.out, index=False)
    told = model.diagnostics()
    figures = {name: told[name] for name in ("rows", "series", "iterations", "converged", "level_discount", "level_prior")}
    figures = {**figures, "fit_seconds": told["seconds"], **costs(began)}
    print("\n".join(f"{name:<16} {value}" for name, value in figures.items()))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
