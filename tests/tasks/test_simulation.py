"""Made companies and markets as files: they can be read back, and a market's settings fit it."""

import pandas as pd
import pytest

from flows.simulate_data import read_arguments
from hierforecast.errors import PanelError
from hierforecast.settings import read_company
from tasks import panels, simulation

TINY = {"regions": 2, "states": 2, "segments": 1, "brands": 2, "packs": 2, "periods": 60}


def test_a_market_lies_beside_settings_that_fit_it(tmp_path):
    paths = simulation.write_market.fn(3, size=TINY, law={"noise_drivers": 2}, out=str(tmp_path))
    assert sorted(path.rsplit("/", 1)[1] for path in paths) == [
        *("sales.parquet", "settings.yaml", "true_effects.parquet", "true_sales_parts.parquet")
    ]
    company = read_company(tmp_path / "settings.yaml")
    sales = panels.as_declared(panels.read_table(tmp_path / company.sales.path), company.sales)
    truth = pd.read_parquet(tmp_path / "true_sales_parts.parquet")
    assert len(sales) == len(truth)
    assert sales["units"].isna().sum() == (sales["week"] > sales.loc[sales["units"].notna(), "week"].max()).sum() > 0
    assert {"noise_001", "noise_002"} <= set(sales.columns)


def test_a_company_has_both_panels_and_their_truth(tmp_path):
    paths = simulation.write_company.fn(3, weeks=60, out=str(tmp_path))
    assert len(paths) == 6
    assert pd.read_parquet(tmp_path / "media.parquet")["revenue"].notna().sum() == 60


def test_an_unknown_option_is_named():
    with pytest.raises(PanelError, match="MarketSize has no 'state'; did you mean 'states'"):
        simulation.write_market.fn(3, size={"state": 2}, law={}, out="nowhere")


def test_the_command_line_offers_every_option():
    assert read_arguments([]) == {"seed": 1, "weeks": 156, "out": "made"}
    assert read_arguments(["--market"]) == {"seed": 1, "weeks": 156, "out": "made", "size": {}, "law": {}}
    given = read_arguments(["--seed", "4", "--states", "25", "--stock-out-rows", "missing", "--noise", "0.2"])
    assert given["size"] == {"states": 25}
    assert given["law"] == {"stock_out_rows": "missing", "noise": 0.2}
    with pytest.raises(SystemExit):
        read_arguments(["--stats", "25"])
