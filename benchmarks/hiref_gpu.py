"""HiReF on a GPU against the same on the CPU: both engines' work on the same rows.

    python -m benchmarks.hiref_gpu [--series 8100] [--periods 72]

`batches` is the rows engine's Adam, `full batch` its L-BFGS, `sums` the moments of every series as batched matrix
products; the moments engine itself runs on the CPU. The first run of each is warm-up. Prints a table and one line of
JSON; where there is no GPU it says so, and every figure is null.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from hierforecast.driver import Driver
from hierforecast.hiref.material import Material, from_panel
from hierforecast.hiref.minibatch.training import train_rows
from hierforecast.options import RowsEngine, Training
from hierforecast.schema import SalesPanel, Target

EPOCHS = 5
LEVELS = ["region", "brand", "pack"]
FIGURES = ("batches_rows_per_second", "full_batch_rows_per_second", "sums_rows_per_second")


def make_material(series: int, periods: int, *, seed: int = 0) -> Material:
    """A made panel of 12 drivers, read as a fit reads it."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(series), periods)
    keys = {"region": place // 36, "brand": place % 36 // 4, "pack": place % 4}
    panel = pd.DataFrame({name: codes.astype(str) for name, codes in keys.items()})
    panel["week"] = np.tile(pd.date_range("2015-01-05", periods=periods, freq="W-MON").to_numpy(), series)
    names = [f"driver_{number}" for number in range(12)]
    values = rng.normal(size=(len(panel), len(names)))
    slopes = 0.1 + 0.05 * rng.random((4, len(names)))
    panel[names] = values
    panel["sales"] = np.exp(3.0 + (values * slopes[keys["pack"]]).sum(axis=1) + rng.normal(0, 0.2, len(panel)))
    drivers = [Driver(name, sign="+") for name in names]
    return from_panel(panel, SalesPanel(levels=LEVELS, drivers=drivers, target=Target(name="sales")), training_on("cpu"))


def training_on(device: str, *, polish: bool = False, loss: str = "poisson") -> Training:
    """The rows engine on a device."""
    options = RowsEngine(device=device, polish=polish, epochs=EPOCHS, batch_rows=65_536)
    return Training(engine="rows", loss=loss, seasonality=3, rows=options, iterations=20)


def measure(material: Material, device: str) -> dict[str, float]:
    """Rows per second of wall time, each of the figures' work."""
    rows = len(material.recent.target)
    batches = _seconds(lambda: train_rows(material, training_on(device), epochs=EPOCHS), device)
    ended = train_rows(material, training_on(device, polish=True), epochs=1)
    both = _seconds(lambda: train_rows(material, training_on(device, polish=True), epochs=1), device)
    one = _seconds(lambda: train_rows(material, training_on(device), epochs=1), device)
    table = _dense(material, device)
    sums = _seconds(lambda: table.transpose(1, 2) @ table, device)
    passes = max(ended.iterations - 1, 1)
    speeds = (EPOCHS * rows / batches, passes * rows / max(both - one, 1e-9), rows / sums)
    return dict(zip(FIGURES, speeds, strict=True))


def difference(material: Material) -> float:
    """Largest difference between intercepts found on the two devices, on the link scale."""
    on_cpu, on_gpu = (train_rows(material, training_on(name, polish=True, loss="squared")) for name in ("cpu", "cuda"))
    return float(np.abs(on_cpu.intercepts - on_gpu.intercepts).max())


def _dense(material: Material, device: str) -> torch.Tensor:
    recent, count = material.recent, len(material.hierarchy.series)
    sides = np.column_stack([np.ones(len(recent.target)), recent.X, recent.value])
    return torch.as_tensor(sides.reshape(count, -1, sides.shape[1])).to(device)


def _seconds(work: Callable[[], Any], device: str) -> float:
    work()
    best = np.inf
    for _ in range(2):
        _wait(device)
        began = time.perf_counter()
        work()
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return best


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=8100)
    parser.add_argument("--periods", type=int, default=72)
    args = parser.parse_args(arguments)
    told: dict[str, Any] = {"gpu": None, "cpu_threads": torch.get_num_threads(), "rows": args.series * args.periods}
    told |= {f"{device}_{name}": None for device in ("cpu", "gpu") for name in FIGURES} | {"largest_difference": None}
    if not torch.cuda.is_available():
        print("not measured: no GPU")
        print(json.dumps(told))
        return
    material = make_material(args.series, args.periods)
    told["gpu"] = torch.cuda.get_device_name()
    for device, name in (("cpu", "cpu"), ("cuda", "gpu")):
        told |= {f"{name}_{figure}": round(speed) for figure, speed in measure(material, device).items()}
    told["largest_difference"] = difference(material)
    print(f"{told['gpu']} against {told['cpu_threads']} CPU threads, {told['rows']:,} rows; rows per second")
    print(f"{'':<28}{'CPU':>16}{'GPU':>16}{'ratio':>8}")
    for figure in FIGURES:
        cpu, gpu = told[f"cpu_{figure}"], told[f"gpu_{figure}"]
        print(f"{figure:<28}{cpu:>16,}{gpu:>16,}{gpu / cpu:>8.1f}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
