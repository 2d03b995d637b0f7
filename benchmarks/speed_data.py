"""Rows for `hiref_speed`: settings for seed_sales, and panels of any size, made and written in pieces.

python -m benchmarks.speed_data out.parquet 8100 720
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hierforecast.driver import Driver
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

LEVELS = ["region", "state", "segment", "brand", "pack"]
PIECE_ROWS = 700_000
STEPS = 256  # distinct values of a made driver: as prices and spends on file have, and small on disk


def seed_training() -> Training:
    """The settings of every figure."""
    return Training(seasonality=3)


def seed_settings() -> SalesPanel:
    """seed_sales as its generator made it, under the references of its truth where these are numbers."""
    references = {
        "temperature": 60.0,
        "gdp_index": 95.0,
        "unemployment_rate": 4.0,
        "consumer_confidence": 80.0,
        "distribution": 80.0,
    }
    signs = {"distribution": "+", "tv_spend": "+", "digital_spend": "+", "trade_spend": "+", "discount_pct": "+"}
    weather = ["temperature", "precipitation", "gdp_index", "unemployment_rate", "consumer_confidence"]
    drivers = [Driver("price", sign="-", reference="mean")]
    drivers += [Driver(name, sign=signs.get(name, "free"), reference=references.get(name, 0.0)) for name in [*weather, *signs]]
    target = Target(name="sales")
    return SalesPanel(
        levels=LEVELS, drivers=drivers, target=target, period="date", frequency="month", link="identity", horizon=6
    )


def made_settings() -> SalesPanel:
    """As many columns for a made panel, by day, two of its drivers with carry-over."""
    names = [f"driver_{number}" for number in range(11)]
    drivers = [Driver(name, sign="+", reference=0.0, adstock=0.5 if place < 2 else None) for place, name in enumerate(names)]
    target = Target(name="sales")
    return SalesPanel(levels=LEVELS, drivers=drivers, target=target, period="date", frequency="day", horizon=6)


def read_columns(path: Path, columns: Sequence[str]) -> int:
    """Let pyarrow read these columns on one thread and forget them: what any reader must spend."""
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as opened:
        return sum(len(batch) for batch in opened.iter_batches(batch_size=1 << 20, columns=list(columns), use_threads=False))


def write_panel(path: Path, series: int, periods: int, *, seed: int) -> None:
    """A panel of so many series and days with a known law, sorted by series, in bounded memory."""
    rng = np.random.default_rng(seed)
    step = max(PIECE_ROWS // periods, 1)
    writer = None
    for first in range(0, series, step):
        table = _piece(np.arange(first, min(first + step, series)), series, periods, rng)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


def _piece(which: np.ndarray, series: int, periods: int, rng: np.random.Generator) -> pa.Table:
    rows = len(which) * periods
    columns: dict[str, pa.Array] = {}
    for level, (code, count) in _nodes(which, series).items():
        names = pa.array([f"{level} {number}" for number in range(count)])
        columns[level] = pa.DictionaryArray.from_arrays(pa.array(np.repeat(code, periods).astype(np.int32)), names)
    days = np.datetime64("2000-01-01") + np.arange(periods)
    columns["date"] = pa.array(np.tile(days, len(which)).astype("datetime64[ms]"))
    value = 4.0 + np.repeat(np.sin(which), periods) + rng.normal(0, 0.2, rows)
    for place in range(11):
        values = (rng.integers(0, STEPS, rows) / STEPS).astype(np.float32)
        value += 0.1 * (1 + place % 3) * values
        columns[f"driver_{place}"] = pa.array(values)
    columns["sales"] = pa.array(np.round(np.exp(value)).astype(np.int32))
    return pa.table(columns)


def _nodes(which: np.ndarray, series: int) -> dict[str, tuple[np.ndarray, int]]:
    """Per level, the node of each series and how many there are: 36 brands in 3 segments, 9 packs, states in 4 regions."""
    pack, brand, state = which % 9, which // 9 % 36, which // (9 * 36)
    states = (series - 1) // (9 * 36) + 1
    return {
        "region": (state % 4, 4),
        "state": (state, states),
        "segment": (brand % 3, 3),
        "brand": (brand, 36),
        "pack": (pack, 9),
    }


if __name__ == "__main__":
    write_panel(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), seed=1)
