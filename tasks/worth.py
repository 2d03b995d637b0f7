"""What drivers and their declared signs are worth: HiReF fitted again without each of them, on a sample of series."""

from pathlib import Path

import numpy as np
import pandas as pd

from hierforecast.errors import HierforecastError
from hierforecast.results import ABLATION, SIGNS
from hierforecast.schema import Company
from tasks import panels

MOST_ROWS = 50_000  # one fit per driver and sign: with more rows than this, whole series are drawn


def weigh_drivers(company: Company, history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables `results.SIGNS` and `results.ABLATION` by name; empty where the history is too short to hold any out."""
    from hierforecast.hiref import HiReF

    model = HiReF.from_panel_settings(company.sales, company.training.model_copy(update={"keep_moments": False}))
    sample = sample_series(history, company.sales.levels, most=MOST_ROWS, seed=company.training.seed)
    try:
        return {SIGNS.name: model.sign_report(sample), ABLATION.name: model.ablation(sample)}
    except HierforecastError:
        return {table.name: pd.DataFrame(columns=list(table.columns)) for table in (SIGNS, ABLATION)}


def sample_series(panel: pd.DataFrame, levels: list[str], *, most: int, seed: int) -> pd.DataFrame:
    """All rows of series drawn at random until there are `most` rows, one series at least; a smaller panel stays whole."""
    if len(panel) <= most:
        return panel
    code = panel.groupby(levels, sort=True, observed=True).ngroup().to_numpy()
    sizes = np.bincount(code)
    order = np.random.default_rng(seed).permutation(len(sizes))
    count = max(int((np.cumsum(sizes[order]) <= most).sum()), 1)
    return panel[np.isin(code, order[:count])]


def write_worth(company: Company, history: pd.DataFrame, folder: Path) -> None:
    """Write both tables into a folder of tables."""
    for name, table in weigh_drivers(company, history).items():
        panels.write_parquet(table, folder / f"{name}.parquet")
