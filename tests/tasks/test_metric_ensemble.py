import logging

import numpy as np
import pytest

from hierforecast.errors import SettingsError
from hierforecast.results import ENSEMBLE_ROI, ENSEMBLE_WEIGHTS
from hierforecast.settings import parse_company
from tasks import metric_ensemble, panels
from tests.support.quick_mix import RAW, quick_mix

METRICS = {"impressions": {"exposure": True}, "clicks": {"lag": 1, "column": "{metric}_of_{tactical}"}}


def company(**changes):
    media = {**RAW["media"], "metrics": METRICS, "offline_channels": ["TV"], "ensemble": {"weights": "equal"}, **changes}
    return parse_company({**RAW, "media": media})


def with_clicks():
    panel = quick_mix().panel
    rng = np.random.default_rng(8)
    return panel.assign(
        **{
            f"clicks_of_{name}": panel[f"{name}_impressions"] * rng.gamma(20, 0.002, len(panel))
            for name in ("brand", "generic")
        }
    )


@pytest.fixture
def weigh(home, no_run, made_sampler):
    def call(settings, panel):
        reference = panels.store(panel, settings.company, "media")
        return metric_ensemble.weigh_metrics.fn(settings, reference, "b" * 64)

    return call


def test_every_metric_is_fitted_and_both_tables_are_written(weigh, caplog):
    with caplog.at_level(logging.INFO, logger="hierforecast"):
        tables = metric_ensemble.read(weigh(company(), with_clicks()))
    weights, roi = tables["ensemble_weights"], tables["ensemble_roi"]
    assert tuple(weights.columns) == ENSEMBLE_WEIGHTS.columns
    assert list(weights["metric"]) == ["impressions", "clicks"]
    assert set(roi.columns) == {*ENSEMBLE_ROI.columns, "impressions", "clicks"}
    assert roi.set_index("node").loc["TV", "clicks"] != roi.set_index("node").loc["TV", "clicks"]  # nobody clicks on a spot
    assert roi.set_index("node").loc["brand", ["impressions", "clicks"]].notna().all()
    assert any("weights: impressions 0.50, clicks 0.50" in record.getMessage() for record in caplog.records)


def test_exposures_are_in_the_tree_s_order_and_none_where_a_channel_is_offline():
    panel = with_clicks()
    clicks = metric_ensemble._exposures(panel, company().media, "clicks")
    np.testing.assert_array_equal(clicks[:, 0], 0.0)
    np.testing.assert_array_equal(clicks[:, 1:], panel[["clicks_of_brand", "clicks_of_generic"]])
    seen = metric_ensemble._exposures(panel, company().media, "impressions")
    np.testing.assert_array_equal(seen, panel[[f"{name}_impressions" for name in ("spot", "brand", "generic")]])


def test_metrics_that_know_the_target_are_told_and_the_version_does_without(weigh, caplog):
    panel = with_clicks().assign(clicks_of_brand=lambda frame: frame["revenue"].fillna(0.0))
    late = company(metrics={**METRICS, "clicks": {**METRICS["clicks"], "lag": 0}})
    with caplog.at_level(logging.WARNING, logger="hierforecast"):
        folder = weigh(late, panel)
    assert folder is None
    assert metric_ensemble.read(folder) == {}
    assert any(record.getMessage().startswith("no ensemble over metrics: ") for record in caplog.records)


def test_an_ensemble_of_one_metric_is_refused():
    with pytest.raises(SettingsError, match=r"media.ensemble compares metrics, and \['impressions'\] is one"):
        company(metrics={"impressions": {}})
