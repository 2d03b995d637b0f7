"""What a plan is judged by, and its derivative."""

import numpy as np
import pytest

from hierforecast.precision.budget.aims import Aim

DRAWS = np.random.default_rng(0).gamma(5.0, 2.0, 400)


@pytest.mark.parametrize("aim", [Aim(), Aim(aversion=1.5), Aim(quantile=0.1), Aim(quantile=0.7)])
def test_weights_are_the_derivative(aim):
    number, weight = aim.judge(DRAWS)
    direction = np.random.default_rng(1).normal(size=len(DRAWS))
    step = 1e-7  # so small that no two draws change places
    assert (aim.judge(DRAWS + step * direction)[0] - number) / step == pytest.approx(weight @ direction, abs=1e-5)
    assert weight.sum() == pytest.approx(1)  # one unit more under every draw is one unit more


def test_numbers_are_what_they_are_called():
    assert Aim().judge(DRAWS)[0] == pytest.approx(DRAWS.mean())
    assert Aim(aversion=2.0).judge(DRAWS)[0] == pytest.approx(DRAWS.mean() - 2 * DRAWS.std())
    assert Aim(quantile=0.1).judge(DRAWS)[0] == pytest.approx(np.quantile(DRAWS, 0.1), rel=0.03)
