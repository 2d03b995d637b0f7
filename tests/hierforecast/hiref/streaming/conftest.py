"""Settings with everything that rows carry on, and a small market written in every layout that files come in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hierforecast.driver import Adstock, Driver, Saturation
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

LEVELS = ["state", "brand", "pack"]
CARRYING = SalesPanel(
    levels=LEVELS,
    drivers=[
        Driver("price", sign="-", transform="log", reference="regular", by=("brand",), lags=(0, 2)),
        Driver("regular", sign="-", reference="mean", by=()),
        Driver("tv", sign="+", adstock=0.5, saturation=Saturation("hill"), known_ahead=False, by=("state",)),
        Driver("flyer", sign="+", adstock=Adstock(kind="weibull", periods=4), by=()),
    ],
    target=Target(name="units"),
    target_lags=[1, 3],
    weight="weight",
    horizon=8,
)
PLAIN = SalesPanel(
    levels=LEVELS,
    drivers=[Driver("price", sign="-", transform="log", reference="regular", by=("brand",)), Driver("tv", sign="+")],
    target=Target(name="units"),
    horizon=8,
)
TRAINING = Training(seasonality=1, embedding_size=2, trend=True)


@pytest.fixture(scope="session")
def rows(market) -> pd.DataFrame:
    """The market with gaps, series that start late and end early, zero sales, weights, and a plan without targets."""
    panel, rng = market.panel.copy(), np.random.default_rng(9)
    panel["flyer"] = rng.random(len(panel)) * (rng.random(len(panel)) < 0.3)
    panel["weight"] = rng.uniform(0.5, 2.0, len(panel))
    panel.loc[rng.random(len(panel)) < 0.02, "units"] = 0.0
    week = panel["week"].rank(method="dense")
    late = panel["brand"].eq("B1") & panel["pack"].eq("small") & (week < 40)
    early = panel["brand"].eq("B2") & panel["state"].eq("S0") & (week > 60)
    panel = panel[~late & ~early & (rng.random(len(panel)) > 0.05)]
    return pd.concat(
        [panel, panel[week.reindex(panel.index) == 104].assign(week=lambda f: f["week"] + pd.Timedelta(weeks=1), units=np.nan)]
    )


def by_series(frame: pd.DataFrame, folder: Path) -> Path:
    return _write(frame.sort_values([*LEVELS, "week"]), folder / "one.parquet")


def by_time(frame: pd.DataFrame, folder: Path) -> Path:
    return _write(frame.sort_values(["week", *LEVELS]), folder / "one.parquet")


def cut_by_time(frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Files that cut every series, named against the order of time, each sorted by series."""
    weeks = frame["week"].drop_duplicates().sort_values().to_numpy()
    pieces = [frame[frame["week"].isin(some)].sort_values([*LEVELS, "week"]) for some in np.array_split(weeks, 4)]
    return [_write(piece, folder / f"{9 - place}.parquet") for place, piece in enumerate(pieces)]


def partitioned(frame: pd.DataFrame, folder: Path) -> Path:
    """A folder per state, which no file names; brands as a dictionary, two files each."""
    for state, piece in frame.sort_values([*LEVELS, "week"]).groupby("state"):
        piece = piece.drop(columns="state").astype({"brand": "category"})
        for pack, some in piece.groupby("pack"):
            _write(some, folder / f"state={state}" / f"{pack}.parquet")
    return folder


def _write(frame: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=1000)
    return path


LAYOUTS: dict[str, Callable] = {f.__name__: f for f in (by_series, by_time, cut_by_time, partitioned)}


@pytest.fixture
def write():
    """A function that writes a frame in one of the layouts."""
    return lambda layout, frame, folder: LAYOUTS[layout](frame, folder)


@pytest.fixture
def carrying() -> SalesPanel:
    return CARRYING


@pytest.fixture
def plain() -> SalesPanel:
    return PLAIN


@pytest.fixture
def training() -> Training:
    return TRAINING


@pytest.fixture
def to_the_end() -> Training:
    """Training that stops where rounding is all that is left: otherwise rounding decides which iteration is the last."""
    return TRAINING.model_copy(update={"iterations": 5000, "keep_moments": True, "tolerance": 1e-14})


@pytest.fixture
def small_batches(monkeypatch) -> None:
    """Batches that cut series and weeks alike."""
    monkeypatch.setattr("hierforecast.hiref.streaming.files.BATCH_ROWS", 577)
