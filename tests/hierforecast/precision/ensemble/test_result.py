import numpy as np
import pandas as pd
import pytest

from hierforecast import results
from hierforecast.precision.ensemble import SafeguardWarning, result
from hierforecast.precision.ensemble.result import describe
from hierforecast.precision.nodes import all_nodes
from hierforecast.precision.response import media_draws

METRICS = ["impressions", "clicks", "conversions"]
TV = ["tv_spot_a", "tv_spot_b", "platform_TV", "channel_TV", "total"]


def again(fitted, scheme):
    return describe(fitted.result.per_model, fitted.prepared, scheme, interval=0.9, seed=7)


def node_draws(model, under):
    """(draws, weeks) of a node, straight from the draws."""
    return sum(media_draws(place, model.coefficients, model.weeks()) for place in np.flatnonzero(under))


@pytest.mark.parametrize("scheme", ["psis_loo", "pseudo_bma", "leave_future_out", "equal"])
def test_every_scheme_gives_shares_that_sum_to_1(fitted, scheme):
    weights = again(fitted, scheme).weights
    assert list(weights) == METRICS
    assert all(type(weight) is float and weight >= 0 for weight in weights.values())
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-9)
    if scheme == "equal":
        assert set(weights.values()) == {1 / 3}
    else:
        assert weights["clicks"] > 0.9  # which made the target


def test_the_table_of_weights_tells_every_scheme(fitted):
    table = fitted.result.weights_table
    assert tuple(table.columns) == results.ENSEMBLE_WEIGHTS.columns
    assert table["metric"].tolist() == METRICS
    assert table["weight"].tolist() == list(fitted.result.weights.values())
    np.testing.assert_allclose(table[["weight", "pseudo_bma", "equal", "leave_future_out"]].sum(), 1.0, atol=1e-9)
    for metric, row in table.set_index("metric").iterrows():
        loo = fitted.result.leave_one_out[metric]
        assert row["elpd"] == pytest.approx(loo.pointwise.sum())
        assert row["max_pareto_k"] == loo.pareto_k.max()
    assert table["elpd_difference"].max() == 0


def test_weeks_ahead_that_cannot_be_trusted_are_told(fitted, monkeypatch):
    monkeypatch.setattr(result, "FEWEST_FUTURE_WEEKS", 10_000)
    with pytest.warns(SafeguardWarning, match="leave_future_out: .* the weights are those of psis_loo; give more weeks"):
        told = again(fitted, "leave_future_out")
    assert told.weights == fitted.result.weights
    assert [found.name for found in told.warnings] == ["leave_future_out"]
    assert told.weights_table["leave_future_out"].isna().all()
    assert again(fitted, "psis_loo").warnings == ()


@pytest.mark.parametrize("which", ["fitted", "without_spend"])
def test_contributions_of_a_week_sum_to_its_forecast(which, request):
    told = request.getfixturevalue(which).result
    table = told.contributions_weighted
    parts = table.drop(columns=[results.PERIOD, results.FORECAST])
    assert set(parts) >= {"baseline", "tv_spot_a", "search_generic"}
    np.testing.assert_allclose(parts.sum(axis=1), table[results.FORECAST], rtol=1e-12)
    np.testing.assert_allclose(table[results.FORECAST], told.forecast_weighted[results.FORECAST], rtol=1e-12)


def test_contributions_are_weighted_means_of_the_models(without_spend):
    told = without_spend.result
    means = [model.contribution_means().drop(columns=results.PERIOD) for model in told.per_model.values()]
    expected = sum(means) / 3
    pd.testing.assert_frame_equal(told.contributions_weighted.drop(columns=results.PERIOD), expected, rtol=1e-12)


def test_intervals_are_those_of_the_pooled_draws(without_spend):
    told = without_spend.result
    hierarchy = told.per_model["clicks"].hierarchy
    table = told.uncertainty_weighted.set_index(["level", "node"])
    farther = 0
    for level, node, under in all_nodes(hierarchy):
        draws = [node_draws(model, under) for model in told.per_model.values()]
        lower, upper = np.quantile(np.concatenate(draws), [0.05, 0.95], axis=0)
        spread = np.concatenate(draws).std(axis=0).max()
        mine = table.loc[[(level, node)]]
        np.testing.assert_allclose(mine[results.LOWER], lower, atol=0.4 * spread)
        np.testing.assert_allclose(mine[results.UPPER], upper, atol=0.4 * spread)
        averaged = np.mean([np.quantile(one, 0.95, axis=0) for one in draws], axis=0)
        farther = max(farther, np.abs(averaged - mine[results.UPPER].to_numpy()).max() / spread)
    assert farther > 0.5  # averages of quantiles are elsewhere


