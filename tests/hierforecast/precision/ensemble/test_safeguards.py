import copy
import warnings

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import LeakageError, PanelError, SafeguardError
from hierforecast.precision.ensemble.safeguards import SafeguardWarning, prepare
from hierforecast.precision.hierarchy import build_hierarchy

HIERARCHY = build_hierarchy(
    {
        "channel_TV": {"platform_TV": ["tv_spot_a", "tv_spot_b"]},
        "channel_Search": {"platform_Search": ["search_brand", "search_generic"]},
    },
    ["tactical", "platform", "channel"],
)
WEEKS = 100


def given(seed=0, **changes):
    """The example of the source document."""
    rng = np.random.default_rng(seed)
    metrics = {
        "impressions": rng.gamma(5.0, 20.0, (WEEKS, 4)),
        "clicks": rng.gamma(3.0, 2.0, (WEEKS, 4)),
        "conversions": rng.gamma(2.0, 0.5, (WEEKS, 4)),
    }
    call = {"hierarchy": HIERARCHY, "y": rng.normal(1000.0, 50.0, WEEKS), "U_metrics": metrics}
    return call | {"metric_lags": {"clicks": 1, "conversions": 2}, "offline_channels": ["channel_TV"]} | changes


def with_metric(metric, place, value, **changes):
    call = given(**changes)
    call["U_metrics"][metric][place] = value
    return call


def quietly(**call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SafeguardWarning)
        return prepare(**call)


def test_the_example_passes_without_a_word():
    call = given()
    prepared = prepare(**call)
    assert prepared.warnings == ()
    assert prepared.exposure_metric == "impressions"
    assert prepared.counted.tolist() == [False] * 2 + [True] * 98
    assert prepared.present["impressions"].all()
    assert prepared.present["clicks"].tolist() == prepared.present["conversions"].tolist() == [False, False, True, True]
    assert prepared.controls.shape == (WEEKS, 0)
    assert prepared.lags == {"impressions": 0, "clicks": 1, "conversions": 2}


def test_lags_move_metrics_forward_and_zeros_come_in():
    call = given()
    prepared = prepare(**call)
    for metric, lag in prepared.lags.items():
        expected = np.where(prepared.present[metric], call["U_metrics"][metric], 0.0)
        np.testing.assert_array_equal(prepared.exposures[metric][lag:], expected[: WEEKS - lag])
        assert not prepared.exposures[metric][:lag].any()


def test_nothing_given_is_changed():
    call = given(y=np.where(np.arange(WEEKS) == 50, np.nan, given()["y"]))
    kept = {metric: values.copy() for metric, values in call["U_metrics"].items()}
    prepare(**call)
    for metric, values in kept.items():
        np.testing.assert_array_equal(call["U_metrics"][metric], values)


def test_a_week_without_target_is_not_counted():
    call = given()
    call["y"][[7, 99]] = np.nan
    assert np.flatnonzero(~prepare(**call).counted).tolist() == [0, 1, 7, 99]


def test_weeks_before_a_metric_exists_are_left_out_for_all_alike():
    exists = np.arange(WEEKS) >= 10
    call = with_metric("clicks", (slice(0, 10), 2), np.nan, availability={"clicks": exists, "conversions": 2})
    prepared = prepare(**call)
    assert np.flatnonzero(prepared.counted)[0] == 11  # week 10 of clicks is seen in week 11
    assert not prepared.exposures["clicks"][:11].any()
    assert prepared.exposures["impressions"][:11].all()
    whole = prepare(**given(availability=exists))
    assert np.flatnonzero(whole.counted)[0] == 12


def test_a_delay_up_to_the_lag_is_available():
    assert prepare(**given(availability={"clicks": 1, "conversions": 1, "impressions": 0})).warnings == ()


def test_a_table_is_read_by_name():
    call = given()
    plain = prepare(**call)
    table = pd.DataFrame(call["U_metrics"]["clicks"], columns=HIERARCHY.tacticals)[list(HIERARCHY.tacticals[::-1])]
    call["U_metrics"]["clicks"] = table
    np.testing.assert_array_equal(prepare(**call).exposures["clicks"], plain.exposures["clicks"])


def test_controls_keep_their_names():
    values = np.random.default_rng(1).normal(size=(WEEKS, 2))
    assert prepare(**given(Z_controls=values)).control_names == ("control_1", "control_2")
    assert prepare(**given(Z_controls=values, control_names=["price", "holiday"])).control_names == ("price", "holiday")
    assert prepare(**given(Z_controls=pd.DataFrame(values, columns=["price", "rain"]))).control_names == ("price", "rain")


