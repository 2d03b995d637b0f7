"""The two good companies, by seed; and look-alikes that must pass: other seeds, seasons, lengths, and growing ones."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.mutations.case import Case
from hierforecast import synthetic

DEMO = Path(__file__).resolve().parents[2] / "deployments" / "demo.yaml"
_MARKET_MEDIA = {
    "path": "media.parquet",
    "target": {"name": "revenue", "unit": "kEUR / week"},
    "levels": ["tactical", "channel"],
    "tree": {"Television": ["spot_prime", "spot_day"], "Online": ["search_brand", "facebook", "youtube"]},
    "metrics": {"impressions": {"exposure": True}},
    "spend": "{tactical}_spend",
    "controls": ["holiday", "price_index"],
}


def first(seed: int, *, weeks: int = 104) -> Case:
    """The demo company as files: 288 series, eight tacticals, three metrics, nested places declared."""
    settings: dict[str, Any] = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    del settings["simulation"]
    settings["company"] = "first"
    settings["sales"] |= {"path": "sales.parquet", "checks": {"nested": [["region", "state"], ["segment", "brand"]]}}
    settings["media"] |= {"path": "media.parquet"}
    made = synthetic.company(seed, weeks=weeks)
    return Case(settings, {"sales": made.sales, "media": made.media})


def second(seed: int, *, weeks: int = 104, **law: float) -> Case:
    """A market with gaps, launches and delistings, ten drivers, and a flat media tree with impressions alone."""
    size = synthetic.MarketSize(regions=2, states=6, segments=2, brands=4, packs=2, periods=weeks, first="2023-01-02")
    market = synthetic.market(seed=seed, size=size, law=synthetic.SalesLaw(**law))
    settings = synthetic.declare(market.truth, company="second") | {"media": _MARKET_MEDIA}
    names = _MARKET_MEDIA["tree"]["Television"] + _MARKET_MEDIA["tree"]["Online"]
    kept = ["week", "revenue", "holiday", "price_index", *(f"{n}_{what}" for n in names for what in ("impressions", "spend"))]
    media = synthetic.company(seed + 1, weeks=weeks).media[kept]
    return Case(_plain(settings), {"sales": market.panel, "media": media})


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of plain lists and dictionaries, as YAML gives them."""
    return yaml.safe_load(yaml.safe_dump(settings))


def up_to(case: Case, week: pd.Timestamp) -> Case:
    """The same company as it stood when `week` was the last known one."""
    tables = {}
    for name, target in (("sales", "units"), ("media", "revenue")):
        table = case.tables[name].copy()
        late = table["week"] > week
        table.loc[late, target] = float("nan")
        measured = [column for column in ("temperature", "confidence") if column in table]
        table.loc[late, measured] = float("nan")
        tables[name] = table[table["week"] <= week + pd.Timedelta(weeks=synthetic.PLANNED_WEEKS)].reset_index(drop=True)
    return Case(case.settings, tables)
