"""Central intervals over draws."""

import numpy as np


def central_interval(draws: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper quantile over the first axis, so that `coverage` of the draws lie between them."""
    tail = (1 - coverage) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    return lower, upper


def thinned(count: int, most: int) -> np.ndarray:
    """Places of at most `most` of `count` draws, evenly spread over the chains."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)