def test_another_exposure_metric_keeps_the_offline_channels():
    prepared = prepare(**given(exposure_metric="clicks"))
    assert prepared.present["clicks"].all()
    assert prepared.present["impressions"].tolist() == [False, False, True, True]


def y_changed(week, value):
    y = given()["y"].copy()
    y[week] = value
    return y


Z = np.random.default_rng(2).normal(size=(WEEKS, 2))
REFUSED = [
    (given(y=np.ones((WEEKS, 1))), "shape", r"y: wanted shape \(weeks,\), got \(100, 1\)"),
    (given(y=["a"] * WEEKS), "shape", "y: wanted numbers"),
    (given(y=y_changed(3, np.inf)), "non_finite", "y is infinite in week 3"),
    (given(y=np.full(WEEKS, 5.0)), "constant_target", "there is nothing to explain"),
    (given(y=y_changed(slice(5, None), np.nan)), "too_few_weeks", "3 of 100 weeks count, wanted 20"),
    (given(U_metrics={}), "no_metrics", "name at least one metric"),
    (given(U_metrics=None), "no_metrics", "wanted a mapping"),
    (given(U_metrics={"clicks": np.ones((4, WEEKS))}), "shape", r"wanted .* \(100, 4\), got \(4, 100\) \(transposed"),
    (given(U_metrics={"clicks": np.ones((WEEKS, 3))}), "shape", "in the order tv_spot_a, tv_spot_b"),
    (given(U_metrics={"clicks": pd.DataFrame({"tv_spot": [1.0]})}), "unknown_name", "did you mean 'tv_spot_"),
    (given(U_metrics={"clicks": pd.DataFrame({"tv_spot_a": [1.0]})}), "shape", r"got none for \['tv_spot_b'"),
    (given(metric_lags={"clik": 1}), "unknown_name", "metric_lags: the metric 'clik' is unknown; did you mean 'clicks'"),
    (given(metric_lags={"clicks": -1}), "metric_lag", "wanted whole periods >= 0, got -1"),
    (given(metric_lags={"clicks": 1.5}), "metric_lag", "got 1.5"),
    (given(metric_lags={"clicks": True}), "metric_lag", "got True"),
    (given(metric_lags={"clicks": 95}), "metric_lag", "95 leaves 5 of 100 weeks"),
    (given(exposure_metric="impression"), "unknown_name", "did you mean 'impressions'"),
    (given(offline_channels=["channel_tv"]), "offline_channel", "did you mean 'channel_TV'"),
    (given(offline_channels=["tv_spot_a"]), "offline_channel", "the channel 'tv_spot_a' is unknown"),
    (given(offline_channels="channel_TV"), "offline_channel", r"write \['channel_TV'\]"),
    (given(offline_channels=["channel_TV", "channel_Search"]), "empty_metric", "that is not offline"),
    (given(availability={"click": 1}), "unknown_name", "availability: the metric 'click' is unknown"),
    (given(availability={"clicks": 3}), "availability", r"unavailable .* after 3 periods, lag 1; declare .* >= 3"),
    (given(availability={"clicks": -1}), "availability", "wanted periods >= 0, got -1"),
    (given(availability={"clicks": 0.5}), "availability", "wanted a whole number of periods"),
    (given(availability=np.ones(5, bool)), "availability", r"got bool of shape \(5,\)"),
    (given(availability=np.zeros(WEEKS, bool)), "too_few_weeks", "0 of 100 weeks count"),
    (with_metric("clicks", (7, 2), np.nan), "missing_data", "'clicks', tactical 'search_brand' has missing .* in week 7;"),
    (with_metric("clicks", (slice(7, 9), 2), np.nan), "missing_data", "in week 7, 1 more values elsewhere"),
    (with_metric("clicks", (8, 3), np.inf), "non_finite", "'search_generic' is infinite in week 8"),
    (with_metric("impressions", (9, 0), -1.0), "negative_exposure", "'tv_spot_a' is negative in week 9"),
    (with_metric("clicks", ..., 0.0), "empty_metric", "'clicks' is zero for every tactical in the counted weeks"),
    (with_metric("clicks", np.s_[:, 2:], 0.0), "empty_metric", "every tactical that is not offline"),
    (with_metric("impressions", np.s_[:, 1], 0.0), "empty_column", "is zero for 'tv_spot_b' .* drop them from the media tree"),
    (given(Z_controls=Z[:, 0]), "controls", r"Z_controls: wanted shape .* got \(100,\)"),
    (given(Z_controls=Z[:50]), "controls", r"got \(50, 2\)"),
    (given(Z_controls=Z, control_names=["price"]), "controls", "wanted 2 different names"),
    (given(Z_controls=Z, control_names=["price", "price"]), "controls", "wanted 2 different names"),
    (given(control_names=["price"]), "controls", "there are no Z_controls"),
    (given(Z_controls=np.where(Z > 2, np.nan, Z), control_names=["a", "b"]), "missing_data", "control '[ab]' is nan in week"),
    (given(leakage_corr_threshold=97), "leakage_corr_threshold", "between 0.5 and 1, got 97"),
]


