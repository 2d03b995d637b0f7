"""A market that ten drivers move and that has forty more columns to be misled by."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.driver import Driver
from hierforecast.hiref.material import Material, from_panel
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

LEVELS = ["state", "brand", "pack"]


class Candidates(NamedTuple):
    panel: pd.DataFrame
    settings: SalesPanel
    true: set[str]


def make_candidates(*, seed: int, weeks: int = 130, true: int = 10, noise: int = 40, shock: float = 0.05) -> Candidates:
    """log units = base + season + drifting level + weekly shock + sum of true effects + noise.

    The columns without effect are white, drifting, seasonal, copies of a true one with noise, or national.
    """
    rng = np.random.default_rng(seed)
    nodes = [[f"S{i}" for i in range(4)], [f"B{i}" for i in range(6)], ["small", "large"]]
    keys = pd.MultiIndex.from_product(nodes, names=LEVELS).to_frame(index=False)
    count, brand = len(keys), pd.factorize(keys["brand"])[0]
    shape = (count, weeks)
    season = np.cos(2 * np.pi * np.arange(weeks) / 52.18)

    def persistent(share: float, rows: int) -> np.ndarray:
        values = rng.normal(size=(rows, weeks))
        for week in range(1, weeks):
            values[:, week] = share * values[:, week - 1] + np.sqrt(1 - share**2) * values[:, week]
        return values

    def cause(number: int) -> np.ndarray:
        kinds = [lambda: rng.normal(size=shape), lambda: persistent(0.7, count), lambda: 1.0 * (rng.random(shape) < 0.2)]
        values = kinds[number % 3]()
        return values / values.std()

    causes = {f"true_{number}": cause(number) for number in range(true)}

    def distraction(number: int) -> np.ndarray:
        copied = causes[f"true_{number % true}"]
        kinds = [
            lambda: rng.normal(size=shape),
            lambda: persistent(0.95, count),
            lambda: season * rng.normal(1, 0.2, (count, 1)) + 0.3 * rng.normal(size=shape),
            lambda: 0.8 * copied + 0.6 * rng.normal(size=shape),
            lambda: np.repeat(persistent(0.8, 1), count, axis=0),
        ]
        return kinds[number % 5]()

    noises = {f"noise_{number}": distraction(number) for number in range(noise)}
    log_units = 4 + rng.normal(0, 0.5, count)[:, None] + 0.2 * season + shock * rng.normal(size=(1, weeks))
    log_units = log_units + rng.normal(0, 0.02, shape).cumsum(axis=1)
    for number, values in enumerate(causes.values()):
        # The first one works differently for every brand, around no effect at all in one of them.
        varies = np.linspace(0, 2, 6)[brand][:, None] if number == 0 else 1.0
        log_units = log_units + (0.15 - 0.01 * number) * (-1) ** number * varies * values
    columns = {"units": np.exp(log_units + rng.normal(0, 0.3, shape)), **causes, **noises}
    panel = keys.loc[keys.index.repeat(weeks)].reset_index(drop=True)
    panel["week"] = np.tile(pd.date_range("2022-01-03", periods=weeks, freq="W-MON").to_numpy(), count)
    panel = pd.concat([panel, pd.DataFrame({name: values.ravel() for name, values in columns.items()})], axis=1)
    names = rng.permutation([*causes, *noises])
    drivers = [Driver(str(name)) for name in names]
    settings = SalesPanel(levels=LEVELS, drivers=drivers, target=Target(name="units"), horizon=13)
    return Candidates(panel, settings, set(causes))


@pytest.fixture(scope="session")
def candidates() -> Candidates:
    return make_candidates(seed=1)


@pytest.fixture(scope="session")
def material(candidates) -> Material:
    return from_panel(candidates.panel, candidates.settings, Training(seasonality=2))


@pytest.fixture(scope="session")
def new_candidates():
    """A function that makes candidates from a seed."""
    return make_candidates
