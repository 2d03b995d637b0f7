"""Sales made of known components: what the model says made them, where the data lie beside the checkout."""

import pytest

from benchmarks.seed_scores import score_seed_sales


@pytest.mark.slow
def test_made_sales_are_taken_apart(shared_data):
    path = shared_data / "seed_sales" / "seed_sales.parquet"
    if not path.is_file():
        pytest.skip("seed_sales is not beside this checkout")
    found = score_seed_sales(path)
    assert found["test_mae"] <= 116
    assert found["baseline_share_error"] <= 0.05
    assert found["median_slope_error"] <= 0.15
    assert found["wrong_sign_share"] == 0.0 < found["wrong_sign_share_of_ols"]
    assert 0.75 < found["coverage_80"] < 0.85
