"""Checks of data that are as they should be: made companies of any seed and length, and public data."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks import frat_columns, precision_real, precision_real_panels, seed_scores
from expectations.history.profile import profile_of
from expectations.panel_view import PanelView, key_levels
from expectations.validation import content_checks
from hierforecast import synthetic
from hierforecast.settings import parse_company, read_company
from tests.support.findings import broken

TODAY = date(2100, 1, 1)
# What is worth a look in public data: a price of one cent; a week of mail without a letter; money in another week.
WARNED = {
    "frat": set(),
    "frat raw": {"odd_values"},
    "seed_sales": set(),
    "retail": {"unseen_spend", "exposure_cost"},
    "robyn": {"unpaid_exposure", "exposure_cost"},
    "geo": set(),
    "one_geo": set(),
}
OTHERS = {"leakage", "near_leakage", "encoded_keys", "copied_periods", "lags"}  # judged in tests of their own


def told(frame: pd.DataFrame, panel, earlier=None) -> dict[str, str]:
    """Severity of the checks that do not hold, by id."""
    checks = [check for check in content_checks(panel, earlier=earlier, today=TODAY) if check.check not in OTHERS]
    return {check: result.severity for check, result in broken(checks, frame, panel).items()}


def judge(seed: int, weeks: int, root) -> None:
    company, made = read_company(root / "deployments/demo.yaml"), synthetic.company(seed, weeks=weeks)
    assert told(made.sales, company.sales) == {}
    assert told(made.media, company.media) == {}


@pytest.mark.parametrize(("seed", "weeks"), [(1, 156), (2, 60), (3, 104), (11, 80), (12, 156), (13, 208)])
def test_made_companies_have_nothing_to_tell(root, seed, weeks):
    judge(seed, weeks, root)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_more_made_companies_have_nothing_to_tell(root, seed):
    for weeks in (60, 80, 104, 130, 156, 208):
        judge(seed, weeks, root)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("law", [{}, {"stock_outs": 0.1}, {"noise": 0.5}, {"stock_out_rows": "missing"}])
def test_made_markets_have_nothing_that_stops(seed, law):
    size = synthetic.MarketSize(states=6, brands=5, packs=3)
    made = synthetic.market(size=size, law=synthetic.SalesLaw(**law), seed=seed)
    panel = parse_company(synthetic.declare(made.truth)).sales
    assert (
        "stop"
        not in told(made.panel.assign(**{level: made.panel[level].astype(str) for level in panel.levels}), panel).values()
    )


@pytest.mark.parametrize("name", ["retail", "robyn", "geo", "one_geo"])
def test_public_media_are_never_stopped(root, shared_data, name):
    declared = yaml.safe_load((root / "benchmarks/precision_real.yaml").read_text())[name]
    frame = precision_real_panels.PANELS[name](shared_data)
    for attempt in precision_real.read_attempts(declared):
        found = told(frame, attempt.media)
        assert "stop" not in found.values()
        assert set(found) <= WARNED[name]


def test_a_sample_of_public_sales_is_never_stopped_and_never_drifts(root, shared_data):
    frame = pd.read_parquet(shared_data / "frat/frat.parquet")
    frame = frame[frame["store_id"].isin(frame["store_id"].unique()[:12])]
    raw, panel = _raw_frat(frame)
    assert told(raw, panel).keys() <= WARNED["frat raw"]
    for back in (1, 4):
        seen = raw[raw["week"] <= raw["week"].max() - pd.Timedelta(weeks=back)]
        earlier = profile_of(PanelView(seen, tuple(key_levels(panel)), "week", "week"), panel)
        assert told(raw, panel, earlier).keys() <= WARNED["frat raw"]


@pytest.mark.slow
def test_all_public_sales_are_never_stopped(root, shared_data):
    frame = pd.read_parquet(shared_data / "frat/frat.parquet")
    raw, panel = _raw_frat(frame)
    assert told(raw, panel).keys() <= WARNED["frat raw"]
    frat = read_company(root / "benchmarks/frat.yaml").sales
    assert told(frat_columns.derive(frame), frat) == {}
    seed = seed_scores.read_seed_sales(shared_data / "seed_sales/seed_sales.parquet")
    assert told(seed, read_company(root / "benchmarks/seed_sales.yaml").sales) == {}


def test_sales_of_days_and_months_have_nothing_to_tell():
    rng = np.random.default_rng(4)
    for frequency, dates in (
        ("day", pd.date_range("2023-01-01", periods=800)),
        ("month", pd.date_range("2019-01-01", periods=72, freq="MS")),
    ):
        keys = pd.MultiIndex.from_product([list("NS"), list("ABC"), dates], names=["region", "brand", "week"])
        frame = keys.to_frame(index=False)
        season = 1 + 0.5 * np.sin(2 * np.pi * frame["week"].dt.day_of_year / 365.25)
        open_days = (frame["week"].dt.day_of_week != 6) if frequency == "day" else 1.0
        frame["units"] = rng.poisson(80 * season * open_days).astype(float)
        frame["price"] = 3.0 - 0.6 * (rng.random(len(frame)) < 0.1)
        drivers = [{"name": "price", "transform": "log", "reference": "mean"}]
        sales = {"target": "units", "levels": ["region", "brand"], "frequency": frequency, "drivers": drivers}
        assert told(frame, parse_company({"company": "x", "sales": sales}).sales) == {}


def _raw_frat(frame: pd.DataFrame):
    drivers = [{"name": "price", "transform": "log", "reference": "base_price"}]
    drivers += [{"name": name} for name in ("base_price", "feature", "display", "tpr_only")]
    levels = ["state", "msa", "store_id", "category", "brand", "upc_id", "pack"]
    settings = {"target": "units", "levels": levels, "gaps": "allow", "drivers": drivers}
    return frame, parse_company({"company": "frat", "sales": settings}).sales
