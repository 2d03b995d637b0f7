"""A company so small that its Monday run is mostly imports: six series, three tacticals, files that grow by a week."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

NAME = "tiny"
FAMILIES = ("hiref", "precision")
FIRST_MONDAY = 70  # weeks with a known target on the first Monday; every later one has a week more
PLANNED = 4
SETTINGS = {
    "company": NAME,
    "sales": {
        "path": "sales.parquet",
        "target": {"name": "units", "unit": "units / week"},
        "levels": ["region", "brand"],
        "horizon": PLANNED,
        "drivers": [{"name": "price", "sign": "-", "transform": "log", "reference": "mean", "known_ahead": True, "lower": 0}],
    },
    "media": {
        "path": "media.parquet",
        "target": {"name": "revenue", "unit": "EUR / week"},
        "levels": ["tactical", "channel"],
        "tree": {"TV": ["spot"], "Web": ["brand", "generic"]},
        "metrics": {"impressions": {"exposure": True}},
        "spend": "{tactical}_spend",
        "controls": ["holiday"],
        "horizon": PLANNED,
        "seasonality": 0,
        "trend": False,
    },
    "training": {"seasonality": 1, "ridge": 1.0, "origins": 1},
    "sampling": {"chains": 2, "warmup": 100, "draws": 100, "seed": 7},
    "gates": {
        "hiref": {"max_wape_increase": 0.5, "max_bias": 0.9},
        "precision": {"max_rhat": 2.0, "min_ess": 5, "max_divergences": 50, "min_ebfmi": 0.0, "max_wape_increase": 0.5},
    },
}


def write_monday(folder: Path, number: int) -> Path:
    """Write settings, sales and media as they stand on a Monday (0 is the one before the first); returns the settings."""
    folder.mkdir(parents=True, exist_ok=True)
    known = FIRST_MONDAY + number - 1
    _sales(known).to_parquet(folder / "sales.parquet", index=False)
    _media(known).to_parquet(folder / "media.parquet", index=False)
    settings = folder / "tiny.yaml"
    settings.write_text(yaml.safe_dump(SETTINGS, sort_keys=False), encoding="utf-8")
    return settings


def _weeks(known: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=known + PLANNED, freq="7D")


def _sales(known: int) -> pd.DataFrame:
    """Units fall by 1.5 % for every 1 % of price; a week that is known stays as it was."""
    weeks, parts = _weeks(known), []
    for place, (region, brand) in enumerate((r, b) for r in ("north", "south") for b in ("ale", "cola", "tea")):
        rng = np.random.default_rng(place)
        noise = rng.normal(size=(2, 200))[:, : len(weeks)]
        price = (2.0 + place / 4) * np.exp(0.15 * noise[0])
        season = 0.2 * np.sin(2 * np.pi * np.arange(len(weeks)) / 52)
        units = np.exp(6 + place / 10 + season + 0.08 * noise[1]) * (price / price[0]) ** -1.5
        units[known:] = np.nan
        parts.append(pd.DataFrame({"region": region, "brand": brand, "week": weeks, "units": units.round(3), "price": price}))
    return pd.concat(parts, ignore_index=True)


def _media(known: int) -> pd.DataFrame:
    weeks = _weeks(known)
    rng = np.random.default_rng(99)
    exposure = (rng.gamma(3.0, 40.0, (200, 3)) * (rng.random((200, 3)) < 0.8))[: len(weeks)]
    noise = rng.normal(0, 25, 200)[: len(weeks)]
    panel = pd.DataFrame({"week": weeks})
    for place, name in enumerate(("spot", "brand", "generic")):
        panel[f"{name}_impressions"] = exposure[:, place]
        panel[f"{name}_spend"] = (place + 1) * exposure[:, place]
    panel["holiday"] = (np.arange(len(weeks)) % 13 == 0).astype(float)
    panel["revenue"] = (1500 + exposure @ [1.0, 2.0, 0.5] + 80 * panel["holiday"] + noise).round(3)
    panel.loc[known:, "revenue"] = np.nan
    return panel
