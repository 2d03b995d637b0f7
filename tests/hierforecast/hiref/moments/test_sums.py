"""Moments hold what rows hold, and add up."""

import numpy as np
import pytest

from hierforecast.hiref.moments import sums
from hierforecast.hiref.moments.sums import Moments, sum_moments


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


@pytest.mark.parametrize("block", [1, 4, 7, 8192])
@pytest.mark.parametrize("shuffled", [False, True])
def test_neither_the_rows_order_nor_the_size_of_blocks_matters(block, shuffled, monkeypatch):
    X, y, series = rows()
    expected = np.zeros((7, 6, 6))
    for side, code in zip(np.column_stack([np.ones(len(y)), X, y]), series, strict=True):
        expected[code] += np.outer(side, side)
    if shuffled:
        order = np.random.default_rng(2).permutation(len(y))
        X, y, series = X[order], y[order], series[order]
    monkeypatch.setattr(sums, "BLOCK_ROWS", block)
    found = sum_moments(X, y, series, 7).products
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))


def test_a_weight_of_two_is_the_row_twice_and_of_zero_no_row():
    X, y, series = rows()
    weights = np.random.default_rng(3).integers(0, 3, len(y))
    twice = np.repeat(np.arange(len(y)), weights)
    found = sum_moments(X, y, series, 6, weights=weights.astype(float))
    np.testing.assert_allclose(found.products, sum_moments(X[twice], y[twice], series[twice], 6).products, atol=1e-9)
    np.testing.assert_allclose(found.counts, np.bincount(series, weights, 6))


def test_packing_and_placing_lose_nothing():
    moments = sum_moments(*rows(), 6)
    np.testing.assert_array_equal(Moments.unpacked(moments.packed()).products, moments.products)
    placed = moments.placed(np.array([5, 0, 7, 2, 1, 3]), 8)
    np.testing.assert_array_equal(placed.products[[5, 0, 7, 2, 1, 3]], moments.products)
    assert placed.counts.sum() == moments.counts.sum()
