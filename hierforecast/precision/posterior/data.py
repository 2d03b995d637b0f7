"""What the density is given beside the flat vector: everything scaled, as arguments of the compiled program."""

from typing import NamedTuple

import numpy as np

from hierforecast.errors import SettingsError
from hierforecast.mix_model import MixModel
from hierforecast.precision.adstock import lagged
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.priors import PriorNumbers


class Residuals(NamedTuple):
    """How observed weeks follow each other."""

    observed: np.ndarray  # (weeks,) 1.0 where the week is in the likelihood, else 0.0
    previous: np.ndarray  # (weeks,) int, the observed week before; its own place where there is none
    gap: np.ndarray  # (weeks,) periods between the two; 1 where there is none
    follows: np.ndarray  # (weeks,) 1.0 where there is one


class Lifts(NamedTuple):
    """Lift tests, each over some (test, tactical) pairs."""

    without: np.ndarray  # (pairs, weeks) exposure without what was tested, or (pairs, memory, weeks) its lags
    tactical: np.ndarray  # (pairs,) int
    measured: np.ndarray  # (pairs, weeks) 1.0 in the weeks whose target was compared
    test: np.ndarray  # (pairs, tests) 1.0 where the pair belongs to the test
    mean: np.ndarray  # (tests,) target sd
    sd: np.ndarray  # (tests,) target sd


class Old(NamedTuple):
    """An old posterior as the prior of a refresh: normal, (flat - mean) @ root is standard."""

    mean: np.ndarray  # (size,)
    root: np.ndarray  # (size, size)

    @classmethod
    def of(cls, flat: np.ndarray, inflation: float) -> "Old":
        """The normal of (draws, size) draws whose sds are stretched by `inflation`; raises SettingsError below 1."""
        if not inflation >= 1:
            raise SettingsError(f"inflation stretches the old posterior's sds and must be at least 1, got {inflation}")
        covariance = np.cov(flat, rowvar=False) * inflation**2
        return cls(flat.mean(axis=0), np.linalg.inv(np.linalg.cholesky(covariance)).T)


class ModelData(NamedTuple):
    """Everything the density needs: a new week's data of equal shapes reuse one compilation."""

    target: np.ndarray  # (weeks,) sd units, centred; 0 where not observed
    residuals: Residuals
    told_on: np.ndarray  # (weeks,) 1.0 in the weeks that intercept and returns speak of: those observed in the first fit
    media: np.ndarray  # (tacticals, weeks) multiples of a typical on-air week, or (tacticals, memory, weeks) its lags
    spend: np.ndarray  # (tacticals,) of the weeks told on, currency per sd of the target; 1 where it is not needed
    controls: np.ndarray  # (weeks, controls) sd units
    parents: tuple[np.ndarray, ...]  # per level from the top: (nodes above, nodes) of 0 and 1; 1 node above the top
    unit: np.ndarray  # (tacticals,) int, which node with an effect each tactical belongs to
    channel: np.ndarray  # (tacticals,) int, its node on the top level
    centring: np.ndarray  # (units,) 0 non-centred .. 1 centred; a choice of coordinates, not of model
    priors: PriorNumbers
    lifts: Lifts | None
    old: Old | None

    @property
    def weeks(self) -> int:
        """Number of weeks."""
        return int(self.target.shape[0])

    @property
    def tacticals(self) -> int:
        """Number of tacticals."""
        return int(self.media.shape[0])

    @property
    def units(self) -> int:
        """Number of nodes with an effect each."""
        return int(self.centring.shape[0])


def parent_matrices(hierarchy: Hierarchy, down_to: str | None = None) -> tuple[np.ndarray, ...]:
    """Per level from the top down to one, the (nodes above, nodes) matrix of 0 and 1 that hands a node its parent's value."""
    matrices, above = [], 1
    for level in reversed(hierarchy.levels):
        parents = hierarchy.parents(level)
        matrices.append(np.eye(above)[:, parents])
        above = len(parents)
        if level == down_to:
            break
    return tuple(matrices)


def follow_each_other(observed: np.ndarray) -> Residuals:
    """Link every observed week to the one before it; `observed` is (weeks,) bool."""
    places = np.arange(len(observed))
    seen = np.where(observed, places, -1)
    before = np.concatenate([[-1], np.maximum.accumulate(seen)[:-1]])
    follows = observed & (before >= 0)
    previous = np.where(follows, before, places)
    gap = np.where(follows, places - previous, 1)
    return Residuals(observed.astype(float), previous.astype(np.int32), gap.astype(float), follows.astype(float))


def arrange_media(media: np.ndarray, model: MixModel) -> np.ndarray:
    """(tacticals, weeks) as the density takes it: as it is for exact memory, its lags for a window."""
    return media if model.memory is None else lagged(media, model.memory)
