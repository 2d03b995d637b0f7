"""Calibration is judged right: even ranks pass, bent ones do not, finished replications are found again."""

import json

import numpy as np
import pytest

from benchmarks.precision_companies import draw_parameters, mean_of, media_of, one_draw, residuals_of
from benchmarks.precision_sbc import (
    FORMS,
    KEPT,
    LEVEL,
    WEEKS,
    Replication,
    corrected,
    judge,
    kept,
    made_target,
    problem_of,
    quantities,
    split_rhat,
)


def replications(ranks):
    """Of (count, quantities) ranks."""
    return [
        Replication(number, {f"q[{place}]": int(rank) for place, rank in enumerate(row)}, 0, 1.0, 1.0)
        for number, row in enumerate(ranks)
    ]


def test_even_ranks_pass_about_as_often_as_promised():
    rng = np.random.default_rng(0)
    passed = [corrected(judge(replications(rng.integers(0, KEPT + 1, (200, 30))))) > LEVEL for _ in range(20)]
    assert np.mean(passed) >= 0.9


@pytest.mark.parametrize(
    "bend",
    [lambda share: share**2, lambda share: 0.5 + 0.6 * (share - 0.5), lambda share: np.sin(np.pi * share / 2) ** 2],
    ids=["biased", "too wide", "too narrow"],
)
def test_bent_ranks_do_not_pass(bend):
    share = np.random.default_rng(1).random((200, 30))
    share[:, 3] = bend(share[:, 3])
    table = judge(replications((share * (KEPT + 1)).astype(int)))
    assert corrected(table) < LEVEL
    assert table.loc[table["p"].idxmin(), "quantity"] == "q[3]"


@pytest.mark.parametrize(("count", "bins"), [(200, 20), (40, 10), (20, 5), (8, 2)])
def test_bins_are_as_fine_as_the_replications_allow(count, bins):
    all_in_one = judge(replications(np.zeros((count, 1), dtype=int)))
    assert all_in_one["chi_square"].item() == pytest.approx(count * (bins - 1))


def test_finished_replications_are_kept_and_those_of_another_model_are_not(tmp_path):
    path = tmp_path / "sbc.jsonl"
    assert kept(path, "a") == {}
    one = Replication(3, {"q": 5}, 0, 1.0, 2.0)
    whole = json.dumps({"of": "a", **one._asdict()}) + "\n"
    other = json.dumps({"of": "b", **one._replace(number=4)._asdict()}) + "\n"
    path.write_text(whole + other + whole[:20])
    assert kept(path, "a") == {3: one}


def test_chains_apart_have_a_large_r_hat():
    draws = np.random.default_rng(2).normal(size=(4, 200))
    assert split_rhat(draws) < 1.02
    assert split_rhat(draws + np.arange(4)[:, None]) > 1.5


@pytest.mark.parametrize("form", FORMS)
def test_every_parameter_of_a_form_is_ranked(form):
    problem = problem_of(form)
    drawn = draw_parameters(problem, draws=5, seed=3)
    target = made_target(one_draw(drawn, 2), problem, 4)
    told = quantities(drawn, problem, target)
    assert {len(values) for values in told.values()} == {5}
    assert all(np.isfinite(values).all() for values in told.values())
    names = {name.split("[")[0] for name in told}
    assert {"noise", "decay", "strength", "control", "log_likelihood", "media"} <= names
    assert ("correlation" in names) == (FORMS[form].residuals == "ar1")
    assert ("half" in names) == (FORMS[form].saturation != "none")


def test_one_draw_is_that_draw():
    problem = problem_of("full")
    drawn = draw_parameters(problem, draws=5, seed=3)
    np.testing.assert_allclose(mean_of(one_draw(drawn, 2), problem)[0], mean_of(drawn, problem)[2])


def test_media_are_centred_in_the_mean():
    problem = problem_of("default")
    drawn = draw_parameters(problem, draws=1, seed=3)
    controls = problem.training.design.matrix(problem.training.table.periods, problem.training.table.controls)
    left = mean_of(drawn, problem)[0] - media_of(drawn, problem)[0].sum(axis=0) - controls @ drawn.control[0]
    np.testing.assert_allclose(left, left[0])
    assert (mean_of(drawn, problem)[0] - controls @ drawn.control[0]).mean() == pytest.approx(drawn.intercept.item())


def test_returns_on_spend_are_what_media_bring():
    problem = problem_of("window")
    drawn = draw_parameters(problem, draws=3, seed=3)
    spent = problem.training.table.spend.sum(axis=1)
    np.testing.assert_allclose(media_of(drawn, problem).sum(axis=2) / spent, drawn.strength)


def test_correlated_residuals_have_their_variance():
    drawn = draw_parameters(problem_of("full"), draws=1, seed=3)
    steady = drawn._replace(correlation=np.array([[0.6]]), tails=None, noise=np.array([[2.0]]))
    many = np.stack([residuals_of(steady, WEEKS, seed=seed) for seed in range(400)])
    assert many.var() == pytest.approx(4 / (1 - 0.36), rel=0.1)
    assert np.corrcoef(many[:, 0], many[:, 1])[0, 1] == pytest.approx(0.6, abs=0.1)
    assert many[:, 0].var() == pytest.approx(many[:, -1].var(), rel=0.3)
