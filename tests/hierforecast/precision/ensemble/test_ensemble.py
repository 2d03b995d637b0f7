import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import LeakageError, SafeguardError, SettingsError
from hierforecast.mix_model import Priors
from hierforecast.options import PrecisionGate
from hierforecast.precision.ensemble import EnsembleResult, SafeguardWarning, ensemble
from hierforecast.precision.hierarchy import build_hierarchy

README_EXAMPLE = """
levels = ["tactical", "platform", "channel"]
hierarchy = build_hierarchy({
    "channel_TV": {"platform_TV": ["tv_spot_a", "tv_spot_b"]},
    "channel_Search": {"platform_Search": ["search_brand", "search_generic"]},
}, levels)
T, N = 100, hierarchy.num_tacticals
U_metrics = {
    "impressions": np.random.gamma(5.0, 20.0, size=(T, N)),
    "clicks": np.random.gamma(3.0, 2.0, size=(T, N)),
    "conversions": np.random.gamma(2.0, 0.5, size=(T, N)),
}
y = np.random.normal(1000.0, 50.0, size=T)
result = ensemble(hierarchy=hierarchy, y=y, U_metrics=U_metrics, metric_lags={"clicks": 1, "conversions": 2},
                  offline_channels=["channel_TV"], weight_scheme="psis_loo")
print(result.weights)
"""


def read_example(seed):
    """The arguments of the example, without running the ensemble."""
    names = {"np": np, "build_hierarchy": build_hierarchy, "ensemble": lambda **call: call}
    np.random.seed(seed)  # noqa: NPY002 - the example draws from the global generator
    exec(README_EXAMPLE.replace("print(result.weights)", ""), names)  # noqa: S102
    return names["result"]


def led(values, weeks):
    """As it is seen `weeks` before; the last ones are any."""
    return np.concatenate([values[weeks:], values[:weeks]])


def noisy(y):
    """y with noise that leaves a correlation of 0.99."""
    noise = np.random.default_rng(3).normal(size=len(y))
    return y + noise / noise.std() * y.std() * np.sqrt(1 / 0.99**2 - 1)


LEAKS = {
    "y": (lambda y: y, "knows the target ("),
    "scaled y": (lambda y: 3 * y, "knows the target ("),
    "y led by 1": (lambda y: led(y, 1), "knows the target 1 week ahead"),
    "cumulative y": (np.cumsum, "knows the running total of the target"),
    "noisy y": (noisy, "knows the target ("),
}


@pytest.mark.parametrize(("metric", "lag"), [("impressions", 0), ("clicks", 1)])
@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_stops_before_anything_is_sampled(leak, metric, lag, make_company):
    call, _ = make_company(weeks=104)
    call["y"] = call["y"].copy()
    call["y"][-4:] = 1100.0
    column, message = LEAKS[leak]
    call["U_metrics"][metric][:, 2] = led(column(call["y"]), lag)  # lagged, it is the column
    steps = []
    with pytest.raises(LeakageError) as caught:
        ensemble(**call, progress=lambda *step: steps.append(step))
    assert caught.value.name == "leakage"
    assert f"{metric}, search_brand: {message}" in str(caught.value)
    assert steps == []


def test_a_missing_value_stops_before_anything_is_sampled(make_company):
    call, _ = make_company()
    call["U_metrics"]["clicks"][7, 2] = np.nan
    steps = []
    with pytest.raises(SafeguardError, match="'clicks', tactical 'search_brand' has missing data") as caught:
        ensemble(**call, progress=lambda *step: steps.append(step))
    assert caught.value.name == "missing_data"
    assert steps == []


