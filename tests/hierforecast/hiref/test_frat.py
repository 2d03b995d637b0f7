"""The public benchmark, where its data lie beside the checkout."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.frat_forecast import forecast


@pytest.mark.slow
def test_bottom_level_error_of_fold_0(shared_data):
    path = shared_data / "frat" / "frat.parquet"
    if not path.is_file():
        pytest.skip("the frat benchmark is not beside this checkout")
    panel = pd.read_parquet(path)
    first = np.sort(panel["week"].unique())[-8]
    test = panel[panel["week"] >= first]
    _, answer = forecast(panel[panel["week"] < first], test.drop(columns="units"))
    error = (answer["forecast"] - test["units"]).abs().sum() / test["units"].sum()
    assert error <= 0.36
