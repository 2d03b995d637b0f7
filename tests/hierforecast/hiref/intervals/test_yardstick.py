"""What makes sums uncertain is found again: noise that cancels out, moves that do not, growth with the horizon."""

import numpy as np
import pytest

from hierforecast.hiref.intervals.yardstick import Sums, freedom_of, measure_rows, measure_sums

HORIZON, ORIGINS = 8, 40


def draw_sums(*, alone, together, growth=0.0, optimism=1.0, nodes=60, seed=0):
    """Errors of nodes of very different sizes whose forecasts were made from several origins, the last two held out."""
    rng = np.random.default_rng(seed)
    forecast = np.exp(rng.uniform(2, 9, nodes))
    own = forecast * np.exp(rng.normal(size=nodes))
    parts = []
    for origin in range(ORIGINS):
        for held in (False, True) if origin >= ORIGINS - 2 else (False,):
            for horizon in range(1, HORIZON + 1):
                sd = np.sqrt((alone * own + together * forecast**2) * (1 + growth * (horizon - 1)))
                error = rng.normal(0, sd) * (1 if held else optimism)
                same = np.ones(nodes, dtype=int)
                parts.append(Sums(error, forecast, own, same * origin * HORIZON, same * horizon, same * held > 0))
    return Sums(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def test_the_parts_of_the_variance_are_found():
    found = measure_sums(draw_sums(alone=1.5, together=0.01), 0.0)
    assert found.alone == pytest.approx(1.5, rel=0.2)
    assert found.together == pytest.approx(0.01, rel=0.1)
    assert found.growth < 0.02
    assert found.inflation == pytest.approx(1.0, abs=0.1)


def test_growth_of_a_random_walk_is_found():
    rng = np.random.default_rng(0)
    horizon = np.tile(np.arange(1, HORIZON + 1), 4000)
    origin = np.repeat(np.arange(4000), HORIZON)
    errors = rng.normal(0, np.sqrt(1 + 0.4 * (horizon - 1)))
    found = measure_rows(errors, np.ones(len(errors)), origin, horizon, np.ones(len(errors), dtype=bool))
    assert found.growth == pytest.approx(0.4, rel=0.1)
    assert found.grown(np.array([-3.0, 1.0, 6.0])) == pytest.approx([1.0, 1.0, 3.0], rel=0.1)


def test_errors_within_training_are_enlarged_to_honest_ones():
    found = measure_sums(draw_sums(alone=1.0, together=0.01, optimism=0.5), 0.0)
    assert found.inflation == pytest.approx(2.0, rel=0.15)
    fresh = draw_sums(alone=1.0, together=0.01, seed=1)
    scale = np.sqrt(found.variance(fresh.own, fresh.forecast, fresh.horizon))
    lower, upper = found.quantiles.ends(np.log(fresh.forecast), 0.8)
    hit = (fresh.error >= lower * scale) & (fresh.error <= upper * scale)
    assert hit.mean() == pytest.approx(0.8, abs=0.05)


def test_freedom_counts_what_is_independent():
    rng = np.random.default_rng(0)
    origin, horizon = np.repeat(np.arange(10), 500), np.tile(np.arange(1, 501), 10)
    assert freedom_of(rng.normal(size=5000), origin, horizon) > 1000
    assert freedom_of(rng.normal(size=10)[origin] + 0.01 * rng.normal(size=5000), origin, horizon) == pytest.approx(
        10, rel=0.05
    )


def test_two_origins_that_were_off_together_widen_the_interval():
    rng = np.random.default_rng(4)
    origin, horizon = np.repeat([0, 100], 400), np.tile(np.repeat(np.arange(1, 9), 50), 2)
    held = np.ones(800, dtype=bool)
    errors = np.array([0.8, -1.2])[origin // 100] + 0.1 * rng.normal(size=800)
    found = measure_rows(errors, np.ones(800), origin, horizon, held)
    assert found.quantiles.freedom < 3
    assert found.quantiles.ends(np.zeros(1), 0.95)[1][0] > 1.5 * np.quantile(errors, 0.975)


def test_a_level_without_errors_has_an_interval_all_the_same():
    nothing = Sums(*(np.empty(0),) * 3, np.empty(0, dtype=int), np.empty(0, dtype=int), np.empty(0, dtype=bool))
    found = measure_sums(nothing, 0.1)
    assert np.isfinite(found.variance(np.ones(1), np.ones(1), np.ones(1))).all()
    assert found.growth == pytest.approx(0.1)
