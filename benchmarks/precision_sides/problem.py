"""The problem that every side is given, and the scalars that every side gives back, in the same meaning and units.

    kpi[t] = baseline + sum_i effect_i a_i[t] + sum_k control_k z_k[t] + noise e[t],   e ~ N(0, 1)
    a_i[t] = sum_l decay_i^l x_i[t-l] / sum_l decay_i^l,   l = 0 .. MEMORY - 1;   z_k is a control in sd around its mean

Beliefs are our defaults, said in each side's own scale. The media tree has no counterpart at a peer: it gets the marginal
of our prior, tactical by tactical.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

DATE, TARGET = "date", "kpi"
MEMORY = 13  # weeks that an exposure acts on, its own included

HALF_LIFE_MEDIAN, HALF_LIFE_SD = 0.9, 0.6  # weeks; sd of the logarithm
EFFECT_MEDIAN = 0.3  # sd of the target per typical week on air
EFFECT_SD = 0.96  # of its logarithm: 0.7 for all media, and three levels that differ by 0.35 (LogNormal, sd 0.3) each
CONTROL_SD = 1.0  # sd of the target per sd of the control
NOISE_MEDIAN, NOISE_SD = 0.5, 0.7  # sd of the target; sd of the logarithm
BASELINE_SD = 5.0  # sd of the target around its mean: media may explain more than the target's spread


class Problem(NamedTuple):
    """A table whose media columns are named channel__platform__tactical; every other column but two is a control."""

    table: pd.DataFrame
    media: tuple[str, ...]
    controls: tuple[str, ...]

    @property
    def target_mean(self) -> float:
        return float(self.table[TARGET].mean())

    @property
    def target_sd(self) -> float:
        return float(self.table[TARGET].std(ddof=0))

    @property
    def exposures(self) -> np.ndarray:
        """(weeks, tacticals)."""
        return self.table[list(self.media)].to_numpy(float)

    @property
    def typical(self) -> np.ndarray:
        """(tacticals,) mean exposure of the weeks on air."""
        exposures = self.exposures
        return exposures.sum(axis=0) / (exposures > 0).sum(axis=0)

    @property
    def scaled_controls(self) -> np.ndarray:
        """(weeks, controls) in sd around the mean."""
        raw = self.table[list(self.controls)].to_numpy(float)
        return (raw - raw.mean(axis=0)) / raw.std(axis=0)

    @property
    def tree(self) -> dict[str, dict[str, list[str]]]:
        """Channel, platform, tacticals, from the columns' names."""
        tree: dict[str, dict[str, list[str]]] = {}
        for name in self.media:
            channel, platform, _ = name.split("__")
            tree.setdefault(channel, {}).setdefault(f"{channel}_{platform}", []).append(name)
        return tree


class Scalars(NamedTuple):
    """What is compared; leading dims (chains, draws)."""

    decay: np.ndarray  # (..., tacticals) share per week
    effect: np.ndarray  # (..., tacticals) target units per unit of exposure, all its weeks together
    control: np.ndarray  # (..., controls) target units per sd of the control
    baseline: np.ndarray  # (...) target units per week without media, every control at its mean
    noise: np.ndarray  # (...) target units

    def stacked(self) -> np.ndarray:
        """(chains, draws, scalars): decays, effects, controls, baseline, noise."""
        ends = (self.baseline[..., None], self.noise[..., None])
        return np.concatenate([self.decay, self.effect, self.control, *ends], axis=-1)


def read_problem(path: Path) -> Problem:
    """Read a table; what its columns are is told by their names."""
    table = pd.read_csv(path, parse_dates=[DATE])
    media = tuple(name for name in table.columns if name.count("__") == 2)
    controls = tuple(name for name in table.columns if name not in (DATE, TARGET, *media))
    return Problem(table, media, controls)


def scalar_names(problem: Problem) -> tuple[str, ...]:
    """Names in the order of `Scalars.stacked`."""
    decays, effects = ([f"{what} {name}" for name in problem.media] for what in ("decay", "effect"))
    return (*decays, *effects, *(f"control {name}" for name in problem.controls), "baseline", "noise")


def decay_of(half_life: np.ndarray) -> np.ndarray:
    """``decay = 2^(-1 / half_life)``."""
    return np.exp(-math.log(2.0) / half_life)


def lag_weights(decay: np.ndarray, memory: int) -> np.ndarray:
    """(..., memory) shares of an exposure's effect in its own week and the weeks after."""
    powers = decay[..., None] ** np.arange(memory)
    return powers / powers.sum(axis=-1, keepdims=True)


def mean_carried(exposures: np.ndarray, decay: np.ndarray, memory: int) -> np.ndarray:
    """Mean over the weeks of the carried exposures, (..., tacticals), of (weeks, tacticals) and (..., tacticals) decays."""
    weeks = len(exposures)
    lagged = np.stack([exposures[: weeks - lag].sum(axis=0) for lag in range(memory)], axis=-1) / weeks
    return (lag_weights(decay, memory) * lagged).sum(axis=-1)
