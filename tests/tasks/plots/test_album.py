import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from hierforecast.metrics import score_horizons, score_levels
from hierforecast.options import PrecisionGate
from hierforecast.schema import MediaPanel, SalesPanel
from tasks.plots.album import file_name, hiref_pages, precision_pages, write_album

LEVELS = ["region", "brand"]


@pytest.fixture
def hiref_tables(forecasts, contributions, tmp_path):
    """The tables of a HiReF version in a folder."""
    holdout = forecasts[forecasts["part"] == "holdout"]
    total = forecasts.groupby(["period", "part"], as_index=False)[["actual", "forecast"]].sum(min_count=1)
    by_level = [total.assign(level="total", node="total")]
    for level in LEVELS:
        sums = forecasts.groupby([level, "period", "part"], as_index=False)[["actual", "forecast"]].sum(min_count=1)
        by_level.append(sums.rename(columns={level: "node"}).assign(level=level))
    effects = pd.DataFrame({"driver": ["price"], "level": ["total"], "node": ["total"], "effect": [-2.0]})
    tables = {
        "forecasts": forecasts,
        "contributions": contributions,
        "nodes": pd.concat(by_level).assign(lower=float("nan"), upper=float("nan")),
        "elasticities": effects.assign(lower=-2.1, upper=-1.9),
        "scores": score_levels(holdout, LEVELS),
        "horizons": score_horizons(holdout, LEVELS),
    }
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def failures(pages, folder) -> list[str]:
    found = []
    write_album(pages, folder, tell=lambda name, error: found.append(f"{name}: {error!r}"))
    return found


def test_a_hiref_version_gets_its_pictures(hiref_tables):
    panel = SalesPanel(target="units", levels=LEVELS, drivers=[])
    pages = hiref_pages(hiref_tables, panel, {"loss_trace": [2.0, 1.0]}, interval=0.8, effect_interval=0.9)
    assert failures(pages, hiref_tables / "plots") == []
    drawn = {path.stem for path in (hiref_tables / "plots").iterdir()}
    wanted = {"forecast_total", "forecast_by_region", "forecast_by_brand", "forecast_bottom", "learning", "effects_price"}
    assert wanted | {"errors_by_level", "errors_interval_coverage", "contributions_mean"} <= drawn


def test_one_level_is_drawn_once(hiref_tables):
    panel = SalesPanel(target="units", levels=["region"], drivers=[])
    pages = hiref_pages(hiref_tables, panel, {}, interval=0.8, effect_interval=0.9)
    assert "forecast by region" not in pages
    assert "forecast bottom" in pages


def test_a_precision_version_gets_its_pictures(root, forecasts, tmp_path):
    panel = MediaPanel(**yaml.safe_load((root / "deployments/demo.yaml").read_text())["media"])
    one = forecasts[(forecasts["region"] == "North") & (forecasts["brand"] == "Alba")].drop(columns=LEVELS)
    nodes = [("channel", "TV", 20.0), ("tactical", "spot", 20.0), ("control", "holiday", 5.0), ("baseline", "baseline", 75.0)]
    media = pd.concat([one[["period"]].assign(level=level, node=node, mean=mean) for level, node, mean in nodes])
    decay = pd.DataFrame({"tactical": ["spot"], "decay": [0.5], "lower": [0.4], "upper": [0.6]})
    checks = pd.DataFrame({"parameter": ["decay"], "node": ["spot"], "rhat": [1.0], "ess_bulk": [900.0], "ess_tail": [800.0]})
    tables = {"fit": one, "prior_predictive": one, "media_contributions": media, "decay": decay, "diagnostics": checks}
    tables |= {"decay_prior": decay.assign(median=0.5), "left_out": one[["period"]].assign(pareto_k=0.2, limit=0.7)}
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    pages = precision_pages(tmp_path, panel, PrecisionGate(), interval=0.9)
    stack = pages["contributions over time"]().axes[0]
    assert set(stack.lines[0].get_ydata()) == {100.0}  # every media level tells the whole effect, so one of them counts
    assert failures(pages, tmp_path / "plots") == []
    assert len(list((tmp_path / "plots").iterdir())) == 7  # none of money, because no spend was declared


def test_a_picture_that_fails_is_told_and_the_others_stay(tmp_path):
    def broken() -> Figure:
        raise ZeroDivisionError("no sales")

    told = []
    pages = {"first": Figure, "broken": broken, "nothing to draw": lambda: None, "price (%) / unit": Figure}
    write_album(pages, tmp_path / "plots", tell=lambda name, error: told.append((name, str(error))))
    assert told == [("broken", "no sales")]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["first.png", "price_______unit.png"]
    assert (tmp_path / "plots/first.png").read_bytes().startswith(b"\x89PNG")


def test_names_stay_within_their_folder():
    assert file_name("../../effects über alles") == "______effects_über_alles.png"
