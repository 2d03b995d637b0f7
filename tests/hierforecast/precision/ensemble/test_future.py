from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from hierforecast.errors import PanelError, SettingsError
from hierforecast.precision.ensemble.future import leave_future_out

CARRIED, NOISE, PRIOR_SD = 0.4, 2.0, 10.0


class Known(NamedTuple):
    """y_t ~ N(level + 0.4 y_{t-1}, 2^2), level ~ N(0, 10^2): every posterior and prediction is normal and known."""

    y: np.ndarray
    steps: np.ndarray  # y_t - 0.4 y_{t-1} ~ N(level, 2^2)

    def posterior(self, week):
        precision = PRIOR_SD**-2 + week / NOISE**2
        return self.steps[:week].sum() / NOISE**2 / precision, precision**-0.5

    def factors(self, week, draws=4000, seed=0):
        """log p(y_t | y_<t, level) under draws of a fit to the weeks before `week`."""
        level = np.random.default_rng(seed + week).normal(*self.posterior(week), size=draws)
        return norm.logpdf(self.steps, level[:, None], NOISE)

    def exact(self, start):
        means, sds = np.transpose([self.posterior(week) for week in range(start, len(self.y))])
        return norm.logpdf(self.steps[start:], means, np.hypot(sds, NOISE))


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(2)
    y, before = np.empty(90), 0.0
    for week in range(90):
        y[week] = before = 3.0 + CARRIED * before + rng.normal(0, NOISE)
    return Known(y, y - CARRIED * np.concatenate([[0.0], y[:-1]]))


def test_predictions_are_exact_where_they_are_trusted(known):
    scores = leave_future_out(known.factors(90), start=10)
    trusted = scores.weeks >= scores.trusted_from
    np.testing.assert_allclose(scores.pointwise[trusted], known.exact(scores.trusted_from), atol=0.1)
    np.testing.assert_allclose(scores.pointwise[-30:], known.exact(60), atol=0.03)
    assert scores.elpd == pytest.approx(scores.pointwise.sum())
    assert scores.refits == ()


def test_trust_ends_where_too_much_future_is_dropped(known):
    """The ratio of two normals has a tail of shape 1 - variance(full) / variance(before) ~ 1 - week / weeks."""
    scores = leave_future_out(known.factors(90, draws=10_000), start=10)
    assert 10 < scores.trusted_from <= 45
    assert scores.pareto_k[scores.trusted_from - 10 - 1] > 0.7
    assert (scores.pareto_k[scores.trusted_from - 10 :] <= 0.7).all()
    assert scores.pareto_k[-1] < 0.25 < scores.pareto_k[40] < 0.7


def test_refits_make_every_week_trusted_and_exact(known):
    asked = []

    def refit(week):
        asked.append(week)
        factors = known.factors(week)
        factors[:, week + 1 :] = np.nan  # what a fit says of later weeks is never looked at
        return factors

    scores = leave_future_out(known.factors(90), start=10, refit=refit)
    assert tuple(asked) == scores.refits and 1 <= len(asked) <= 20
    assert sorted(asked, reverse=True) == asked
    assert scores.trusted_from == 10
    np.testing.assert_allclose(scores.pointwise, known.exact(10), atol=0.12)
    assert scores.elpd == pytest.approx(known.exact(10).sum(), abs=0.5)
    lone = leave_future_out(known.factors(90), start=10)
    assert np.abs(scores.pointwise - known.exact(10)).max() < np.abs(lone.pointwise - known.exact(10)).max()
    assert max(asked) == lone.trusted_from - 1


def test_a_shift_that_the_past_did_not_know_is_not_trusted(known):
    y = known.y + np.where(np.arange(90) >= 80, 40.0, 0.0)
    shifted = Known(y, y - CARRIED * np.concatenate([[0.0], y[:-1]]))
    lone = leave_future_out(shifted.factors(90), start=70)
    assert lone.trusted_from > 80
    scores = leave_future_out(shifted.factors(90), start=70, refit=shifted.factors)
    np.testing.assert_allclose(scores.pointwise, shifted.exact(70), rtol=0.03, atol=0.3)


def test_where_the_last_week_is_not_trusted_none_is():
    factors = -3 * np.random.default_rng(0).exponential(size=(1000, 4))
    assert leave_future_out(factors, start=1).trusted_from == 4
    constant = np.full((1000, 4), -800.0)
    scores = leave_future_out(factors, start=0, refit={3: constant}.get)
    assert scores.refits == (3,)
    np.testing.assert_allclose(scores.pointwise, -800.0)
    assert np.isfinite(scores.pareto_k[3]) and scores.pareto_k[3] > 0.7


def test_the_last_week_is_leave_one_out(known):
    from hierforecast.precision.psis import psis_loo

    factors = known.factors(90)
    scores, loo = leave_future_out(factors, start=89), psis_loo(factors)
    assert scores.pointwise[0] == pytest.approx(loo.pointwise[-1], abs=1e-12)
    assert scores.pareto_k[0] == pytest.approx(loo.pareto_k[-1], abs=1e-12)


def test_densities_far_from_0_change_nothing_but_the_level(known):
    factors = known.factors(90)
    plain, low = leave_future_out(factors, start=50), leave_future_out(factors - 800, start=50)
    np.testing.assert_allclose(low.pointwise, plain.pointwise - 800, atol=1e-7)


@pytest.mark.parametrize("start", [-1, 90])
def test_a_start_outside_the_weeks_is_refused(known, start):
    with pytest.raises(SettingsError, match=f"start is {start}, wanted the position of a week, 0 to 89"):
        leave_future_out(known.factors(90), start=start)


def test_what_is_not_a_number_is_refused(known):
    factors = known.factors(90)
    factors[3, 4] = np.nan
    with pytest.raises(PanelError, match="factors is nan at draw 3, week 4"):
        leave_future_out(factors, start=10)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda known, week: known.factors(week)[:, :week], "gave factors of .* weeks, wanted week"),
        (lambda known, week: known.factors(week) * np.nan, "is nan at draw 0, week 0"),
        (lambda known, week: known.factors(week)[0], "has the shape"),
    ],
)
def test_a_refit_of_another_kind_is_refused(known, reply, message):
    with pytest.raises(PanelError, match=rf"refit\(\d+\) {message}"):
        leave_future_out(known.factors(90), start=10, refit=lambda week: reply(known, week))
