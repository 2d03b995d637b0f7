"""The real runs read what they declare, build attempts on one another, and draw what they found."""

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.precision_companies import make_problem
from benchmarks.precision_pictures import draw_all
from benchmarks.precision_real import DATA, SETTINGS, SHOWN, Attempt, channel_table, read_attempts, run
from benchmarks.precision_real_panels import PANELS
from hierforecast.mix_model import MixModel
from hierforecast.options import Sampling
from hierforecast.precision import Precision
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.posterior.prior import prior_draws
from hierforecast.precision.sampling import Draws
from hierforecast.schema import MediaPanel

DECLARED = yaml.safe_load(SETTINGS.read_text())


def test_every_data_set_is_declared():
    assert set(DECLARED) == set(PANELS)
    for one in DECLARED.values():
        attempts = list(read_attempts(one))
        assert attempts[0].name == "defaults"
        assert attempts[0].media.model == MixModel()
        assert len({attempt.name for attempt in attempts}) == len(attempts)
        assert all(attempt.why for attempt in attempts)


def test_attempts_change_the_one_before():
    media = {"target": "y", "levels": ["t"], "tree": ["a", "b"], "metrics": {"i": {}}, "controls": ["price"]}
    changes = [{"media": {"controls": []}}, {"sampling": {"seed": 3}}, {"media": {"trend": False}}]
    declared = {"media": media, "attempts": [{"name": str(n), "why": "-", **change} for n, change in enumerate(changes)]}
    attempts = list(read_attempts(declared))
    assert [attempt.media.controls for attempt in attempts] == [[], [], []]
    assert [attempt.media.trend for attempt in attempts] == [True, True, False]
    assert [attempt.sampling.seed for attempt in attempts] == [7, 3, 3]


@pytest.mark.parametrize("name", PANELS)
def test_panels_have_what_is_declared(name):
    if not DATA.is_dir():
        pytest.skip(f"the marketing mix data are not at {DATA}")
    panel = PANELS[name](DATA)
    for attempt in read_attempts(DECLARED[name]):
        Precision.from_panel_settings(attempt.media)._train(panel, None)
    media = panel[attempt.media.tacticals]
    assert (media.sum() > 0).all()
    spend = panel[attempt.media.spend_columns()]
    assert (spend.to_numpy() >= 0).all()
    assert (spend.sum() > 0).sum() >= 4


@pytest.fixture
def made_panel():
    problem = make_problem(build_hierarchy(["one", "two"], ["tactical"]), 90, model=MixModel(), seed=2)
    table = problem.training.table
    target = 100 + np.random.default_rng(1).normal(size=90) + 5 * table.media.sum(axis=0) / 1000
    columns = {"week": table.periods, "sales": target, "price": table.controls[:, 0]}
    for name, exposure in zip(("one", "two"), table.media, strict=True):
        columns |= {name: exposure, f"{name}_spend": exposure}
    return pd.DataFrame(columns)


@pytest.fixture
def unsampled(monkeypatch):
    """Draws of the prior for those of the posterior."""

    def draw(form, data, spread, *, sampling, progress=None, checkpoint=None):
        chains, draws = sampling.chains, sampling.draws
        flat = prior_draws(data, form, draws=chains * draws, seed=sampling.seed).reshape(chains, draws, len(spread))
        told = np.random.default_rng(0).normal(size=(chains, draws))
        return Draws(flat, told, told > 9, np.exp(-np.abs(told)), (told > 0) + 1, told, np.full(chains, 0.2), 0.3, 99)

    monkeypatch.setattr("hierforecast.precision.model.density_of", lambda form: form)
    monkeypatch.setattr("hierforecast.precision.model.sample", draw)


def test_an_attempt_is_measured_and_drawn(unsampled, made_panel, tmp_path):
    media = MediaPanel(
        target="sales",
        horizon=13,
        levels=["tactical"],
        tree=["one", "two"],
        metrics={"i": {"column": "{tactical}"}},
        spend="{tactical}_spend",
        controls=["price"],
    )
    outcome = run(Attempt("defaults", "-", media, Sampling(chains=2, warmup=50, draws=60)), made_panel)
    assert set(outcome.row) == set(SHOWN)
    assert outcome.row["gate"] == "refused"
    assert any("E-BFMI is 0.20" in reason for reason in outcome.reasons)
    assert any(reason.startswith("without the last 13: ") for reason in outcome.reasons)
    assert outcome.row["baseline"] + outcome.row["media"] == pytest.approx(1, abs=0.2)  # controls are about their means
    year_before = np.abs(made_panel["sales"].to_numpy()[77:] - made_panel["sales"].to_numpy()[25:38]).sum()
    assert outcome.row["naive_wape"] == pytest.approx(year_before / made_panel["sales"].to_numpy()[77:].sum())
    assert outcome.held_out["period"].tolist() == made_panel["week"].tolist()[77:]
    assert list(channel_table(outcome.model, 2.0).index) == ["one", "two"]
    draw_all(outcome.model, outcome.held_out, made_panel, tmp_path / "new", value=2.0)
    pictures = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert pictures == ["contributions.png", "decay.png", "fit.png", "pareto_k.png", "roi.png", "totals.png"]
