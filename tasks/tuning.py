"""Tuning as tasks: a study in SQLite that survives its process, trials in parallel, and what came of it.

A study lies in ``work/<company>/tuning-<fingerprint>/``, the fingerprint being that of data, settings and source, so that
the same command goes on with the same study. Workers ask it for a trial, judge that, and tell it the result.
"""

import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import yaml
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy import event

from hierforecast.errors import HierforecastError, SettingsError, StudyError
from hierforecast.hiref.tuning.judge import Judge
from hierforecast.hiref.tuning.knobs import Knob, list_knobs, stand, turn
from hierforecast.results import SELECTION, TRIALS
from hierforecast.schema import Company, SalesPanel
from hierforecast.whole_files import write_text
from tasks import environment, panels, stages
from tasks.fingerprint import fingerprint
from tasks.panels import PanelReference
from tasks.studies import Found, Study

FAMILY = "tuning"
SNIPPET = "settings.yaml"
STARTUP = 10  # trials at random before the sampler believes to know anything, and before any is cut short
ERRORS, SECONDS = "errors", "seconds"  # attributes in the study's storage
_DONE = (TrialState.COMPLETE, TrialState.PRUNED)
_ASKING = threading.Lock()  # SQLite locks no rows, so that two workers could be handed the same waiting trial


def require_workers(workers: int) -> None:
    """Stop before anything is done where nobody would judge a trial.

    Raises:
        SettingsError: there are fewer than one.
    """
    if workers < 1:
        raise SettingsError(f"workers: at least 1 is needed to judge trials, got {workers}; leave --workers out for 2")


@task(name="open-study", cache_policy=NO_CACHE)
def open_study(company: Company, panel: PanelReference, *, trials: int, origins: int, also: Sequence[str]) -> Study:
    """Open the study of these data and settings, or make it, and judge the given settings as its first standard.

    Trials that a killed process left unfinished are asked for again: the company's turn is ours, so nobody is at them.

    Raises:
        SettingsError: `also` names nothing that can be tuned.
        PanelError: the panel has too few periods for so many origins.
    """
    environment.prepare()
    _be_quiet()
    list_knobs(company.sales, company.training, also=also)
    key = fingerprint(company, panel, "hiref")
    folder = stages.folder(company.company, FAMILY, key)
    name = "-".join([company.company, key[:12], f"{origins}-origins", *sorted(also)])
    opened = Study(folder=str(folder), name=name, origins=origins, also=tuple(also), missing=0, given=[])
    study = _load(opened)
    given = study.user_attrs.get("given")
    judge = _judge(panel.path, company.sales.model_dump_json(), origins)
    if given is None:
        given = list(judge.errors(company.sales, company.training))
        study.set_user_attr("given", given)
        knobs = list_knobs(company.sales, company.training, also=also)
        study.enqueue_trial(stand(company.sales, company.training, knobs))
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    done = len(study.get_trials(states=_DONE))
    get_run_logger().info(
        "study %s: %d trials done, %d wanted; the given settings reach %.4f", name, done, trials, _mean(given)
    )
    return opened.model_copy(update={"missing": max(trials - done, 0), "given": given})


@task(name="run-trials", cache_policy=NO_CACHE)
def run_trials(company: Company, panel: PanelReference, study: Study, *, quota: int, deadline: float) -> int:
    """Ask for trials, judge and tell them until the quota is full or the deadline (seconds since 1970) has passed."""
    environment.prepare()
    _be_quiet()
    loaded = _load(study)
    judge = _judge(panel.path, company.sales.model_dump_json(), study.origins)
    distributions = {knob.name: _distribution(knob) for knob in list_knobs(company.sales, company.training, also=study.also)}
    done = 0
    while done < quota and time.time() < deadline:
        with _ASKING:
            trial = loaded.ask(distributions)
        _run_trial(loaded, trial, judge, company)
        done += 1
    return done


@task(name="conclude-study", cache_policy=NO_CACHE)
def conclude(company: Company, study: Study, *, seconds: float, ran: int) -> Found:
    """The best settings, every trial as a table of `results.TRIALS`, and the YAML to paste."""
    loaded = _load(study)
    trials = loaded.get_trials(states=_DONE)
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not complete:
        raise StudyError("no trial was finished in the time given; raise --minutes")
    best = min(complete, key=lambda trial: trial.value)
    sales, training = turn(company.sales, company.training, best.params)
    tuned = company.model_copy(update={"sales": sales, "training": training})
    folder = Path(study.folder)
    table = panels.write_parquet(_table(trials), folder / f"{TRIALS.name}.parquet")
    snippet = write_text(folder / SNIPPET, snippet_of(company, tuned))
    return Found(
        company=tuned,
        values=best.params,
        wape=float(best.value),
        given=_mean(study.given),
        trials=len(trials),
        pruned=len(trials) - len(complete),
        per_minute=60.0 * ran / max(seconds, 1e-9),
        table=str(table),
        snippet=str(snippet),
    )