def test_a_stop_does_not_even_import_tensorflow():
    code = f"""
    import sys
    import numpy as np
    from hierforecast.errors import LeakageError
    from hierforecast.precision.ensemble import ensemble
    from hierforecast.precision.hierarchy import build_hierarchy
    {textwrap.indent(README_EXAMPLE.split("result = ")[0], "    ").strip()}
    U_metrics["impressions"][:, 2] = y
    try:
        ensemble(hierarchy=hierarchy, y=y, U_metrics=U_metrics)
    except LeakageError:
        print("stopped", "tensorflow" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "stopped False", done.stderr


def test_a_constant_column_warns_and_is_told(make_company, tf):
    call, _ = make_company()
    call["U_metrics"]["clicks"][:, 3] = 4.0
    with pytest.warns(SafeguardWarning, match="'clicks', tactical 'search_generic' is 4 in every counted week") as caught:
        result = ensemble(**call)
    assert [found.name for found in result.warnings] == ["constant_column"]
    assert caught[0].filename == __file__
    assert sum(result.weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weight_scheme": "psis-loo"}, SettingsError, "weight_scheme: there is no 'psis-loo'; did you mean 'psis_loo'"),
        ({"nuts_args": {"warm_up": 100}}, SettingsError, "nuts_args: there is no setting 'warm_up'; did you mean 'warmup'"),
        ({"nuts_args": {"draws": 1}}, SettingsError, "nuts_args: draws: .* got 1"),
        ({"frequency": "weekly"}, SettingsError, "frequency: there is no 'weekly'; did you mean 'week'"),
        ({"priors": {"noise_media": 1.0}}, SettingsError, "priors: .* did you mean 'noise_median'"),
        ({"model": {"residual": "ar1"}}, SettingsError, "model: .* did you mean 'residuals'"),
        ({"metric_lags": {"click": 1}}, SafeguardError, "did you mean 'clicks'"),
        ({"exposure_metric": "impression"}, SafeguardError, "did you mean 'impressions'"),
        ({"offline_channels": ["channel_tv"]}, SafeguardError, "did you mean 'channel_TV'"),
        ({"spend": np.ones((60, 3))}, SafeguardError, "spend: wanted known amounts"),
        ({"dates": pd.date_range("2024-01-01", periods=9)}, SafeguardError, "dates: wanted 60, got 9"),
    ],
)
def test_what_is_not_there_is_answered_with_the_nearest_name(change, error, message, make_company):
    with pytest.raises(error, match=message):
        ensemble(**make_company(**change)[0])


def test_progress_names_the_metric_and_ends(fitted):
    stages = dict.fromkeys(stage for stage, _, _ in fitted.told)
    assert list(stages) == [f"{metric}: {stage}" for metric in fitted.result.weights for stage in ("warm-up", "draws")]
    for stage in stages:
        _, done, of = [step for step in fitted.told if step[0] == stage][-1]
        assert done == of


def test_the_result_has_what_the_call_promises(fitted):
    assert isinstance(fitted.result, EnsembleResult)
    assert list(fitted.result.per_model) == list(fitted.call["U_metrics"])
    assert fitted.result.warnings == ()
    assert fitted.result.weights["clicks"] > 0.9


def test_spend_is_lagged_with_the_exposures_that_it_bought(fitted):
    for metric, lag in (("impressions", 0), ("clicks", 1), ("conversions", 2)):
        paid = fitted.result.per_model[metric].decisions().paid
        spend = fitted.call["spend"].T
        np.testing.assert_array_equal(paid[2:, lag:], spend[2:, : spend.shape[1] - lag])
        assert not paid[2:, :lag].any()
        assert paid[:2].any() == (metric == "impressions")


def test_weeks_before_a_metric_exists_are_left_out_for_all(make_company, tf):
    exists = np.arange(60) >= 10
    call, _ = make_company(availability={"clicks": exists, "conversions": 2})
    call["U_metrics"]["clicks"][:10] = np.nan
    result = ensemble(**call)
    assert np.flatnonzero(result.counted)[0] == 11  # week 10 of clicks is seen in week 11
    sizes = {model.loo().pointwise.size for model in result.per_model.values()}
    assert sizes == {result.counted.sum()}
    assert result.weights["clicks"] > 0.9
    assert len(result.forecast_weighted) == 60


def test_what_is_not_available_in_time_stops(make_company):
    with pytest.raises(SafeguardError, match="'clicks' is unavailable when it is used: known after 3 periods, lag 1"):
        ensemble(**make_company(availability={"clicks": 3})[0])


def test_one_metric_has_the_whole_weight_and_speaks_for_itself(make_company, tf):
    call, _ = make_company(metric_lags={}, offline_channels=[], priors={"effect_median": 0.2})
    call["U_metrics"] = {"clicks": call["U_metrics"]["clicks"]}
    result = ensemble(**call)
    assert result.weights == {"clicks": 1.0}
    model = result.per_model["clicks"]
    assert model.priors == Priors(effect_median=0.2)
    pd.testing.assert_frame_equal(result.contributions_weighted, model.contribution_means())
    told = result.uncertainty_weighted.query("level == 'channel'").reset_index(drop=True)
    own = model.contributions("channel").query("level == 'channel'").reset_index(drop=True)
    pd.testing.assert_frame_equal(told, own, check_dtype=False)
    pd.testing.assert_frame_equal(result.forecast_weighted, model.predict())


@pytest.mark.slow
def test_controls_and_dates_reach_every_model(make_company, tf):
    call, _ = make_company(dates=pd.date_range("2023-01-02", periods=60, freq="7D"))
    price = np.random.default_rng(4).normal(size=60)
    call["y"] = call["y"] - 40 * price
    result = ensemble(**call, Z_controls=price[:, None], control_names=["price"])
    assert result.contributions_weighted["period"].iloc[1] == pd.Timestamp("2023-01-09")
    assert {"price", "season", "trend"} <= set(result.contributions_weighted)
    slope = np.polyfit(price, result.contributions_weighted["price"], 1)[0]
    assert slope == pytest.approx(-40, abs=5)


def quietly(**call):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ensemble(**call)


@pytest.mark.slow
def test_the_example_of_the_source_document_runs(tf, capsys):
    names = {"np": np, "build_hierarchy": build_hierarchy, "ensemble": quietly}
    np.random.seed(0)  # noqa: NPY002 - the example draws from the global generator
    exec(README_EXAMPLE, names)  # noqa: S102
    result = names["result"]
    assert list(result.weights) == ["impressions", "clicks", "conversions"]
    assert all(type(weight) is float for weight in result.weights.values())
    assert sum(result.weights.values()) == pytest.approx(1.0)
    assert capsys.readouterr().out == f"{result.weights}\n"
    for metric, model in result.per_model.items():
        assert model.verdict(PrecisionGate()) == (), metric


@pytest.mark.slow
def test_weights_find_the_metric_that_made_the_target(tf, make_company):
    call = read_example(1)
    clicks = call["U_metrics"]["clicks"]
    yesterday = np.vstack([np.zeros((1, 4)), clicks[:-1]])
    carried = yesterday.copy()
    for week in range(1, len(carried)):
        carried[week] = 0.3 * carried[week - 1] + 0.7 * yesterday[week]
    rng = np.random.default_rng(1)
    call["y"] = 1000 + carried @ np.array([0, 0, 9.0, 6.0]) + rng.normal(0, 10, len(carried))
    result = quietly(**call)
    assert result.weights["clicks"] > 0.9
    assert sum(result.weights.values()) == pytest.approx(1.0)
    for metric, model in result.per_model.items():
        assert model.verdict(PrecisionGate()) == (), metric
