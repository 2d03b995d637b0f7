"""What HiReF costs: reading and summing against reading alone, fitting, forecasting, and how each grows with the data.

    python -m benchmarks.hiref_speed [--rows-58m] [--seed-sales seed_sales.parquet]

Every figure comes from a process of its own with one thread, in CPU seconds after its imports. Rows for the growth
figures are made and written in pieces first. Prints a table and one line of JSON.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"), "1")
SEED_SALES = Path(__file__).resolve().parents[2] / "shared" / "data" / "seed_sales" / "seed_sales.parquet"
SERIES, PERIODS = 8100, 72
REPEATS = 4  # the first is warm-up, the best of the rest counts: the machine may be busy


def measure_seed(path: Path) -> dict[str, Any]:
    """Reading, surveying, passing, fitting and answering on the 583,200 rows of seed_sales."""
    import pandas as pd

    from benchmarks.speed_data import seed_settings, seed_training
    from hierforecast.hiref import HiReF

    panel = pd.read_parquet(path)
    figures = measure_pass(path, seed_settings())
    model = HiReF.from_panel_settings(seed_settings(), seed_training())
    train, test = panel[panel["split"] != "test"], panel[panel["split"] == "test"]
    figures["fit_cpu"] = _cpu(lambda: model.fit(train))
    figures["iterations"] = model.diagnostics()["iterations"]
    figures["test_mae"] = round(float((model.predict(test)["forecast"] - test["sales"]).abs().mean()), 1)
    for name, answer in (("predict", model.predict), ("contributions", model.contributions)):
        seconds = min(_cpu(partial(answer, panel)) for _ in range(2))
        figures[f"{name}_rows_per_second"] = round(len(panel) / seconds)
    return figures


def measure_pass(path: Path, settings: Any) -> dict[str, Any]:
    """CPU seconds of pyarrow's read of the columns, and of our two readings of the same."""
    from benchmarks.speed_data import read_columns, seed_training
    from hierforecast.hiref.streaming.files import list_files
    from hierforecast.hiref.streaming.material import make_plan, material_of
    from hierforecast.hiref.streaming.passing import pass_over_files
    from hierforecast.hiref.streaming.survey import survey_files, total_of

    whole = total_of(survey_files(list_files(path), settings))
    plan = make_plan(whole, settings, seed_training())
    found: dict[str, list[float]] = {"read_cpu": [], "survey_cpu": [], "pass_cpu": []}
    for _ in range(REPEATS):
        found["read_cpu"].append(_cpu(lambda: read_columns(path, settings.columns)))
        found["survey_cpu"].append(_cpu(lambda: total_of(survey_files(list_files(path), settings))))
        found["pass_cpu"].append(_cpu(lambda: material_of(pass_over_files(whole.files, plan), plan)))
    best = {name: round(min(seconds[1:]), 3) for name, seconds in found.items()}
    both = best["survey_cpu"] + best["pass_cpu"]
    ratios = {"pass_over_read": best["pass_cpu"] / best["read_cpu"], "survey_and_pass_over_read": both / best["read_cpu"]}
    return {"rows": whole.rows, **best, **{name: round(ratio, 1) for name, ratio in ratios.items()}}


def measure_growth(path: Path) -> dict[str, Any]:
    """One fit of made files, its readings and its optimiser apart."""
    from benchmarks.speed_data import made_settings, read_columns, seed_training
    from hierforecast.hiref.fitting import fit_material
    from hierforecast.hiref.streaming.material import from_files

    settings, training = made_settings(), seed_training()
    kept: list[Any] = []
    figures = {"read_cpu": min(_cpu(lambda: read_columns(path, settings.columns)) for _ in range(2))}
    figures["survey_and_pass_cpu"] = _cpu(lambda: kept.append(from_files(path, settings, training)))
    figures["optimiser_and_level_cpu"] = _cpu(lambda: kept.append(fit_material(kept[0], training)))
    return {"rows": kept[0].rows, "series": len(kept[0].hierarchy.series), **figures}


def measure_adam(path: Path) -> dict[str, Any]:
    """Mini-batch Adam, our rows engine without its final polish, on the training rows of seed_sales."""
    import pandas as pd

    from benchmarks.speed_data import seed_settings, seed_training
    from hierforecast.hiref import HiReF
    from hierforecast.options import RowsEngine

    panel = pd.read_parquet(path)
    rows = RowsEngine(device="cpu", polish=False)
    training = seed_training().model_copy(update={"engine": "rows", "rows": rows})
    model = HiReF.from_panel_settings(seed_settings(), training)
    train, test = panel[panel["split"] != "test"], panel[panel["split"] == "test"]
    seconds = _cpu(lambda: model.fit(train))
    mae = float((model.predict(test)["forecast"] - test["sales"]).abs().mean())
    return {"fit_cpu": seconds, "test_mae": round(mae, 1)}


MEASURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "seed_sales": measure_seed,
    "growth": measure_growth,
    "adam": measure_adam,
}


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return round(time.process_time() - began, 3)


def _child(measure: str, path: Path) -> None:
    import pyarrow

    from hierforecast.hiref import fitting  # noqa: F401  imports do not count

    pyarrow.set_cpu_count(1)
    figures = MEASURES[measure](path)
    per_megabyte = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere
    figures["peak_megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_megabyte)
    print(json.dumps(figures))


def _measured(measure: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.hiref_speed", "--measure", measure, "--path", str(path)]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _written(folder: Path, series: int, periods: int) -> Path:
    path = folder / f"{series}x{periods}.parquet"
    command = [sys.executable, "-m", "benchmarks.speed_data", str(path), str(series), str(periods)]
    subprocess.run(command, env=os.environ | ONE_THREAD, check=True)
    return path


def main() -> None:
    """Measure everything, or as a child one thing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows-58m", action="store_true", help="also 8,100 series x 7,200 days: some minutes and 2 GB of disk")
    parser.add_argument("--seed-sales", type=Path, default=SEED_SALES)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        _child(args.measure, args.path)
        return
    figures = {}
    if args.seed_sales.is_file():
        figures["seed_sales"] = _measured("seed_sales", args.seed_sales)
        figures["seed_sales, mini-batch Adam"] = _measured("adam", args.seed_sales)
    sizes = [(SERIES, PERIODS), (SERIES, 10 * PERIODS), (2 * SERIES, PERIODS), (4 * SERIES, PERIODS)]
    if args.rows_58m:
        sizes.append((SERIES, 100 * PERIODS))
    for series, periods in sizes:
        with tempfile.TemporaryDirectory() as folder:
            figures[f"made, {series} series x {periods} periods"] = _measured("growth", _written(Path(folder), series, periods))
    for what, found in figures.items():
        print(what, *(f"  {name:<28} {value:,}" for name, value in found.items()), sep="\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