def test_the_interval_of_disagreeing_models_spans_them(without_spend):
    told = without_spend.result
    table = told.uncertainty_weighted.query("node == 'channel_Search'")
    means = np.array(
        [model.contributions("channel").query("node == 'channel_Search'")["mean"] for model in told.per_model.values()]
    )
    apart = np.ptp(means, axis=0) > 50
    assert apart.sum() > 20
    lower, upper = table[results.LOWER].to_numpy(), table[results.UPPER].to_numpy()
    assert ((lower <= means.min(axis=0)) & (upper >= means.max(axis=0)))[apart].mean() > 0.95


def test_weeks_without_a_target_are_forecast(fitted):
    table = fitted.result.forecast_weighted
    assert len(table) == len(fitted.truth)
    assert np.isfinite(table.drop(columns=results.PERIOD)).all(axis=None)
    unknown = np.isnan(fitted.call["y"])
    assert unknown.sum() == 4
    error = np.abs(table[results.FORECAST] - fitted.truth)[unknown]
    assert (error < 15).all()  # noise 10, and the target itself moves by some 60
    within = (table[results.LOWER] < fitted.truth) & (fitted.truth < table[results.UPPER])
    assert within[unknown].all()


def test_the_mixture_forecast_has_the_noise_in_it(fitted):
    table, known = fitted.result.forecast_weighted, fitted.prepared.counted
    inside = (table[results.LOWER] <= fitted.call["y"]) & (fitted.call["y"] <= table[results.UPPER])
    assert 0.8 <= inside[known].mean() <= 1.0


def test_all_metrics_are_judged_on_the_same_weeks(fitted, counted):
    np.testing.assert_array_equal(fitted.result.counted, counted)
    for metric, model in fitted.result.per_model.items():
        np.testing.assert_array_equal(model.observed, counted)
        assert fitted.result.leave_one_out[metric].pointwise.shape == (counted.sum(),)
        assert model.inference_data().log_likelihood.sizes["period"] == counted.sum()


def test_offline_channels_are_told_by_the_exposure_metric_alone(fitted):
    for metric, model in fitted.result.per_model.items():
        brought = model.contribution_means()[["tv_spot_a", "tv_spot_b"]].to_numpy()
        assert brought.any() == (metric == "impressions")
        assert model.decay()["tactical"].str.startswith("tv_").any() == (metric == "impressions")


@pytest.mark.parametrize(("which", "quantity"), [("fitted", "roi"), ("without_spend", "contribution")])
def test_a_metric_says_nothing_of_what_it_lacks(which, quantity, request):
    table = request.getfixturevalue(which).result.roi_comparison.set_index("node")
    assert set(table["quantity"]) == {quantity}
    assert table.loc[TV, ["clicks", "conversions"]].isna().all(axis=None)
    np.testing.assert_allclose(table.loc[TV, "equal"], table.loc[TV, "impressions"])
    assert not table.loc[TV, "disagree"].any()
    assert np.isfinite(table[["impressions", "equal", "stacked", "sd"]]).all(axis=None)


def test_returns_are_side_by_side_and_disagreement_is_flagged(fitted):
    table = fitted.result.roi_comparison.set_index("node")
    assert set(results.ENSEMBLE_ROI.columns) - {"node"} <= set(table.columns)
    search = table.loc[["search_brand", "search_generic", "channel_Search"]]
    assert search["disagree"].all()  # impressions made nothing here, clicks all
    assert search["disagree"].dtype == bool
    assert (np.ptp(search[METRICS], axis=1) > search["sd"]).all()
    np.testing.assert_allclose(search["equal"], search[METRICS].mean(axis=1))
    weights = np.array([fitted.result.weights[metric] for metric in METRICS])
    np.testing.assert_allclose(search["stacked"], search[METRICS] @ weights)


def test_returns_are_those_of_the_models_themselves(fitted):
    table = fitted.result.roi_comparison.set_index("node")
    own = fitted.result.per_model["clicks"].decisions().roi().set_index("node")["roi"]
    assert table.loc["search_brand", "clicks"] == pytest.approx(own["search_brand"])


def test_returns_recover_the_truth_by_the_metric_that_made_it(fitted, counted):
    clicks, spend = fitted.call["U_metrics"]["clicks"], fitted.call["spend"]
    paid_weeks = np.flatnonzero(counted) - 1  # clicks work a week after they were paid for
    brought = clicks[paid_weeks][:, 2:].sum(axis=0) * [9.0, 6.0]
    told = fitted.result.roi_comparison.set_index("node").loc[["search_brand", "search_generic"], "clicks"]
    np.testing.assert_allclose(told, brought / spend[paid_weeks, 2:].sum(axis=0), rtol=0.15)


def test_stacked_returns_are_stacked_where_equal_weights_were_asked_for(without_spend):
    table = without_spend.result.roi_comparison.set_index("node")
    assert without_spend.result.weights["clicks"] == pytest.approx(1 / 3)
    assert table.loc["channel_Search", "stacked"] == pytest.approx(table.loc["channel_Search", "clicks"], rel=0.05)
