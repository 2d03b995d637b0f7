"""A correlated normal with scales 300 apart, which all tests of the sampler share: its program is compiled once."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def correlated_normal(tf):
    """Normal density with mean and precision as data, (chains,)."""

    def correlated_normal(flat, data):
        mean, precision = data
        centred = flat - mean
        return -0.5 * tf.reduce_sum(centred * tf.matmul(centred, precision), axis=-1)

    return correlated_normal


@pytest.fixture(scope="session")
def scales():
    return np.array([0.01, 1.0, 3.0])


@pytest.fixture(scope="session")
def normal_data(scales):
    """Mean and precision."""
    correlation = np.array([[1.0, 0.95, 0.0], [0.95, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return np.array([0.5, -1.0, 2.0]), np.linalg.inv(correlation * np.outer(scales, scales))
