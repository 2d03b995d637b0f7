"""Inputs that nothing may stop: other seeds, seasons and lengths, companies that grow week by week, and real data."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.frat_columns import derive
from benchmarks.mutations.case import Case
from benchmarks.mutations.companies import first, second, up_to
from benchmarks.mutations.judging import Verdict, judge
from benchmarks.precision_real_panels import PANELS

HERE = Path(__file__).resolve().parents[1]
DATA = HERE.parent.parent / "shared" / "data"


def clean_variations() -> Iterator[tuple[str, list[Verdict]]]:
    """Twenty names with the verdicts on them; a growing company has one a week. Real data are skipped where absent."""
    for seed, weeks in ((11, 60), (12, 80), (13, 104), (14, 156), (15, 190)):
        yield f"demo company, seed {seed}, {weeks} weeks", [judge(first(seed, weeks=weeks))]
    laws = {
        "calm": {},
        "strong seasons": {"season_height": 0.8, "holiday_lift": 1.0},
        "strong trends": {"trend_sd": 0.4},
        "noisy": {"noise": 0.5},
        "nearly without noise": {"noise": 0.02},
        "price decides": {"elasticity": -4.0, "noise": 0.05},
    }
    for seed, (name, law) in enumerate(laws.items(), start=21):
        yield f"market, {name}", [judge(second(seed, **law))]
    yield "demo company, growing", list(_growing(first(31, weeks=110)))
    yield "market, growing", list(_growing(second(32, weeks=110)))
    if DATA.is_dir():
        yield from _real()
    else:
        print("(real data are not beside this checkout: left out)")


def _growing(whole: Case) -> Iterator[Verdict]:
    """Six Mondays in a row."""
    weeks = sorted(whole.media.loc[whole.media["revenue"].notna(), "week"])
    return (judge(up_to(whole, week)) for week in weeks[-6:])


def _real() -> Iterator[tuple[str, list[Verdict]]]:
    frat = yaml.safe_load((HERE / "frat.yaml").read_text(encoding="utf-8"))
    panel = derive(pd.read_parquet(DATA / "frat" / "frat.parquet"))
    yield "frat: 77 stores, 55 products", [judge(_sales_alone(frat, panel))]
    some = panel["store_id"].isin(np.sort(panel["store_id"].unique())[:20])
    yield "frat: 20 stores", [judge(_sales_alone(frat, panel[some].reset_index(drop=True)))]
    attempts = yaml.safe_load((HERE / "precision_real.yaml").read_text(encoding="utf-8"))
    for name, read in PANELS.items():
        media = attempts[name]["media"] | {"path": "media.parquet", "period": "week"}
        yield f"media: {name}", [judge(Case({"company": name.replace("_", "-"), "media": media}, {"media": read(DATA)}))]
    yield "seed_sales", [judge(_seed_sales())]


def _sales_alone(settings: dict, panel: pd.DataFrame) -> Case:
    return Case({**settings, "sales": settings["sales"] | {"path": "sales.parquet"}}, {"sales": panel})


def _seed_sales() -> Case:
    from benchmarks.seed_scores import read_seed_sales

    settings = yaml.safe_load((HERE / "seed_sales.yaml").read_text(encoding="utf-8"))
    return _sales_alone(settings, read_seed_sales(DATA / "seed_sales" / "seed_sales.parquet"))
