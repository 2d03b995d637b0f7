import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SafeguardError, SettingsError
from hierforecast.mix_model import MixModel, Priors
from hierforecast.options import Sampling
from hierforecast.precision.ensemble.inputs import read_periods, read_settings, read_spend, refuse_taken_names
from hierforecast.precision.hierarchy import build_hierarchy

TREE = build_hierarchy({"TV": ["spot"], "Web": ["brand", "feed"]}, ["tactical", "channel"])
DATES = pd.date_range("2024-01-01", periods=5, freq="7D")


def test_settings_are_read_by_name():
    assert read_settings(Sampling, {"draws": 60}, "nuts_args", interval=0.8) == Sampling(draws=60, interval=0.8)
    assert read_settings(Sampling, {"interval": 0.5}, "nuts_args", interval=0.8).interval == 0.5
    assert read_settings(Priors, {"effect_median": 0.2}, "priors") == Priors(effect_median=0.2)
    assert read_settings(MixModel, None, "model") == MixModel()
    own = Sampling(chains=3)
    assert read_settings(Sampling, own, "nuts_args", interval=0.8) is own


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (Sampling, {"draw": 60}, "there is no setting 'draw'; did you mean 'draws'"),
        (Sampling, {"draws": 5}, "draws: .* 50, got 5"),
        (Priors, {"efect_sd": 1.0}, "there is no setting 'efect_sd'; did you mean 'effect_sd'"),
        (Priors, {"effect_sd": -1.0}, "effect_sd must be a positive number"),
        (MixModel, {"noise": "gamma"}, "noise: .*'normal' or 'student', got 'gamma'"),
        (MixModel, "student", "wanted MixModel or a mapping of its settings, got str"),
    ],
)
def test_wrong_settings_are_named(kind, given, message):
    with pytest.raises(SettingsError, match=message):
        read_settings(kind, given, "given")


@pytest.mark.parametrize(("frequency", "second"), [("day", "2000-01-04"), ("week", "2000-01-10"), ("month", "2000-03-01")])
def test_dates_are_made_where_none_are_given(frequency, second):
    made = read_periods(None, 5, frequency)
    assert made[1] == pd.Timestamp(second)
    assert len(made) == 5


def test_given_dates_are_kept():
    assert read_periods(list(DATES.strftime("%Y-%m-%d")), 5, "week").tolist() == DATES.tolist()


@pytest.mark.parametrize(
    ("dates", "message"),
    [(DATES[:4], "wanted 5, got 4"), (["spring"] * 5, "wanted dates such as"), (DATES[::-1], "not in ascending order")],
)
def test_wrong_dates_are_refused(dates, message):
    with pytest.raises(SafeguardError, match=message) as caught:
        read_periods(dates, 5, "week")
    assert caught.value.name == "dates"


def test_a_table_of_spend_is_read_by_name():
    values = np.arange(6.0).reshape(2, 3)
    table = pd.DataFrame(values, columns=TREE.tacticals)
    np.testing.assert_array_equal(read_spend(table[list(TREE.tacticals[::-1])], TREE, 2), values)
    np.testing.assert_array_equal(read_spend(values, TREE, 2), values)
    assert read_spend(None, TREE, 2) is None


@pytest.mark.parametrize(
    ("spend", "message"),
    [
        (np.ones((2, 2)), r"shape \(2, 3\) .* got shape \(2, 2\)"),
        (np.full((2, 3), np.nan), "got missing, infinite or negative ones"),
        (-np.ones((2, 3)), "got missing, infinite or negative ones"),
        ("much", "wanted numbers"),
        (pd.DataFrame(np.ones((2, 3)), columns=["spots", "brand", "feed"]), "no column 'spot'; did you mean 'spots'"),
    ],
)
def test_wrong_spend_is_refused(spend, message):
    with pytest.raises(SafeguardError, match=message) as caught:
        read_spend(spend, TREE, 2)
    assert caught.value.name == "spend"


@pytest.mark.parametrize(
    ("metrics", "controls", "message"),
    [
        (["clicks", "stacked"], [], "the metric 'stacked' is called like a column of the results; rename it"),
        (["clicks"], ["baseline"], "the control 'baseline'"),
        (["clicks"], ["brand"], "the control 'brand'"),
    ],
)
def test_names_of_result_columns_are_refused(metrics, controls, message):
    refuse_taken_names(["clicks"], ["price"], TREE)
    with pytest.raises(SafeguardError, match=message):
        refuse_taken_names(metrics, controls, TREE)
