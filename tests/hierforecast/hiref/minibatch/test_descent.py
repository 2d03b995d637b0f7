"""A descent is the same twice, stops early, keeps its best, and goes on after a kill as if there had been none."""

import numpy as np
import pytest
import torch

from hierforecast.hiref.minibatch.checkpoint import Checkpoint
from hierforecast.hiref.minibatch.descent import LEAST_RATE, descend, learning_rate
from hierforecast.hiref.minibatch.problem import mean_loss
from hierforecast.hiref.minibatch.start import begin, held_out_from
from hierforecast.hiref.minibatch.training import cast, split_off


class Killed(BaseException):
    """Stands in for a signal."""


class Fragile(Checkpoint):
    """A checkpoint after whose third epoch the training is killed."""

    def write(self, tensors, facts):
        super().write(tensors, facts)
        if facts["epoch"] == 3:
            raise Killed


@pytest.fixture(scope="module")
def began(new_material, rows_training):
    """A problem in float32, its held-out rows, and a start."""
    training = rows_training()
    problem, state, _, _ = begin(new_material(training), training, None, None)
    cpu = torch.device("cpu")
    problem, held = split_off(problem.cast(cpu, torch.float32), held_out_from(problem.table, 8))
    return problem, held, cast(state, cpu, torch.float32)


def equal(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(began, rows_training):
    problem, held, state = began
    options = rows_training().rows
    first, second, third = (descend(problem, state, options, epochs=4, held=held, seed=seed) for seed in (7, 7, 8))
    assert equal(first.state, second.state)
    assert first.curve == second.curve
    assert not equal(first.state, third.state)


def test_a_killed_descent_ends_as_if_it_had_not_been(began, rows_training, tmp_path):
    problem, held, state = began
    options = rows_training(patience=100).rows
    whole = descend(problem, state, options, epochs=6, held=held, seed=7)
    with pytest.raises(Killed):
        descend(problem, state, options, epochs=6, held=held, checkpoint=Fragile(tmp_path, "one"), seed=7)
    resumed = descend(problem, state, options, epochs=6, held=held, checkpoint=Checkpoint(tmp_path, "one"), seed=7)
    assert equal(whole.state, resumed.state)
    assert whole.curve == resumed.curve
    again = descend(problem, state, options, epochs=6, held=held, checkpoint=Checkpoint(tmp_path, "one"), seed=7)
    assert equal(whole.state, again.state)  # a finished one is read, not run


def test_the_best_weights_are_kept_and_patience_ends_it(began, rows_training):
    problem, held, state = began
    wild = rows_training(learning_rate=0.5, patience=3).rows
    found = descend(problem, state, wild, epochs=40, held=held, seed=7)
    losses = [entry["held_out_loss"] for entry in found.curve]
    assert found.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == found.best_epoch + 3
    assert mean_loss(problem, found.state, held) == pytest.approx(min(losses))


def test_training_lowers_the_loss_on_weeks_it_has_not_seen(began, rows_training):
    problem, held, state = began
    generator = torch.Generator().manual_seed(1)
    state = {name: tensor + 0.5 * torch.randn(tensor.shape, generator=generator) for name, tensor in state.items()}
    found = descend(problem, state, rows_training().rows, epochs=20, held=held, seed=7)
    assert mean_loss(problem, found.state, held) < 0.95 * mean_loss(problem, state, held)


def test_without_held_out_rows_all_epochs_are_run(began, rows_training):
    problem, _, state = began
    found = descend(problem, state, rows_training(patience=1).rows, epochs=3, seed=7)
    assert found.best_epoch == len(found.curve) == 3
    assert [entry["held_out_loss"] for entry in found.curve] == [None] * 3


def test_the_learning_rate_falls_from_what_was_declared_to_a_hundredth():
    rates = [learning_rate(0.1, share) for share in np.linspace(0, 1, 11)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.1 * LEAST_RATE)
    assert (np.diff(rates) < 0).all()
