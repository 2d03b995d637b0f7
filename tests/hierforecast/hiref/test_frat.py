"""The public benchmark, where its data lie beside the checkout."""

import pandas as pd
import pytest

from benchmarks.frat_scores import LEVELS, forecast_fold, wape_at


@pytest.mark.slow
def test_errors_of_fold_0(shared_data):
    path = shared_data / "frat" / "frat.parquet"
    if not path.is_file():
        pytest.skip("the frat benchmark is not beside this checkout")
    model, found = forecast_fold(pd.read_parquet(path), 0)
    assert wape_at(found, LEVELS["bottom"], "forecast") <= 0.28
    assert wape_at(found, LEVELS["total"], "mean") <= 0.07
    assert model.diagnostics()["wrong_sign_share"] == 0.0
    assert 0.7 < ((found["lower"] <= found["units"]) & (found["units"] <= found["upper"])).mean() < 0.9
