import numpy as np
import pytest
from scipy.stats import norm

from hierforecast.errors import PanelError
from hierforecast.precision.accuracy import accuracy_table, crps, interval_score, mape, r_squared, rolling_accuracy
from hierforecast.precision.origins import rolling_origins

RNG = np.random.default_rng(4)
ACTUAL = np.array([10.0, 0.0, 30.0, np.nan, 20.0])


def integrated_crps(actual, draws):
    """The integral of (F(z) - 1[z >= y])^2, F the draws' step function: exact, for it is constant between its steps."""
    steps = np.sort(np.append(draws, actual))
    middles = (steps[1:] + steps[:-1]) / 2
    below = (draws[:, None] <= middles).mean(axis=0)
    return ((below - (middles >= actual)) ** 2 * np.diff(steps)).sum()


@pytest.mark.parametrize("actual", [-30.0, -0.4, 0.0, 1.7, 50.0])
def test_crps_is_the_integral_over_both_distribution_functions(actual):
    draws = RNG.gamma(2, 1, size=61) - 1
    draws[5] = draws[6]  # ties
    assert crps(np.array([actual]), draws[:, None])[0] == pytest.approx(integrated_crps(actual, draws), rel=1e-10)


def test_crps_of_a_normal_is_the_known_one():
    actual = np.array([-2.0, 0.0, 0.7])
    z = actual / 1.5
    wanted = 1.5 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))  # Gneiting & Raftery 2007, eq. 20
    draws = 1.5 * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    np.testing.assert_allclose(crps(actual, np.tile(draws[:, None], 3)), wanted, rtol=1e-3)


def test_crps_of_a_point_is_the_absolute_error_and_a_large_level_costs_no_digits():
    actual = np.array([1.0, 5.0])
    np.testing.assert_allclose(crps(actual, np.full((10, 2), 3.0)), [2, 2])
    draws = RNG.normal(size=(100, 2))
    np.testing.assert_allclose(crps(actual + 2.0**40, draws + 2.0**40), crps(actual, draws), rtol=1e-3)


def test_intervals_of_the_true_normal_cover_as_they_say():
    actual, draws = RNG.normal(7, 2, size=3000), RNG.normal(7, 2, size=(400, 3000))
    table = accuracy_table(actual, draws).iloc[0]
    narrow = accuracy_table(actual, (draws - 7) / 2 + 7).iloc[0]
    for level in (50, 80, 90, 95):
        assert table[f"coverage_{level}"] == pytest.approx(level / 100, abs=0.025)
        assert narrow[f"coverage_{level}"] < level / 100 - 0.1
        assert table[f"interval_score_{level}"] < narrow[f"interval_score_{level}"]
    assert table["crps"] < narrow["crps"]
    assert table["crps"] == pytest.approx(2 / np.sqrt(np.pi), rel=0.05)


def test_the_interval_score_is_lowest_at_the_true_quantiles():
    actual = RNG.normal(size=20_000)
    half_widths = np.linspace(0.8, 2.6, 19)
    ones = np.ones(20_000)
    scores = [interval_score(actual, -half * ones, half * ones, level=0.9).mean() for half in half_widths]
    assert half_widths[np.argmin(scores)] == pytest.approx(norm.ppf(0.95), abs=0.1)
    assert interval_score(np.array([5.0]), np.array([0.0]), np.array([4.0]), level=0.8)[0] == pytest.approx(4 + 10 * 1)


def test_scores_of_a_small_table_by_hand():
    draws = np.array([[12.0, 3.0, 27.0, 5.0, 20.0], [12.0, 3.0, 27.0, 9.0, 20.0]])  # no spread where the target is known
    table = accuracy_table(ACTUAL, draws, levels=[0.975]).iloc[0]
    assert table["weeks"] == 4
    assert table["mape"] == pytest.approx((0.2 + 0.1 + 0) / 3)
    assert table["wape"] == table["relative_crps"] == pytest.approx(8 / 60)
    assert table["mae"] == table["crps"] == 2
    assert table["rmse"] == pytest.approx(np.sqrt(22 / 4))
    assert table["bias"] == pytest.approx(2 / 60)
    assert table["r2"] == pytest.approx(1 - 22 / 500)
    assert table["coverage_97.5"] == 0.25
    assert table["interval_score_97.5"] == pytest.approx(80 * 2)


def test_what_has_no_value_is_not_a_number():
    nothing = np.zeros(3)
    assert np.isnan(mape(nothing, nothing + 1))
    assert np.isnan(r_squared(nothing + 4, nothing))
    assert r_squared(np.arange(3.0), np.ones(3)) == 0
    assert np.isnan(
        accuracy_table(nothing, np.ones((5, 3))).loc[0, ["mape", "wape", "relative_crps", "r2"]].astype(float)
    ).all()


def test_rolling_accuracy_refits_on_what_is_observed_and_scores_what_is_held_out():
    actual = np.arange(40.0)
    seen = []

    def last_known(observed):
        seen.append(observed)
        return np.full((7, 40), actual[observed][-1]) + np.linspace(-1, 1, 7)[:, None]

    masks = rolling_origins(40, horizon=5, origins=3, min_observed=20)
    table = rolling_accuracy(last_known, actual, masks, levels=[0.8])
    assert [mask.sum() for mask in seen] == [35, 30, 25]
    assert table["origin"].tolist() == [34, 29, 24, "all"]
    assert table["weeks"].tolist() == [5, 5, 5, 15]
    np.testing.assert_allclose(table["mae"], 3)  # 1, 2, 3, 4, 5 weeks behind
    wanted = 15 * 3 / actual[25:].sum()
    assert table["wape"].iloc[-1] == pytest.approx(wanted)  # over all cells, not a mean of shares
    assert table["r2"].iloc[-1] > table["r2"].iloc[:-1].max()
    alone = accuracy_table(actual[35:], last_known(masks[0].observed)[:, 35:], levels=[0.8])
    np.testing.assert_allclose(table.drop(columns="origin").iloc[[0]].to_numpy(float), alone.to_numpy(float))


@pytest.mark.parametrize(
    ("actual", "draws", "levels", "message"),
    [
        (np.ones(3), np.ones((5, 4)), [0.8], r"got \(5, 4\) beside \(3,\)"),
        (np.ones(3), np.ones((0, 3)), [0.8], "draws must be"),
        (np.full(3, np.nan), np.ones((5, 3)), [0.8], "known in none of 3 weeks"),
        (np.ones(3), np.full((5, 3), np.inf), [0.8], "15 of the predictive draws are not finite"),
        (np.ones(3), np.ones((5, 3)), [90], "a level is a share between 0 and 1, got 90"),
    ],
)
def test_what_cannot_be_scored_is_refused(actual, draws, levels, message):
    with pytest.raises(PanelError, match=message):
        accuracy_table(actual, draws, levels=levels)


def test_a_fit_that_draws_other_weeks_is_refused():
    masks = rolling_origins(40, horizon=5, origins=1, min_observed=20)
    with pytest.raises(PanelError, match=r"wanted \(draws, 40\), got \(7, 5\)"):
        rolling_accuracy(lambda _: np.ones((7, 5)), np.arange(40.0), masks)
    with pytest.raises(PanelError, match="at least 1 origin"):
        rolling_accuracy(lambda _: np.ones((7, 40)), np.arange(40.0), [])
