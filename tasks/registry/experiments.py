"""Experiments: what was tried and measured without making a version. Backtests, and tuning studies with a run per trial."""

import math

import pandas as pd

from hierforecast.results import BACKTEST, TRIALS
from tasks.registry.connection import client
from tasks.registry.numbers import log_numbers
from tasks.registry.runs import open_run


def log_backtest(company: str, table: str, tags: dict[str, str]) -> str:
    """A run with the table of `results.BACKTEST`, the mean over origins of every number in it as a metric; its id."""
    frame = pd.read_parquet(table)
    means = frame.groupby(["model", "level"], sort=False)[["wape", "bias", "mae", "cpu_seconds"]].mean()
    metrics = {
        f"{measure}.{level}.{model}": float(value)
        for (model, level), row in means.iterrows()
        for measure, value in row.items()
        if math.isfinite(value)
    }
    with open_run(company, "backtest", {"company": company, "kind": "backtest", **tags}) as run_id:
        log_numbers(run_id, metrics=metrics)
        client().log_table(run_id, frame, f"tables/{BACKTEST.name}.json")
        client().log_artifact(run_id, table, "tables")
    return run_id


def log_study(
    company: str, name: str, table: str, snippet: str, *, known: dict[str, str], tags: dict[str, str]
) -> dict[str, str]:
    """A run for the study and, below it, one for every trial that has none yet.

    Args:
        company: whose experiment.
        name: of the study.
        table: of `results.TRIALS`.
        snippet: the best settings, as YAML.
        known: run ids that were made before, by trial number; the study's own under "study".
        tags: further tags of the study's run.

    Returns:
        `known`, completed.
    """
    frame = pd.read_parquet(table)
    ids = dict(known)
    if "study" not in ids:
        with open_run(company, f"tuning {name}", {"company": company, "kind": "tuning", **tags}) as run_id:
            ids["study"] = run_id
    knobs = [column for column in frame.columns if column not in TRIALS.columns]
    for trial in frame.to_dict("records"):
        number = str(trial["trial"])
        if number in ids:
            continue
        with open_run(company, f"trial {number}", {"company": company, "state": trial["state"]}, parent=ids["study"]) as run_id:
            measured = {"wape": trial["wape"], "seconds": trial["seconds"]}
            log_numbers(run_id, metrics=measured, params={knob: str(trial[knob]) for knob in knobs})
        ids[number] = run_id
    log_numbers(ids["study"], metrics={"best.wape": float(frame.loc[frame["state"] == "complete", "wape"].min())})
    client().log_artifact(ids["study"], table, "tables")
    client().log_artifact(ids["study"], snippet)
    return ids


def log_gain(run_id: str, given: float, tuned: float) -> None:
    """What tuning gained on the periods that no trial saw, bottom WAPE as shares."""
    log_numbers(run_id, metrics={"unseen.given": given, "unseen.tuned": tuned, "unseen.gain": given - tuned})