@pytest.mark.parametrize(("call", "name", "message"), REFUSED)
def test_errors_have_a_name_and_a_cure(call, name, message):
    with pytest.raises(SafeguardError, match=message) as caught:
        prepare(**call)
    assert caught.value.name == name
    assert isinstance(caught.value, PanelError)
    assert ";" in str(caught.value)


def test_a_tactical_without_exposure_is_lacking_and_named():
    call = with_metric("clicks", np.s_[:, 2], 0.0)
    with pytest.warns(SafeguardWarning, match="'clicks' is zero for 'search_brand'"):
        prepared = prepare(**call)
    (found,) = prepared.warnings
    assert (found.name, found.metric, found.tactical) == ("empty_column", "clicks", "search_brand")
    assert prepared.present["clicks"].tolist() == [False, False, False, True]


def test_a_constant_column_warns_and_stays():
    with pytest.warns(SafeguardWarning, match="'clicks', tactical 'search_generic' is 4 in every counted week"):
        prepared = prepare(**with_metric("clicks", np.s_[:, 3], 4.0))
    assert [found.name for found in prepared.warnings] == ["constant_column"]
    assert prepared.present["clicks"][3]


def test_an_empty_column_of_an_offline_channel_is_expected():
    assert prepare(**with_metric("clicks", np.s_[:, :2], 0.0)).warnings == ()


def test_every_leak_is_listed():
    call = given()
    call["U_metrics"]["impressions"][:, 0] = call["y"]
    call["U_metrics"]["conversions"][:, 3] = np.concatenate([call["y"][3:], call["y"][:3]])  # 1 ahead after its lag of 2
    with pytest.raises(LeakageError) as caught:
        prepare(**call)
    lines = str(caught.value).splitlines()
    assert caught.value.name == "leakage"
    assert lines[0].startswith("2 of the columns")
    assert lines[1].startswith("impressions, tv_spot_a: knows the target (r")
    assert lines[2].startswith("conversions, search_generic: knows the target 1 week ahead")


def test_a_leak_is_judged_as_the_model_sees_it():
    call = given()
    call["U_metrics"]["clicks"][:, 2] = call["y"]  # its lag makes it the past
    with pytest.warns(SafeguardWarning, match="clicks, search_brand: knows the target 1 week ago"):
        (found,) = prepare(**call).warnings
    assert (found.name, found.metric, found.tactical) == ("leakage", "clicks", "search_brand")
    with pytest.raises(LeakageError):
        prepare(**call | {"metric_lags": {}})


def test_a_column_that_is_dropped_cannot_leak():
    call = given(metric_lags={})
    call["U_metrics"]["clicks"][:, 0] = call["y"]
    assert prepare(**call).warnings == ()


def test_a_control_that_is_the_target_stops():
    call = given()
    controls = np.column_stack([Z[:, 0], 2 * call["y"]])
    with pytest.raises(LeakageError, match="controls, copied: knows the target"):
        prepare(**call, Z_controls=controls, control_names=["price", "copied"])


def test_warnings_name_the_line_of_the_caller_of_the_ensemble():
    def ensemble(**call):
        return prepare(**call)

    with pytest.warns(SafeguardWarning) as caught:
        ensemble(**with_metric("clicks", np.s_[:, 3], 4.0))
    assert caught[0].filename == __file__


def test_errors_are_rebuilt_whole_as_other_processes_do():
    error = copy.deepcopy(SafeguardError("told", name="metric_lag"))
    assert (str(error), error.name) == ("told", "metric_lag")
    assert copy.deepcopy(LeakageError("told")).name == "leakage"
