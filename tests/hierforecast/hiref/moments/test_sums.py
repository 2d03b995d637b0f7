"""Moments hold what rows hold, and add up."""

import numpy as np

from hierforecast.hiref.moments.sums import sum_moments


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    series = np.repeat(np.arange(6), rng.integers(3, 20, 6))
    return rng.normal(2, 3, (len(series), 4)), rng.normal(5, 1, len(series)), series


def test_moments_of_shards_add_up_to_those_of_all_rows():
    X, y, series = rows()
    first = np.random.default_rng(1).random(len(y)) < 0.4
    added = sum_moments(X[first], y[first], series[first], 7) + sum_moments(X[~first], y[~first], series[~first], 7)
    whole = sum_moments(X, y, series, 7)
    np.testing.assert_allclose(added.products, whole.products, rtol=1e-8)
    assert whole.counts[6] == 0


def test_each_matrix_is_the_product_of_its_rows():
    X, y, series = rows()
    moments = sum_moments(X, y, series, 6)
    mine = np.column_stack([np.ones(len(y)), X, y])[series == 3]
    np.testing.assert_allclose(moments.products[3], mine.T @ mine)


def test_centred_products_are_those_about_each_series_mean():
    X, y, series = rows()
    about = np.column_stack([X, y])
    for code in range(6):
        about[series == code] -= about[series == code].mean(axis=0)
    np.testing.assert_allclose(sum_moments(X, y, series, 6).centred(), about.T @ about, atol=1e-8)


def test_scaling_moments_is_scaling_rows():
    X, y, series = rows()
    scales = np.array([1.0, 2.0, 3.0, 0.5])
    scaled = sum_moments(X / scales, y / 4, series, 6).products
    np.testing.assert_allclose(sum_moments(X, y, series, 6).scaled(scales, 4.0), scaled)


def test_no_rows_give_empty_moments():
    assert not sum_moments(np.zeros((0, 2)), np.zeros(0), np.zeros(0, dtype=int), 3).products.any()
