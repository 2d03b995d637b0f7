"""In which coordinates the posterior looks round: a matrix L, flat = L q, learned from positions and gradients.

The density of q is nearest to a standard normal, in the sense of the Fisher divergence, where M = L L' solves

    M cov(gradients) M = cov(positions)

(Seyboldt, Carlson & Carpenter 2026, arXiv:2603.18845). For a normal posterior that is its covariance, exactly, from hardly
more draws than there are parameters and wherever they lie; the covariance of the draws alone needs many more.
"""

import numpy as np

SHRINKAGE = 1e-2  # added to both covariances in balanced units: a direction that few draws speak of keeps its own scale


def fisher_metric(positions: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Learn L from draws.

    Args:
        positions: (draws, size) in flat coordinates.
        gradients: (draws, size) of the log density there.

    Returns:
        (size, size) L with M = L L'; L is no triangle, but any root of M will do.
    """
    positions, gradients = positions - positions.mean(axis=0), gradients - gradients.mean(axis=0)
    balance = np.sqrt(_spread(positions) / _spread(gradients))
    moved, pulled = positions / balance, gradients * balance
    identity = SHRINKAGE * np.eye(positions.shape[1])
    root, inverse_root = _roots(pulled.T @ pulled / len(pulled) + identity)
    inner, _ = _roots(root @ (moved.T @ moved / len(moved) + identity) @ root)
    metric = inverse_root @ inner @ inverse_root
    return balance[:, None] * np.linalg.cholesky((metric + metric.T) / 2)


def _spread(values: np.ndarray) -> np.ndarray:
    """Standard deviations, (size,); 1e-12 where nothing moves, so that nothing is divided by 0."""
    return np.maximum(values.std(axis=0), 1e-12)


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric square root of a positive definite matrix, and its inverse."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.sqrt(np.maximum(values, 1e-300))
    return (vectors * values) @ vectors.T, (vectors / values) @ vectors.T
