"""Lift tests: what an experiment measured enters the likelihood, so that it and the history speak with one voice.

    measured ~ N( sum over the node's tacticals and the measured weeks of  beta (f(a) - f(a without what was tested)),  sd )

What was tested is a share of the node's exposure in the tested weeks; its after-effects count in as many weeks as were
measured. Source: Zhang, Wurm, Wakim, Li & Liu 2023, Media Mix Model Calibration With Bayesian Priors, Google, for the idea
of letting experiments inform the posterior.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError, nearest
from hierforecast.mix_model import LiftTest, MixModel
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.media_table import MediaTable
from hierforecast.precision.posterior.data import Lifts, arrange_media
from hierforecast.precision.scaling import Scaling

__all__ = ["LiftTest", "arrange_lifts"]


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
