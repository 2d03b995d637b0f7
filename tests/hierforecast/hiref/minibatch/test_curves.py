"""Learnable curves are the transforms of `transforms/`, and their slopes are what differences say."""

import numpy as np
import pytest
import torch

from hierforecast.driver import Adstock, Driver, Saturation
from hierforecast.hiref.minibatch.curves import Curve, bend, carry, fact_of, learned_facts, raw_of, with_facts
from hierforecast.transforms import adstock, saturation


@pytest.fixture
def exposure() -> np.ndarray:
    """(periods, series), some of them zero."""
    rng = np.random.default_rng(1)
    return rng.gamma(2.0, 5.0, (41, 3)) * (rng.random((41, 3)) < 0.5)


def curve(driver: Driver) -> tuple[Curve, torch.Tensor]:
    names = learned_facts(driver)
    raw = [raw_of(name, 6.0 if name == "half" else declared(driver, name)) for name in names]
    place = {name: number for number, name in enumerate(names)}
    return Curve(driver, 6.0, place, 0, 0.0), torch.tensor(raw, dtype=torch.float64, requires_grad=True)


def declared(driver: Driver, name: str) -> float:
    return getattr(driver.adstock if name in ("decay", "shape", "scale") else driver.saturation, name)


def shaped(made: Curve, raw: torch.Tensor, exposure: np.ndarray) -> torch.Tensor:
    facts = {name: fact_of(name, raw[place]) for name, place in made.place.items()}
    return bend(carry(torch.as_tensor(exposure.T.copy()), made, facts), made, facts).T


CARRIED = [
    (Adstock(decay=0.6, learned=True), lambda x: adstock.geometric(x, 0.6)),
    (
        Adstock(kind="weibull", shape=1.7, scale=3.0, periods=9, learned=True),
        lambda x: adstock.weighted(x, adstock.weibull_weights(1.7, 3.0, 9)),
    ),
]
BENT = [
    (Saturation("hill", half=6.0, slope=1.4, learned=True), lambda x: saturation.hill(x, 6.0, 1.4)),
    (Saturation("log", half=6.0, learned=True), lambda x: saturation.logarithmic(x, 6.0)),
    (Saturation("power", exponent=0.4, learned=True), lambda x: saturation.power(x, 0.4)),
]


@pytest.mark.parametrize(("carried", "wanted"), CARRIED)
def test_carry_over_is_that_of_transforms(carried, wanted, exposure):
    made, raw = curve(Driver("tv", adstock=carried))
    np.testing.assert_allclose(shaped(made, raw, exposure).detach(), wanted(exposure), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("bent", "wanted"), BENT)
def test_saturation_is_that_of_transforms(bent, wanted, exposure):
    made, raw = curve(Driver("tv", saturation=bent))
    exposure = np.concatenate([exposure, [[-1.0, 0.0, 1e6]]])
    np.testing.assert_allclose(shaped(made, raw, exposure).detach(), wanted(exposure), rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("carried", [carried for carried, _ in CARRIED])
@pytest.mark.parametrize("bent", [bent for bent, _ in BENT])
def test_slopes_are_finite_and_those_of_differences(carried, bent, exposure):
    made, raw = curve(Driver("tv", adstock=carried, saturation=bent))
    assert torch.autograd.gradcheck(lambda values: shaped(made, values, exposure), (raw,), eps=1e-6, atol=1e-4)


def test_nothing_after_a_period_changes_it(exposure):
    for carried, _ in CARRIED:
        made, raw = curve(Driver("tv", adstock=carried))
        changed = exposure.copy()
        changed[20:] += 100.0
        before, after = (shaped(made, raw, x).detach() for x in (exposure, changed))
        np.testing.assert_array_equal(before[:20], after[:20])


@pytest.mark.parametrize(("name", "fact"), [("decay", 0.3), ("shape", 1.5), ("scale", 2.0), ("half", 80.0), ("slope", 1.0)])
def test_a_fact_comes_back_from_the_real_line_and_keeps_to_its_bounds(name, fact):
    assert float(fact_of(name, torch.tensor(raw_of(name, fact), dtype=torch.float64))) == pytest.approx(fact, rel=1e-9)
    carried = Adstock(kind="weibull") if name in ("shape", "scale") else Adstock()
    for wild in (-30.0, 30.0):
        with_facts(
            Driver("tv", adstock=carried, saturation=Saturation("hill")),
            {name: float(fact_of(name, torch.tensor(wild, dtype=torch.float64)))},
        )  # the settings take it
