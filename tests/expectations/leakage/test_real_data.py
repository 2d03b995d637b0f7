"""Real and public data never stop for what their columns know of sales; a driver that truly dominates may warn."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from benchmarks.frat_columns import derive
from benchmarks.precision_real_panels import PANELS
from expectations.leakage.encoded_keys import find_encoded_keys
from expectations.leakage.held_out import find_copied_periods
from expectations.leakage.verdicts import find_leaks
from expectations.panel_view import PanelView
from hierforecast.settings import parse_company, read_company


def stopped(frame: pd.DataFrame, panel, columns: dict[str, int]) -> list:
    view = PanelView.of(frame.astype(dict.fromkeys([panel.target.name, *columns], float)), panel)
    leaks = find_leaks(view, panel.target.name, columns, horizon=panel.horizon)
    told = [f"{leak.column} {leak.sentence}" for leak in leaks.of("stop")]
    told += [key.sentence for key in find_encoded_keys(view, panel.target.name)]
    return told + find_copied_periods(view, panel.target.name, list(columns), horizon=panel.horizon)


@pytest.mark.slow
def test_breakfast_at_the_frat(root, shared_data):
    panel = read_company(root / "benchmarks/frat.yaml").sales
    frame = derive(pd.read_parquet(shared_data / "frat/frat.parquet"))
    assert stopped(frame, panel, {driver.name: 0 for driver in panel.drivers}) == []


@pytest.mark.slow
def test_made_sales_that_are_a_sum_of_their_drivers(root, shared_data):
    panel = read_company(root / "benchmarks/seed_sales.yaml").sales
    frame = pd.read_parquet(shared_data / "seed_sales/seed_sales.parquet")
    drivers = {driver.name: 0 for driver in panel.drivers if driver.name in frame}
    assert len(drivers) >= 8
    assert stopped(frame, panel, drivers) == []


@pytest.mark.parametrize("name", ["retail", "robyn", "geo", "one_geo"])
def test_public_marketing_mix_data(root, shared_data, name):
    settings = yaml.safe_load((root / "benchmarks/precision_real.yaml").read_text())[name]
    controls = next(
        (each["media"]["controls"] for each in reversed(settings["attempts"]) if "controls" in each.get("media", {})), []
    )
    panel = parse_company({"company": "real", "media": settings["media"]}).media
    frame = PANELS[name](Path(shared_data))
    assert stopped(frame, panel, dict.fromkeys([*panel.columns[2:], *controls], 0)) == []


def test_the_made_national_data(shared_data):
    frame = pd.read_csv(shared_data / "mmm_national/national.csv")
    period = next(name for name in frame if "week" in name.lower() or "date" in name.lower())
    target = next(name for name in frame if name.lower() in ("sales", "revenue", "y", "target", "kpi"))
    frame[period] = pd.to_datetime(frame[period])
    view = PanelView(frame, (), period, "week")
    columns = dict.fromkeys([name for name in frame.select_dtypes("number") if name != target], 0)
    assert len(columns) >= 12
    assert find_leaks(view, target, columns).of("stop") == []
    assert find_copied_periods(view, target, list(columns), horizon=26) == []
