"""The rough bend of the loss is the true one where the model is linear and the forecast right."""

import pytest

from hierforecast.hiref.minibatch.curvature import bends
from hierforecast.hiref.minibatch.problem import in_order, predict_all
from hierforecast.hiref.minibatch.start import begin


@pytest.mark.parametrize("loss", ["squared", "poisson", "tweedie"])
@pytest.mark.parametrize("size", [2, "full"])
def test_bends_are_second_slopes_where_the_forecast_is_right(new_material, rows_training, loss, size):
    training = rows_training(loss).model_copy(update={"embedding_size": size})
    problem, state, _ = begin(new_material(training), training, None, None)
    right = predict_all(problem, state, problem.table)
    right = problem.loss.mean(right) if problem.loss.on_units else right
    problem = problem._replace(table=problem.table._replace(target=right))
    found = bends(problem, state)
    assert {name: bend.shape for name, bend in found.items()} == {name: tensor.shape for name, tensor in state.items()}
    assert all((bend > 0).all() for bend in found.values())

    def objective(name, place, step):
        moved = state[name].clone()
        moved.view(-1)[place] += step
        there = state | {name: moved}
        lost = sum(problem.lost(there, problem.table, batch) for batch in in_order(problem.table))
        return float(lost + problem.held_back(there))

    for name in ("bias", "theta", "intercepts", "table.0"):
        place, step = (1 if name != "bias" else 0), 1e-3
        ends = objective(name, place, step) + objective(name, place, -step) - 2 * objective(name, place, 0.0)
        assert float(found[name].reshape(-1)[place]) == pytest.approx(ends / step**2, rel=0.02)
