"""Lift tests: what an experiment measured enters the likelihood, so that it and the history speak with one voice.

    measured ~ N( sum over the node's tacticals and the measured weeks of  beta (f(a) - f(a without what was tested)),  sd )

What was tested is a share of the node's exposure in the tested weeks; its after-effects count in as many weeks as were
measured. Source: Zhang, Wurm, Wakim, Li & Liu 2023, Media Mix Model Calibration With Bayesian Priors, Google, for the idea
of letting experiments inform the posterior.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError, nearest
from hierforecast.mix_model import MixModel
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.posterior.data import Lifts, arrange_media
from hierforecast.precision.scaling import Scaling


@dataclass(frozen=True)
class LiftTest:
    """One experiment.

    Args:
        node: tactical, platform or channel that was tested; a name of any level of the tree.
        start: first tested period, as in the panel.
        end: last tested period.
        lift: target units that the tested exposure brought in all, against none of it.
        sd: its standard error, target units, > 0.
        share: of the node's exposure in those periods that was tested: 1 is a switch-off or a holdout scaled to all.
        measured_until: last period whose target was compared; None: the last tested one.
    """

    node: str
    start: str
    end: str
    lift: float
    sd: float
    share: float = 1.0
    measured_until: str | None = None

    def __post_init__(self) -> None:
        where = f"lift test of {self.node!r}"
        if not math.isfinite(self.lift) or not 0 < self.sd < math.inf:
            raise SettingsError(
                f"{where}: wanted a finite lift and a positive sd in target units, got {self.lift} and {self.sd}"
            )
        if not 0 < self.share <= 1:
            raise SettingsError(f"{where}: share is the tested part of the exposure, above 0 and at most 1; got {self.share}")
        try:
            start, end, until = (pd.Timestamp(date) for date in (self.start, self.end, self.measured_until or self.end))
        except (ValueError, TypeError):
            raise SettingsError(f"{where}: start, end and measured_until must be dates such as 2024-03-04") from None
        if not start <= end <= until:
            raise SettingsError(
                f"{where}: wanted start <= end <= measured_until, got {self.start}, {self.end}, {until:%Y-%m-%d}"
            )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def arrange_lifts(
    tests: Sequence[LiftTest], hierarchy: Hierarchy, table: MediaTable, scaling: Scaling, model: MixModel
) -> Lifts | None:
    """The tests as arrays for the density, one row per test and tactical; None where there are none.

    Raises:
        SettingsError: a node is unknown, no period of the panel lies in a test, or nothing was on air.
    """
    if not tests:
        return None
    media = scaling.media_in(table.media)
    without, tactical, measured, belongs = [], [], [], []
    for number, test in enumerate(tests):
        places = _tacticals_of(test, hierarchy)
        tested, compared = _weeks_of(test, table.periods)
        if not media[places][:, tested].any():
            raise SettingsError(f"lift test of {test.node!r}: no exposure from {test.start} to {test.end}, nothing was tested")
        for place in places:
            without.append(np.where(tested, (1.0 - test.share) * media[place], media[place]))
            tactical.append(place)
            measured.append(compared.astype(float))
            belongs.append(np.arange(len(tests)) == number)
    return Lifts(
        without=arrange_media(np.array(without), model),
        tactical=np.array(tactical, dtype=np.int32),
        measured=np.array(measured),
        test=np.array(belongs, dtype=float),
        mean=np.array([test.lift for test in tests]) / scaling.target_sd,
        sd=np.array([test.sd for test in tests]) / scaling.target_sd,
    )


def _tacticals_of(test: LiftTest, hierarchy: Hierarchy) -> list[int]:
    places = [place for place, path in enumerate(hierarchy.paths) if test.node in path]
    if not places:
        known = {node for path in hierarchy.paths for node in path}
        raise SettingsError(f"lift test names {test.node!r}, which is not in the media tree; {nearest(test.node, known)}")
    return places


def _weeks_of(test: LiftTest, periods: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Which weeks were tested and which compared, (weeks,) bool each."""
    tested = periods.between(pd.Timestamp(test.start), pd.Timestamp(test.end)).to_numpy()
    compared = periods.between(pd.Timestamp(test.start), pd.Timestamp(test.measured_until or test.end)).to_numpy()
    if not tested.any():
        raise SettingsError(
            f"lift test of {test.node!r}: no period of the panel from {test.start} to {test.end}; "
            f"the panel has {periods.iloc[0]:%Y-%m-%d} to {periods.iloc[-1]:%Y-%m-%d}"
        )
    return tested, compared
