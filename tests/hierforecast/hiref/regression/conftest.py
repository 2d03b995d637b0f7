"""A small hierarchy with sums of made rows, for every test of the regression."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.moments.sums import Moments, sum_moments
from hierforecast.hiref.regression.effects import Columns

LEVELS = ("state", "brand")


class Made(NamedTuple):
    """Rows and what they were made from.

    Args:
        moments: of all rows.
        hierarchy: 3 states by 4 brands.
        columns: f and g.
        slopes: (series, columns) true effects.
        X: (rows, columns).
        y: (rows,).
        series: (rows,).
    """

    moments: Moments
    hierarchy: Hierarchy
    columns: Columns
    slopes: np.ndarray
    X: np.ndarray
    y: np.ndarray
    series: np.ndarray


@pytest.fixture
def make():
    """Makes rows: `f` differs between brands, and by `spread` between series; `g` is -0.3 everywhere."""

    def made(signs=(1.0, -1.0), by=(("brand",), ()), *, rows=200, spread=0.0, noise=0.5, groups=(), seed=0) -> Made:
        rng = np.random.default_rng(seed)
        keys = pd.DataFrame([(s, b) for s in "XYZ" for b in "abcd"], columns=list(LEVELS))
        hierarchy = Hierarchy.from_panel(keys, LEVELS)
        series = np.repeat(np.arange(12), rows)
        X = rng.normal(size=(len(series), 2))
        slopes = np.column_stack([np.linspace(0.5, 2.0, 4)[hierarchy.membership("brand")], np.full(12, -0.3)])
        slopes[:, 0] += spread * rng.normal(size=12)
        y = 3 + np.arange(12)[series] / 10 + (X * slopes[series]).sum(axis=1) + rng.normal(0, noise, len(series))
        columns = Columns(("f", "g"), np.array(signs), by, groups)
        return Made(sum_moments(X, y, series, 12), hierarchy, columns, slopes, X, y, series)

    return made
