"""What a refresh changed is told in the old posterior's own sds."""

import numpy as np
import pytest

from hierforecast import results
from hierforecast.precision.refreshing import compare_posteriors
from tests.support.made_posterior import HIERARCHY, posterior


@pytest.fixture(scope="module")
def compared():
    old = posterior("hill", controls=1)
    moved = old._replace(beta=old.beta + 2.0 * old.beta.std(axis=0), tails=np.full(40, 8.0))
    return old, compare_posteriors(old, moved, HIERARCHY, ("price",), interval=0.9)


def test_a_moved_effect_shows_its_shift_and_everything_else_none(compared):
    table = compared[1].set_index(["quantity", "node"])
    np.testing.assert_allclose(table.loc["effect", "shift"], 2.0, rtol=1e-9)
    np.testing.assert_allclose(table.drop(index="effect", level=0)["shift"], 0.0, atol=1e-9)


def test_every_scalar_that_the_old_form_has_is_told_once(compared):
    old, table = compared
    assert tuple(table.columns) == results.REFRESH.columns
    counts = table.groupby("quantity").size().to_dict()
    assert counts == {
        "effect": 3,
        "decay": 3,
        "control": 1,
        "baseline": 1,
        "noise": 1,
        "half_saturation": 3,
        "hill_slope": 3,
        "correlation": 1,
    }  # the old one had Normal noise, so there are no tails to compare
    np.testing.assert_allclose(table.set_index("quantity").loc["effect", "old"], old.beta.mean(axis=0))
