"""What the data checks cost: the whole check stage beside one pass over the same data, and as a share of a retrain.

    python -m benchmarks.check_speed [--series 6400] [--weeks 156] [--repeats 3] [--with-retrain]

The panel is made: so many series and weeks, five levels, a period, a target and 13 drivers, 20 columns in all. Check
stage: read the Parquet file, judge it (structure and content, leakage, lags, units, drift against an earlier profile), and
write the report as HTML and JSON. One pass: read the same file and describe every column once, as
`pandas.DataFrame.describe` does (count, mean, standard deviation, extremes, quartiles; for text distinct values and the
commonest). Both run in turn in one process, the best of the repeats counts, and importing Great Expectations is told
apart. Retrain: HiReF's fit on the history and its forecast of the plan. Prints a table and one line of JSON.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.driver import Driver
from hierforecast.schema import SalesPanel, Target

LEVELS = ["region", "state", "segment", "brand", "pack"]
DRIVERS = 13
PLANNED = 4  # weeks after the last known target


def settings() -> SalesPanel:
    """A price read as a logarithm, and twelve drivers of other kinds, one of them measured."""
    drivers = [Driver("price", sign="-", transform="log", lower=0.1, upper=100.0)]
    drivers += [Driver(f"share_{number}", sign="+", reference=0.0, lower=0.0, upper=1.0) for number in range(5)]
    drivers += [Driver(f"spend_{number}", sign="+", reference=0.0, adstock=0.5, lower=0.0) for number in range(4)]
    drivers += [Driver(f"index_{number}", reference="mean") for number in range(DRIVERS - 11)]
    drivers.append(Driver("temperature", reference="mean", known_ahead=False, availability_lag=1))
    return SalesPanel(levels=LEVELS, drivers=drivers, target=Target(name="units", unit="units / week"), horizon=PLANNED)


def write_panel(path: Path, series: int, weeks: int, *, seed: int = 1) -> None:
    """Write the panel that `settings` declares, sorted by series."""
    rng = np.random.default_rng(seed)
    which, week = np.repeat(np.arange(series), weeks), np.tile(np.arange(weeks), series)
    states = max(series // (36 * 9), 1)
    pack, brand, state = which % 9, which // 9 % 36, which // (9 * 36)
    codes = {"region": state % 4, "state": state, "segment": brand % 3, "brand": brand, "pack": pack}
    names = {"region": 4, "state": states + 1, "segment": 3, "brand": 36, "pack": 9}
    table: dict[str, Any] = {
        level: pd.Categorical.from_codes(code, [f"{level} {n}" for n in range(names[level])]).astype(str)
        for level, code in codes.items()
    }
    table["week"] = np.datetime64("2022-01-03") + 7 * week.astype("timedelta64[D]")
    season = np.sin(2 * np.pi * week / 52.18)
    usual = np.round(rng.uniform(2, 20, series), 2)[which]
    table["price"] = np.round(usual * np.exp(rng.normal(0, 0.08, len(which))), 2)
    for number in range(5):
        table[f"share_{number}"] = np.round(rng.random(len(which)) * (rng.random(len(which)) < 0.3), 3)
    for number in range(4):
        national = np.round(rng.gamma(2, 20, (states + 1, weeks)), 1)
        table[f"spend_{number}"] = national[state, week]
    for number in range(DRIVERS - 11):
        table[f"index_{number}"] = np.round(100 + np.cumsum(rng.normal(0, 1, weeks)), 1)[week]
    table["temperature"] = np.round(12 - 9 * season + rng.normal(0, 2, len(which)), 1)
    law = 3 + rng.normal(0, 0.5, series)[which] + 0.3 * season - 1.8 * np.log(table["price"] / usual)
    law += sum(0.1 * table[f"share_{number}"] for number in range(5)) + rng.normal(0, 0.25, len(which))
    table["units"] = np.round(np.exp(law))
    frame = pd.DataFrame(table)
    frame.loc[week >= weeks - PLANNED, ["units", "temperature"]] = np.nan
    frame.to_parquet(path, index=False)


def one_pass(path: Path) -> int:
    """Read the file and describe every column once."""
    frame = pd.read_parquet(path)
    return sum(len(frame[column].describe()) for column in frame.columns)


def check_stage(path: Path, panel: SalesPanel, folder: Path, earlier: Any) -> Any:
    """Read the file, judge it and write the report, as `tasks.checks` does."""
    from expectations.validation import validate

    report = validate(pd.read_parquet(path), panel, name="sales", earlier=earlier, today=date(2025, 1, 6))
    (folder / "report.html").write_text(report.to_html(), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(report.to_json(), indent=1, default=str), encoding="utf-8")
    return report


def retrain(path: Path, panel: SalesPanel) -> None:
    """Fit HiReF on the history and forecast the plan."""
    from hierforecast import splits
    from hierforecast.hiref import HiReF
    from hierforecast.options import Training

    history, plan = splits.observed_and_plan(pd.read_parquet(path), period=panel.period, target=panel.target.name)
    HiReF.from_panel_settings(panel, Training()).fit(history).predict(plan.drop(columns=panel.target.name))


def measure(series: int, weeks: int, repeats: int, *, with_retrain: bool) -> dict[str, Any]:
    """Every figure, in seconds of wall clock and of CPU."""
    imported = clocked(lambda: __import__("expectations.validation"))
    panel = settings()
    with tempfile.TemporaryDirectory() as place:
        path, folder = Path(place) / "sales.parquet", Path(place)
        write_panel(path, series, weeks)
        earlier = check_stage(path, panel, folder, None).profile
        stages: list[tuple[float, float]] = []
        passes: list[tuple[float, float]] = []
        reports: list[Any] = []
        for _ in range(repeats):
            passes.append(clocked(partial(one_pass, path)))
            stages.append(clocked(lambda: reports.append(check_stage(path, panel, folder, earlier))))
        trained = clocked(partial(retrain, path, panel)) if with_retrain else None
    wall, cpu = (min(each) for each in zip(*stages, strict=True))
    pass_wall, pass_cpu = (min(each) for each in zip(*passes, strict=True))
    figures = {
        "rows": series * weeks,
        "columns": len(panel.columns),
        "checks": len(reports[-1].results),
        "verdict": reports[-1].verdict,
        "import_seconds": imported,
        "pass_seconds": (pass_wall, pass_cpu),
        "check_seconds": (wall, cpu),
        "check_over_pass": (wall / pass_wall, cpu / pass_cpu),
    }
    if trained:
        figures |= {"retrain_seconds": trained, "share_of_retrain": (wall / trained[0], cpu / trained[1])}
    return figures


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that work takes on the wall and of all CPUs."""
    wall, cpu = time.perf_counter(), _cpu()
    work()
    return time.perf_counter() - wall, _cpu() - cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=6400)
    parser.add_argument("--weeks", type=int, default=156)
    parser.add_argument("--repeats", type=int, default=3, help="of either side; the best counts")
    parser.add_argument("--with-retrain", action="store_true", help="fit and forecast the same panel as well; takes minutes")
    given = parser.parse_args()
    figures = measure(given.series, given.weeks, given.repeats, with_retrain=given.with_retrain)
    print(f"{figures['rows']:,} rows x {figures['columns']} columns, {figures['checks']} checks, {os.cpu_count()} cores")
    print(f"{figures['verdict']}\n\n{'':24}{'wall':>10}{'CPU':>10}")
    for name, value in figures.items():
        if isinstance(value, tuple):
            print(f"{name.replace('_', ' '):24}{value[0]:>10.2f}{value[1]:>10.2f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
