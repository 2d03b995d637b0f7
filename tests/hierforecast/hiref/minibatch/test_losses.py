"""A loss is least at what it says it forecasts, and never below zero."""

import numpy as np
import pytest
import torch

from hierforecast.hiref.minibatch.losses import Loss, make_loss, with_dispersion
from hierforecast.options import RowsEngine, Training


def made(name: str, **rows) -> Loss:
    return make_loss(Training(engine="rows", loss=name, rows=RowsEngine(**rows)), 0.5)


def best_constant(loss: Loss, target: torch.Tensor) -> float:
    """The constant prediction, in noise sds, with the least summed loss."""
    grid = torch.linspace(-8, 16, 24_001, dtype=torch.float64)
    total = torch.zeros_like(grid)
    for value in target:
        total += loss.rows(grid, value.expand_as(grid))
    return float(grid[total.argmin()])


@pytest.fixture
def skewed() -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(2).exponential(3.0, 201))


@pytest.mark.parametrize("name", ["poisson", "tweedie"])
def test_a_loss_on_units_is_least_at_the_mean(name, skewed):
    counts = torch.cat([skewed.round(), torch.zeros(20, dtype=torch.float64)])
    loss = made(name)
    assert float(loss.mean(torch.tensor(best_constant(loss, counts)))) == pytest.approx(float(counts.mean()), rel=1e-3)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_quantile_loss_is_least_at_the_quantile(share, skewed):
    found = best_constant(made("quantile", quantile=share), skewed)
    assert found == pytest.approx(float(torch.quantile(skewed, share)), abs=0.05)


def test_squared_is_least_at_the_mean_and_huber_between_mean_and_median(skewed):
    mean, median = float(skewed.mean()), float(skewed.median())
    assert best_constant(made("squared"), skewed) == pytest.approx(mean, abs=2e-3)
    assert median < best_constant(made("huber", huber=1.0), skewed) < mean
    assert best_constant(made("huber", huber=100.0), skewed) == pytest.approx(mean, abs=2e-3)


@pytest.mark.parametrize("name", ["squared", "poisson", "tweedie", "huber", "quantile"])
def test_losses_are_never_negative_and_zero_where_the_forecast_is_right(name):
    loss = made(name)
    target = torch.tensor([0.5, 1.0, 7.0], dtype=torch.float64)
    right = torch.log(target) / loss.scale if loss.on_units else target
    np.testing.assert_allclose(loss.rows(right, target), 0.0, atol=1e-12)
    for shift in (-2.0, 2.0):
        assert (loss.rows(right + shift, target) > 0).all()


@pytest.mark.parametrize("name", ["poisson", "tweedie"])
def test_zero_sales_have_a_finite_loss_and_slope(name):
    prediction = torch.tensor([0.0, 1.0], requires_grad=True)
    made(name).rows(prediction, torch.zeros(2)).sum().backward()
    assert torch.isfinite(prediction.grad).all()
    assert (prediction.grad > 0).all()  # less would be better


def test_a_mean_far_beyond_the_data_stays_finite():
    loss = made("poisson")._replace(ceiling=10.0)
    wild = torch.tensor([1e4], requires_grad=True)
    value = loss.rows(wild, torch.ones(1)).sum()
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(wild.grad).all()


def test_dispersion_is_one_for_poisson_counts_and_grows_with_their_spread():
    rng = np.random.default_rng(0)
    prediction = torch.full((20_000,), np.log(9.0) / 0.5, dtype=torch.float64)
    even = torch.ones(20_000, dtype=torch.float64)
    for spread, wanted in ((1.0, 1.0), (3.0, 3.0)):
        counts = torch.as_tensor(spread * rng.poisson(9.0 / spread, 20_000), dtype=torch.float64)
        found = with_dispersion(made("poisson"), prediction, counts, even)
        assert found.dispersion == pytest.approx(wanted, rel=0.05)
