"""The marketing mix benchmark compares what it says: ratios within one run, reports as asked for, panels of known truth."""

import json

import numpy as np
import pytest

from benchmarks.precision_data import CONTROL_EFFECTS, make_panel
from benchmarks.precision_figures import (
    Convergence,
    Run,
    largest_disagreement,
    measure_draws,
    ratio_to_best_peer,
    read_report,
    summary,
)
from benchmarks.precision_sides.problem import Scalars, lag_weights, mean_carried, read_problem, scalar_names
from benchmarks.precision_sides.reporting import Stopwatch, Task, write_report


def run(side, cache, seed, *, ess, cpu, imports=1.0, divergences=0):
    phases = {"import": imports, "compile": 2.0, "sampling": 3.0, "rest": 0.0}
    return Run(side, cache, seed, cpu, cpu, 700.0, phases, divergences, Convergence(ess, ess, 1.0))


RUNS = [
    run("ours", "warm", 1, ess=900, cpu=10),  # 90 / s
    run("pymc", "warm", 1, ess=300, cpu=10),  # 30 / s
    run("meridian", "warm", 1, ess=900, cpu=20),  # 45 / s, the best: ratio 2
    run("ours", "warm", 2, ess=800, cpu=10),
    run("pymc", "warm", 2, ess=200, cpu=10),  # ratio 4
    run("ours", "warm", 3, ess=300, cpu=10, divergences=2),
    run("pymc", "warm", 3, ess=300, cpu=10),  # ratio 1
    run("ours", "cold", 1, ess=900, cpu=20, imports=5.0),  # 45 / s, 60 without imports
    run("pymc", "cold", 1, ess=300, cpu=20),
]


def test_the_ratio_is_to_the_best_peer_of_the_same_seed_and_its_median():
    assert ratio_to_best_peer(RUNS, "warm") == pytest.approx(2.0)
    assert ratio_to_best_peer(RUNS, "cold") == pytest.approx(3.0)


def test_imports_can_be_left_out():
    assert ratio_to_best_peer(RUNS, "cold", with_import=False) == pytest.approx((900 / 15) / (300 / 19))


def test_without_peers_there_is_no_ratio():
    assert ratio_to_best_peer(RUNS[:1], "warm") is None


def test_the_summary_tells_our_side_alone():
    told = summary(RUNS)
    assert told["divergences"] == 2
    assert told["compile_cpu_s_warm"] == 2.0
    assert told["ratio_to_best_peer"] == 2.0
    assert told["min_ess"] == 300


@pytest.fixture
def task(tmp_path):
    return Task(table=tmp_path / "no.csv", out=tmp_path, seed=1, chains=2, warmup=5, draws=30, import_only=False)


def test_a_report_comes_back_as_it_was_written(task):
    watch = Stopwatch()
    watch.mark("import")
    draws = np.random.default_rng(0).normal(size=(2, 30, 4))
    write_report(task, draws, 3, watch, {"numpy": "2"})
    report = read_report(task.out, (2, 30, None))
    np.testing.assert_array_equal(report.draws, draws)
    assert (report.divergences, report.versions) == (3, {"numpy": "2"})
    assert report.phases["import"] > 0
    json.dumps(report.phases)


def test_a_report_of_other_draws_than_asked_for_is_refused(task):
    write_report(task, np.zeros((2, 30, 4)), 0, Stopwatch(), {})
    with pytest.raises(ValueError, match=r"draws need the shape \(2, 30, 31\), got \(2, 30, 4\)"):
        read_report(task.out, (2, 30, 31))
    write_report(task, np.full((2, 30, 4), np.nan), 0, Stopwatch(), {})
    with pytest.raises(ValueError, match="finite"):
        read_report(task.out, (2, 30, 4))


def test_seconds_belong_to_the_phase_that_ends():
    watch = Stopwatch()
    watch.mark("import")
    before = dict(watch.phases)
    watch.ends("sampling", lambda: sum(place**2 for place in range(200_000)))()
    assert watch.phases["sampling"] > 0
    assert watch.phases | {"sampling": 0.0} == before


