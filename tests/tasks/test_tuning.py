"""Studies: no trial twice, none lost, and what they find is what was told."""

import logging
import threading
import time

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from flows.tune_hiref import tune_hiref
from hierforecast import synthetic
from hierforecast.errors import SettingsError, StudyError
from hierforecast.settings import parse_company
from tasks import panels, tuning


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr("tasks.tuning.get_run_logger", lambda: logging.getLogger("hierforecast"))


@pytest.fixture
def company():
    sales = {
        "period": "week",
        "target": "units",
        "levels": ["region", "brand"],
        "horizon": 4,
        "drivers": [{"name": "price", "sign": "-", "transform": "log", "by": ["brand"]}],
    }
    return parse_company({"company": "few", "sales": sales, "training": {"seasonality": 1, "iterations": 30}})


@pytest.fixture
def panel(home):
    sales = synthetic.company(3, weeks=60, planned=0).sales
    sales = sales[(sales["pack"] == "single") & (sales["state"].isin(["Alder", "Dover"]))]
    return panels.store(sales[["region", "brand", "week", "units", "price"]].reset_index(drop=True), "few", "sales")


class Pretended:
    """A judge that needs no model: the less shrinkage of brands, the worse."""

    def errors(self, settings, training):
        for origin in range(2):
            time.sleep(0.002)
            brand = training.ridge["brand"] if isinstance(training.ridge, dict) else training.ridge
            yield 0.1 + origin / 100 + 1 / (10 + brand)


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr("tasks.tuning._judge", lambda *_: Pretended())


def open_study(company, panel, trials: int):
    return tuning.open_study.fn(company, panel, trials=trials, origins=2, also=())


def trials_of(study) -> list[optuna.trial.FrozenTrial]:
    return tuning._load(study).trials


def test_workers_together_run_as_many_trials_as_were_asked_for(company, panel, quiet, pretended):
    study = open_study(company, panel, 21)
    assert study.quotas(3) == [7, 7, 7]
    given = {"company": company, "panel": panel, "study": study, "deadline": time.time() + 600}
    workers = [threading.Thread(target=tuning.run_trials.fn, kwargs={**given, "quota": quota}) for quota in study.quotas(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done = trials_of(study)
    assert len(done) == 21
    assert {trial.state for trial in done} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert sum(trial.params == done[0].params for trial in done) == 1  # the given settings, asked for once
    found = tuning.conclude.fn(company, study, seconds=1.0, ran=21)
    assert found.trials == 21
    assert found.wape == min(trial.value for trial in done if trial.state == TrialState.COMPLETE)
    assert found.company.training.ridge["brand"] > 10
    assert len(pd.read_parquet(found.table)) == 21


def test_a_trial_behind_the_median_is_cut_short(company, panel, quiet, pretended):
    study = open_study(company, panel, 30)
    tuning.run_trials.fn(company, panel, study, quota=12, deadline=time.time() + 600)
    loaded = tuning._load(study)
    loaded.enqueue_trial({**loaded.best_params, "ridge.brand": 0.03})
    tuning.run_trials.fn(company, panel, study, quota=1, deadline=time.time() + 600)
    last = trials_of(study)[-1]
    assert last.state == TrialState.PRUNED
    assert len(last.user_attrs["errors"]) == 1


def test_a_trial_that_a_dead_process_left_is_asked_for_again(company, panel, quiet, pretended):
    study = open_study(company, panel, 6)
    tuning.run_trials.fn(company, panel, study, quota=3, deadline=time.time() + 600)
    loaded = tuning._load(study)
    left = loaded.ask({knob.name: tuning._distribution(knob) for knob in tuning.list_knobs(company.sales)})
    before = {trial.number: trial.value for trial in loaded.trials if trial.state in tuning._DONE}

    again = open_study(company, panel, 6)
    assert again.missing == 3
    tuning.run_trials.fn(company, panel, again, quota=again.missing, deadline=time.time() + 600)
    done = {trial.number: trial for trial in trials_of(again) if trial.state in tuning._DONE}
    assert len(done) == 6
    assert before.items() <= {number: trial.value for number, trial in done.items()}.items()
    assert left.params in [trial.params for trial in done.values()]


def test_the_deadline_ends_a_worker(company, panel, quiet, pretended):
    study = open_study(company, panel, 5)
    assert tuning.run_trials.fn(company, panel, study, quota=5, deadline=time.time() - 1) == 0
    with pytest.raises(StudyError, match="raise --minutes"):
        tuning.conclude.fn(company, study, seconds=1.0, ran=0)


@pytest.mark.parametrize("workers", [0, -1])
def test_a_search_that_nobody_would_do_is_refused_before_anything_is_done(workers, monkeypatch, root):
    monkeypatch.setattr("tasks.turns.one_at_a_time", lambda *_: pytest.fail("too late"))
    with pytest.raises(SettingsError, match=f"at least 1 is needed to judge trials, got {workers}"):
        tune_hiref.fn(settings=str(root / "deployments/demo.yaml"), workers=workers)


def test_a_real_trial_is_judged_by_fits(company, panel, quiet):
    study = open_study(company, panel, 2)
    assert len(study.given) == 2
    tuning.run_trials.fn(company, panel, study, quota=2, deadline=time.time() + 600)
    first = trials_of(study)[0]
    assert first.user_attrs["errors"] == pytest.approx(study.given, rel=0.02)  # the given settings again, from a nearer start


def test_drivers_are_chosen_without_the_last_horizon(company, panel, quiet, monkeypatch):
    seen = []
    from hierforecast.hiref import HiReF

    choose = HiReF.select_drivers
    monkeypatch.setattr(
        HiReF, "select_drivers", lambda model, frame, **named: seen.append(frame) or choose(model, frame, **named)
    )
    chosen, table = tuning.select_drivers.fn(company, panel, keep=("price",))
    last = panels.typed(panel, company.sales)["week"].max()
    assert seen[0]["week"].max() == last - pd.Timedelta(weeks=4)
    assert [driver.name for driver in chosen.sales.drivers] == ["price"]
    assert pd.read_parquet(table)["kept"].all()