@task(name="select-drivers", cache_policy=NO_CACHE)
def select_drivers(company: Company, panel: PanelReference, *, keep: Sequence[str]) -> tuple[Company, str]:
    """The company with the drivers that are worth having, and the path of the table of `results.SELECTION`.

    The last horizon, on which settings are compared in the end, is not looked at.
    """
    environment.prepare()
    from hierforecast import splits
    from hierforecast.hiref import HiReF

    settings = company.sales
    history = panels.history_and_plan(panel, settings).train
    before = splits.last_periods(history, settings.horizon, period=settings.period).train
    found = HiReF.from_panel_settings(settings, company.training).select_drivers(before, keep=keep)
    folder = stages.folder(company.company, FAMILY, fingerprint(company, panel, "hiref"))
    path = panels.write_parquet(found.report, folder / f"{SELECTION.name}.parquet")
    names = [driver.name for driver in found.drivers]
    get_run_logger().info("%d of %d drivers are worth having: %s", len(names), len(settings.drivers), ", ".join(names))
    sales = settings.model_copy(update={"drivers": list(found.drivers)})
    return company.model_copy(update={"sales": sales}), str(path)


def snippet_of(given: Company, tuned: Company) -> str:
    """What to change in a company's YAML: the fields that tuning moved, and no others."""
    changed: dict[str, Any] = {}
    for part in ("sales", "training"):
        before, after = (getattr(company, part).model_dump(mode="json") for company in (given, tuned))
        moved = {name: _short(value) for name, value in after.items() if value != before[name]}
        if moved:
            changed[part] = moved
    return yaml.safe_dump(changed, sort_keys=False) if changed else "# the given settings are the best that was found\n"


def _short(value: Any) -> Any:
    """Numbers with three digits: no study knows more."""
    if isinstance(value, dict):
        return {name: _short(inner) for name, inner in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _run_trial(study: optuna.Study, trial: optuna.Trial, judge: Judge, company: Company) -> None:
    """Judge a trial origin by origin, and stop as soon as it falls behind the median of the others."""
    began, errors = time.perf_counter(), []
    sales, training = turn(company.sales, company.training, trial.params)
    state = TrialState.COMPLETE
    try:
        for step, error in enumerate(judge.errors(sales, training)):
            errors.append(error)
            trial.report(_mean(errors), step)
            if trial.should_prune():
                state = TrialState.PRUNED
                break
    except HierforecastError as problem:  # settings that these data do not allow
        get_run_logger().warning("trial %d failed: %s", trial.number, problem)
        state = TrialState.FAIL
    trial.set_user_attr(ERRORS, errors)
    trial.set_user_attr(SECONDS, time.perf_counter() - began)
    study.tell(trial, _mean(errors) if state == TrialState.COMPLETE else None, state=state)


def _load(study: Study) -> optuna.Study:
    """The study in its storage, made on first use."""
    storage = optuna.storages.RDBStorage(study.storage, engine_kwargs={"connect_args": {"timeout": 60}})
    event.listen(storage.engine, "connect", _write_ahead)
    storage.engine.dispose()  # the connections that were opened before
    return optuna.create_study(
        storage=storage,
        study_name=study.name,
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
    )


def _write_ahead(connection: Any, record: Any) -> None:
    """A trial is a dozen commits; waiting for the disk at each takes longer than a fit. What is written survives a kill."""
    del record
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@lru_cache(maxsize=1)
def _judge(path: str, settings: str, origins: int) -> Judge:
    """One judge for all workers of this process, so that they share what it has read."""
    declared = SalesPanel.model_validate_json(settings)
    history = panels.history_and_plan(PanelReference(family="sales", path=path, digest="", rows=0), declared).train
    return Judge(history, declared, origins=origins)


def _distribution(knob: Knob) -> BaseDistribution:
    if knob.choices:
        return CategoricalDistribution(knob.choices)
    if knob.whole:
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)


def _table(trials: list[optuna.trial.FrozenTrial]) -> pd.DataFrame:
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "wape": _mean(trial.user_attrs[ERRORS]),
            "seconds": trial.user_attrs[SECONDS],
            # A choice such as 4 or "full" has no one type that a column could have.
            **{name: value if isinstance(value, float) else str(value) for name, value in trial.params.items()},
        }
        for trial in trials
    ]
    return pd.DataFrame(rows)


def _mean(errors: Sequence[float]) -> float:
    return float(sum(errors) / len(errors)) if errors else float("nan")


def _be_quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
