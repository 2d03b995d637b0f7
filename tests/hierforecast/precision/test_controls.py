import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import SettingsError
from hierforecast.precision.controls import learn_design

PERIODS = pd.Series(pd.date_range("2023-01-02", periods=130, freq="7D"))
RNG = np.random.default_rng(0)
PRICE, FLAG = 100 + RNG.normal(size=130), (np.arange(130) % 26 == 3).astype(float)
VALUES = np.stack([PRICE, FLAG], axis=1)


def test_columns_are_scaled_over_the_observed_weeks_only():
    observed = np.arange(130) < 104
    design = learn_design(PERIODS, VALUES, ["price", "flag"], observed, seasonality=2, trend=True)
    changed = VALUES.copy()
    changed[104:] += 1000
    again = learn_design(PERIODS, changed, ["price", "flag"], observed, seasonality=2, trend=True)
    matrix = design.matrix(PERIODS, VALUES)
    np.testing.assert_array_equal(matrix, again.matrix(PERIODS, VALUES))
    np.testing.assert_allclose(matrix[observed].std(axis=0), 1)
    np.testing.assert_allclose(matrix[observed][:, :-1].mean(axis=0), 0, atol=1e-12)
    assert (matrix[FLAG == 0, -1] == 0).all()  # a flag contributes nothing where it is not raised


def test_components_and_names():
    design = learn_design(PERIODS, VALUES, ["price", "flag"], np.ones(130, bool), seasonality=1, trend=True)
    assert design.components == ("trend", "season", "price", "flag")
    assert design.column_names == ("trend", "season_sin_1", "season_cos_1", "price", "flag")


def test_the_season_repeats_each_year_whatever_the_window():
    design = learn_design(PERIODS, np.empty((130, 0)), [], np.ones(130, bool), seasonality=3, trend=False)
    later = pd.Series(PERIODS + pd.Timedelta(days=1461))  # four years of 365.25 days
    none = np.empty((130, 0))
    np.testing.assert_allclose(design.matrix(later, none), design.matrix(PERIODS, none), atol=1e-9)


def test_a_control_that_never_moved_stays_finite():
    design = learn_design(PERIODS, np.full((130, 1), 7.0), ["flat"], np.ones(130, bool), seasonality=0, trend=False)
    assert (design.matrix(PERIODS, np.full((130, 1), 7.0)) == 0).all()


def test_a_control_cannot_take_a_built_in_name():
    with pytest.raises(SettingsError, match="'season' has the name of a built-in"):
        learn_design(PERIODS, VALUES, ["season", "flag"], np.ones(130, bool), seasonality=1, trend=True)
