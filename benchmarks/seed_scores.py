"""How well a model of "seed_sales" knows what made its sales: every component of the truth is in the data.

    python -m benchmarks.hiref_accuracy seed_sales

The `true_*` columns are compared with afterwards and never given to the model.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import hierforecast.hiref.fitting  # noqa: F401  the time of a fit is counted after import
from hierforecast.hiref import HiReF
from hierforecast.settings import read_company

SETTINGS = Path(__file__).with_name("seed_sales.yaml")
BASELINE = ["baseline", "trend", "season", "level"]
SIGNS = {"+": 1, "-": -1}
USUAL_DISTRIBUTION = {"Premium": 65.0, "Mid-tier": 80.0, "Economy": 90.0}  # per cent of shops, as declared with the data


def read_seed_sales(path: Path) -> pd.DataFrame:
    """The panel with what its references need: price relative to the product's base price, usual distribution by segment."""
    panel = pd.read_parquet(path)
    first_year = panel[panel["date"] < "2020"]
    base = first_year.groupby(["brand", "pack"], observed=True)["price"].mean().rename("base_price").reset_index()
    panel = panel.merge(base, on=["brand", "pack"], how="left")
    levels = {level: panel[level].astype(str) for level in read_company(SETTINGS).sales.levels}
    usual = levels["segment"].map(USUAL_DISTRIBUTION)
    return panel.assign(**levels, relative_price=panel["price"] / panel["base_price"] - 1.0, usual_distribution=usual)


def score_seed_sales(path: Path) -> dict[str, Any]:
    """Fit on everything before the test months; error there, and slopes, baseline and signs against the truth."""
    company, panel = read_company(SETTINGS), read_seed_sales(path)
    train, test = panel[panel["split"] != "test"], panel[panel["split"] == "test"]
    truth = [name for name in panel.columns if name.startswith("true_")]
    began = time.process_time()
    model = HiReF.from_panel_settings(company.sales, company.training).fit(train.drop(columns=truth))
    fit_cpu = time.process_time() - began
    answer = model.predict(test.drop(columns=[*truth, "sales"]))
    parts = model.contributions(train.drop(columns=truth), detail="whole", statistic="mean")
    off = (answer["forecast"] - test["sales"]).abs()
    inside = (answer["lower"] <= test["sales"]) & (test["sales"] <= answer["upper"])
    slopes = compare_slopes(model, train, parts)
    told = model.diagnostics()
    return {
        "test_mae": round(float(off.mean()), 2),
        "coverage_80": round(float(inside.mean()), 3),
        "baseline_share_error": round(_share_error(model, train, parts, truth), 4),
        "median_slope_error": round(float(np.median([row["within_error"] for row in slopes])), 3),
        "median_contribution_error": round(float(np.median([row["total_error"] for row in slopes])), 3),
        "wrong_sign_share": told["wrong_sign_share"],
        "wrong_sign_share_of_ols": round(_wrong_signs_of_ols(model, train), 3),
        "fit_cpu_seconds": round(fit_cpu, 2),
        "iterations": told["iterations"],
        "slopes": slopes,
    }


def compare_slopes(model: HiReF, train: pd.DataFrame, parts: pd.DataFrame) -> list[dict[str, Any]]:
    """Per driver, true and estimated: mean units per unit of the driver about its reference, and slope within series."""
    series = train.groupby(model.panel.levels, sort=False).ngroup().to_numpy()
    rows = []
    for driver in model.panel.drivers:
        true = train["true_price" if driver.name == "relative_price" else f"true_{driver.name}"].to_numpy()
        found = parts[driver.name].to_numpy()
        reference = train[driver.reference].to_numpy() if isinstance(driver.reference, str) else driver.reference
        distance = train[driver.name].to_numpy() - reference
        moved = distance - (np.bincount(series, distance) / np.bincount(series))[series]
        slopes = {name: float(moved @ part / (moved @ moved)) for name, part in (("true", true), ("found", found))}
        rows.append(
            {
                "driver": driver.name,
                "total_true": float(true.sum() / distance.sum()),
                "total_found": float(found.sum() / distance.sum()),
                "total_error": float(abs(found.sum() / true.sum() - 1.0)),
                "within_true": slopes["true"],
                "within_found": slopes["found"],
                "within_error": abs(slopes["found"] / slopes["true"] - 1.0),
            }
        )
    return [{name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()} for row in rows]


def _share_error(model: HiReF, train: pd.DataFrame, parts: pd.DataFrame, truth: list[str]) -> float:
    """Mean absolute error across series of the share of baseline, trend and season in all sales."""
    series = train.groupby(model.panel.levels, sort=False).ngroup().to_numpy()
    drivers = [driver.name for driver in model.panel.drivers]
    base = parts[[name for name in BASELINE if name in parts.columns]].sum(axis=1)
    found = np.bincount(series, base) / np.bincount(series, base + parts[drivers].sum(axis=1))
    true = np.bincount(series, train["true_baseline"]) / np.bincount(series, train[truth].sum(axis=1))
    return float(np.abs(found - true).mean())


def _wrong_signs_of_ols(model: HiReF, train: pd.DataFrame) -> float:
    """Share of series and signed drivers whose slope has the wrong sign in a regression per series, season and trend in."""
    signed = [driver for driver in model.panel.drivers if driver.sign in SIGNS]
    months = train["date"].dt.month.to_numpy()
    waves = [wave(2 * np.pi * k * months / 12) for k in range(1, 6) for wave in (np.cos, np.sin)] + [np.cos(np.pi * months)]
    time_passed = (train["date"] - train["date"].min()).dt.days.to_numpy() / 365.25
    columns = [
        np.ones(len(train)),
        time_passed,
        *waves,
        *(train[driver.name].to_numpy(float) for driver in model.panel.drivers),
    ]
    series = train.groupby(model.panel.levels, sort=False).ngroup().to_numpy()
    order = np.argsort(series, kind="stable")
    length = np.bincount(series)[0]
    X = np.stack([(column / (column.std() or 1.0))[order].reshape(-1, length) for column in columns], axis=2)
    y = train["sales"].to_numpy(float)[order].reshape(-1, length)
    gram = X.transpose(0, 2, 1) @ X + 1e-9 * np.eye(X.shape[2])
    slopes = np.linalg.solve(gram, (X.transpose(0, 2, 1) @ y[:, :, None]))[:, :, 0]
    first = len(columns) - len(model.panel.drivers)
    places = [first + model.panel.drivers.index(driver) for driver in signed]
    return float((np.sign(slopes[:, places]) != np.array([SIGNS[driver.sign] for driver in signed])).mean())