def test_effective_draws_are_those_of_the_worst_scalar():
    rng = np.random.default_rng(1)
    good = rng.normal(size=(4, 500))
    sticky = np.repeat(rng.normal(size=(4, 50)), 10, axis=1)
    found = measure_draws(np.stack([good, sticky, good[:, ::-1]], axis=-1))
    assert found.min_ess < 500 < 1500 < found.median_ess
    assert measure_draws(np.stack([good], axis=-1)).max_rhat < 1.01 < found.max_rhat


def test_disagreement_is_told_in_our_sd():
    draws = np.random.default_rng(2).normal(size=(4, 500, 3))
    away = draws + np.array([0.0, 2.0, 0.0]) * draws.std(axis=(0, 1))
    assert largest_disagreement({"ours": draws, "pymc": away}) == pytest.approx({"pymc": 2.0})


@pytest.fixture(scope="module", params=[(156, 12), (104, 50)])
def made(request):
    return make_panel(*request.param, seed=3)


def test_made_target_is_baseline_media_controls_and_noise(made):
    panel, truth = made
    left = panel["kpi"] - truth.contributions.sum(axis=1) - truth.controls.sum(axis=1)
    assert left.mean() == pytest.approx(1_000_000, rel=0.01)
    assert left.std() == pytest.approx(truth.noise, rel=0.2)
    share = truth.contributions.sum() / (truth.contributions.sum() + 1_000_000 * len(panel))
    assert share == pytest.approx(0.2)


def test_made_contributions_are_carried_spend(made):
    panel, truth = made
    spend = panel.filter(like="__").to_numpy()
    for place in (0, 1, spend.shape[1] - 1):
        kernel = truth.decay[place] ** np.arange(13)
        carried = np.convolve(spend[:, place], kernel / kernel.sum())[: len(panel)]
        np.testing.assert_allclose(truth.contributions[:, place], truth.effect[place] * carried)


def test_half_of_the_made_tacticals_pause(made):
    panel, _ = made
    spend = panel.filter(like="__").to_numpy()
    assert (spend[:, ::2] > 0).all()
    on_air = (spend[:, 1::2] > 0).mean(axis=0)
    assert 0.1 < on_air.min() <= on_air.max() < 0.9


def test_made_panels_are_read_as_problems(made, tmp_path):
    panel, _ = made
    panel.to_csv(tmp_path / "made.csv", index=False)
    problem = read_problem(tmp_path / "made.csv")
    assert problem.controls == tuple(CONTROL_EFFECTS)
    assert [name for platforms in problem.tree.values() for names in platforms.values() for name in names] == list(
        problem.media
    )
    assert len(scalar_names(problem)) == 2 * len(problem.media) + 5 + 2


def test_made_panels_follow_their_seed():
    one, same, other = (make_panel(60, 4, seed=seed)[0] for seed in (0, 0, 1))
    assert one.equals(same)
    assert not one.equals(other)


def test_mean_carried_is_the_mean_of_carry_over():
    rng = np.random.default_rng(4)
    exposures, decay = rng.random((30, 2)), np.array([[0.2, 0.7], [0.5, 0.9]])
    weights = lag_weights(decay, 13)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0)
    for draw in range(2):
        for place in range(2):
            carried = np.convolve(exposures[:, place], weights[draw, place])[:30]
            assert mean_carried(exposures, decay, 13)[draw, place] == pytest.approx(carried.mean())


def test_scalars_are_stacked_in_the_order_of_their_names():
    decay, effect, control = np.full((4, 5, 2), 1.0), np.full((4, 5, 2), 2.0), np.full((4, 5, 3), 3.0)
    stacked = Scalars(decay, effect, control, np.full((4, 5), 4.0), np.full((4, 5), 5.0)).stacked()
    assert stacked.shape == (4, 5, 9)
    assert stacked[0, 0].tolist() == [1, 1, 2, 2, 3, 3, 3, 4, 5]
