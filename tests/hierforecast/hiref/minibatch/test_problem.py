"""Every row is in one batch per epoch, and however rows are taken, the loss is the same."""

import pytest
import torch

from hierforecast.driver import Adstock, Driver
from hierforecast.hiref.minibatch import problem as problems
from hierforecast.hiref.minibatch.curves import CURVE
from hierforecast.hiref.minibatch.learning import read_exposures
from hierforecast.hiref.minibatch.problem import in_order, ranges
from hierforecast.hiref.minibatch.start import begin


@pytest.fixture(scope="module", params=["fixed curves", "learned curves"])
def made(request, gapped, new_material, rows_training):
    training = rows_training()
    drivers = [
        Driver("price", sign="-", transform="log", reference="regular", by=("brand", "pack")),
        Driver("tv", sign="+", adstock=Adstock(decay=0.4, learned=request.param == "learned curves"), reference="regular"),
    ]
    material = new_material(training, drivers=drivers)
    problem, state, start, _ = begin(material, training, None, None)
    if request.param == "learned curves":
        exposures = read_exposures(gapped, material, start.column_scales)
        problem, state = problem._replace(exposures=exposures), state | {CURVE: exposures.start}
    return problem, state


def test_an_epoch_holds_every_row_once(made):
    problem, _ = made
    batches = list(problem.shuffled(500, torch.Generator().manual_seed(3)))
    rows = torch.cat([batch.rows for batch in batches])
    assert len(batches) >= problems.LEAST_BATCHES - 1
    assert torch.equal(rows.sort().values, torch.arange(problem.rows))
    assert not torch.equal(rows, torch.arange(problem.rows))


def test_batches_in_order_and_shuffled_ones_add_up_to_the_same_loss(made, monkeypatch):
    problem, state = made
    whole = float(problem.lost(state, problem.table, next(in_order(problem.table))))
    monkeypatch.setattr(problems, "AT_ONCE", 777)  # cuts series in two
    in_pieces = sum(float(problem.lost(state, problem.table, batch)) for batch in in_order(problem.table))
    shuffled = problem.shuffled(500, torch.Generator().manual_seed(3))
    mixed = sum(float(problem.lost(state, problem.table, batch)) for batch in shuffled)
    assert in_pieces == pytest.approx(whole, rel=1e-10)
    assert mixed == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("made", ["learned curves"], indirect=True)
def test_columns_made_on_the_device_are_those_of_the_design(made):
    problem, state = made
    with_curves = problem.predict(state, problem.table, next(in_order(problem.table)))
    without = problem._replace(exposures=None).predict(state, problem.table, next(in_order(problem.table)))
    torch.testing.assert_close(with_curves, without, rtol=1e-8, atol=1e-8)


def test_ranges_follow_one_another():
    starts, ends = torch.tensor([5, 0, 2]), torch.tensor([7, 0, 5])
    assert ranges(starts, ends).tolist() == [5, 6, 2, 3, 4]
