"""Score on the weeks after the cutoff, challenger and champion alike."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from prefect import get_run_logger
from pydantic import BaseModel, ConfigDict

from hierforecast.gates import Rival, pair_errors
from hierforecast.hierarchy import TOTAL
from hierforecast.metrics import score_levels
from hierforecast.results import ACTUAL, HISTORY, HOLDOUT, HORIZONS, PART, SCORES
from tasks.panels import write_parquet
from tasks.registry.records import legal_name


class Score(BaseModel):
    """Accuracy after the cutoff (the ISO date and time of the last trained period), and the files with everything."""

    model_config = ConfigDict(frozen=True)

    wape: float
    bias: float
    cutoff: str
    scores: str
    holdout: str


def score(
    table: pd.DataFrame,
    levels: list[str],
    folder: Path,
    *,
    cutoff: pd.Timestamp,
    bounds: Mapping[str, pd.DataFrame] | None = None,
) -> Score:
    """Score a table with history and holdout parts and keep both the scores and the table.

    Args:
        table: the columns of `results.FORECASTS` or `results.FIT`, with level columns if there are any.
        levels: the level columns; none for a national table.
        folder: where `scores.parquet` and `holdout.parquet` go.
        cutoff: the last period that was trained on.
        bounds: of the held-out sums by level, see `score_levels`.
    """
    holdout, history = table[table[PART] == HOLDOUT], table[table[PART] == HISTORY]
    scored = score_levels(holdout[holdout[ACTUAL].notna()], levels, history=history, bounds=bounds)
    if not levels:
        scored = scored[scored["level"] == TOTAL].reset_index(drop=True)
    bottom, total = scored.iloc[0], scored.iloc[-1]
    get_run_logger().info(
        "after %s: WAPE %.3f at the bottom, bias %+.3f in total", cutoff.date(), bottom["wape"], total["bias"]
    )
    return Score(
        wape=float(bottom["wape"]),
        bias=float(total["bias"]),
        cutoff=cutoff.isoformat(),
        scores=str(write_parquet(scored, folder / f"{SCORES.name}.parquet")),
        holdout=str(write_parquet(holdout, folder / "holdout.parquet")),
    )


def as_metrics(score: Score) -> dict[str, float]:
    """Every finite score as an MLflow metric named ``wape.<level>`` and so on."""
    table = pd.read_parquet(score.scores).set_index("level")
    named = {
        f"{metric}.{level}": value for level, row in table.iterrows() for metric, value in row.items() if metric != "cells"
    }
    return {legal_name(name): float(value) for name, value in named.items() if math.isfinite(value)}


def wape_by_level(score: Score) -> dict[str, float]:
    """WAPE at every level that was scored, shares."""
    table = pd.read_parquet(score.scores, columns=["level", "wape"])
    return dict(zip(table["level"], table["wape"].astype(float), strict=True))


def compare(challenger: Score, champion: Score, levels: list[str]) -> Rival:
    """The champion's settings as a rival, from the scores of both on the same held-out cells."""
    held_out = [pd.read_parquet(score.holdout) for score in (challenger, champion)]
    return Rival(wape_by_level(champion), pairs=pair_errors(*held_out, levels))


def horizon_courses(tables: str) -> dict[str, list[tuple[int, float]]]:
    """Error and coverage by periods ahead, (periods ahead, share) by ``ahead/wape.<level>`` and so on; none without a table."""
    path = Path(tables) / f"{HORIZONS.name}.parquet"
    if not path.exists():
        return {}
    courses: dict[str, list[tuple[int, float]]] = {}
    for row in pd.read_parquet(path).to_dict("records"):
        for measure in ("wape", "coverage"):
            if math.isfinite(row[measure]):
                courses.setdefault(f"ahead/{measure}.{row['level']}", []).append((int(row["horizon"]), float(row[measure])))
    return courses
