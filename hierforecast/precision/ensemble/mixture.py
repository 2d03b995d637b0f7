"""Draws of a mixture of models: as many of each as it weighs, so that intervals are quantiles of the mixture itself."""

from collections.abc import Callable, Mapping

import numpy as np


def mixture_counts(weights: np.ndarray, draws: int) -> np.ndarray:
    """How many draws each model gives, (models,), by largest remainders; they sum to `draws`."""
    exact = weights / weights.sum() * draws
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: draws - counts.sum()]] += 1
    return counts


def mix(weights: Mapping[str, float], draws_of: Callable[[str], np.ndarray]) -> np.ndarray:
    """Mix models' draws.

    Args:
        weights: per model, >= 0.
        draws_of: a model's (draws, ...) array, equal shapes; asked for where the model gives any draw.

    Returns:
        (draws, ...) with as many draws as a model has, each model's evenly spread over its chains.
    """
    names = [name for name, weight in weights.items() if weight > 0]
    arrays = {name: draws_of(name) for name in names}
    counts = mixture_counts(np.array([weights[name] for name in names]), len(arrays[names[0]]))
    parts = [
        arrays[name][np.linspace(0, len(arrays[name]) - 1, count).round().astype(int)]
        for name, count in zip(names, counts, strict=True)
    ]
    return np.concatenate(parts)
