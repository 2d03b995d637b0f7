"""The registry's steps as Prefect tasks: retried with backoff, because MLflow may be a server that is busy or restarting."""

import json
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

import hierforecast
from expectations.history.profile import Profile
from hierforecast.errors import HierforecastError
from hierforecast.gates import Decision
from hierforecast.schema import Company
from tasks import check_artifacts, environment, outages, stages
from tasks.evaluation import Score, as_metrics, horizon_courses
from tasks.media_tables import metrics_in
from tasks.panels import PanelReference
from tasks.registry import asking
from tasks.registry.records import Evidence, Version
from tasks.studies import Found, Study
from tasks.trained import Trained, courses_of, metrics_of


def _worth_retrying(failed: Task, run: TaskRun, state: State) -> bool:
    """An outside system may come back; a person's mistake, or a login that is not known, stays one."""
    del failed, run
    try:
        state.result(_sync=True)  # Prefect's own guess is a coroutine wherever this thread has a running loop
    except outages.OutageError as error:
        return error.passing
    except HierforecastError:
        return False
    except Exception:
        return True
    return False


# MLflow's own client has asked five times in some 15 seconds before a step fails, see `hierforecast.layout`; with these
# pauses it is asked for about a minute and a half.
_RETRIED: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [2, 5, 15],
    "retry_jitter_factor": 0.3,
    "retry_condition_fn": _worth_retrying,
    "cache_policy": NO_CACHE,  # the registry is asked anew each time, also when Prefect retries a run
}


@task(name="find-version", **_RETRIED)
@asking.of_the_registry()
def find_version(company: str, family: str, fingerprint: str) -> Version | None:
    """The version made of the same ingredients, if there is one."""
    environment.prepare()
    from tasks.registry import versions

    return versions.find(company, family, fingerprint)


@task(name="find-champion", **_RETRIED)
@asking.of_the_registry()
def find_champion(company: str, family: str) -> Version | None:
    """The champion with its settings, if there is one."""
    environment.prepare()
    from tasks.registry import versions

    return versions.champion(company, family)


@task(name="find-champion-profile", **_RETRIED)
@asking.of_the_registry()
def find_champion_profile(company: str, family: str) -> Profile | None:
    """What the panel looked like that the champion was trained on, if it says so."""
    environment.prepare()
    from tasks.registry import profiles

    return profiles.champion_profile(company, family)


@task(name="register-version", **_RETRIED)
@asking.of_the_registry()
def register_version(
    company: Company,
    panel: PanelReference,
    family: Any,
    fingerprint: str,
    trained: Trained,
    score: Score,
    *,
    tables: str,
    plots: str | None,
    checks: str,
    as_challenger: bool,
) -> Version:
    """Log the run and register its model; a version of the same fingerprint is found, not doubled.

    `as_challenger` gives it that alias; a refit of the champion's own settings challenges nobody.
    """
    environment.prepare()
    from tasks.registry import check_report, versions

    known = versions.find(company.company, family.FAMILY, fingerprint)
    if known:
        return known
    declared = family.panel_of(company)
    evidence = Evidence(
        model=trained.folder,
        tables=tables,
        checks=checks,
        plots=plots,
        metrics={**as_metrics(score), **metrics_of(trained.diagnostics), **metrics_in(tables)},
        courses={**horizon_courses(tables), **courses_of(trained.diagnostics)},
        diagnostics=trained.diagnostics,
        tags={
            "trained_from": trained.trained_from,
            "trained_to": trained.trained_to,
            "cutoff": score.cutoff[:10],
            "panel_digest": panel.digest,
            "package_version": hierforecast.__version__,
            "levels": json.dumps(declared.levels),
            "target": declared.target.name,
            "unit": declared.target.unit,
            "period": declared.period,
            "frequency": declared.frequency,
        },
    )
    rows, answer = family.example(company, panel, trained)
    version = versions.register(
        company, family.FAMILY, fingerprint, evidence, example=rows, answer=answer, as_challenger=as_challenger
    )
    link = check_report.report_link(version.run_id)
    check_artifacts.link_report(company.company, panel.family, link, run=version.run_id)
    return version


@task(name="promote", **_RETRIED)
@asking.of_the_registry()
def promote(version: Version, decision: str, expected_champion: str | None) -> Version | None:
    """Carry out a decision (as its JSON): write it on the version and, if nothing speaks against it, move `champion`.

    None, and nothing moved, where the champion is not the one that the version was judged against any more.
    """
    environment.prepare()
    from tasks.registry import promotion

    try:
        return promotion.carry_out(version, Decision.from_json(decision), expected_champion=expected_champion)
    except promotion.ChampionMovedError:
        return None


# Who is meant is found in a step of its own: asked again after a lost answer, the next step finds it done, not the next one.
@task(name="find-waiting", **_RETRIED)
@asking.of_the_registry()
def find_waiting(company: str, family: str, number: str | None) -> Version:
    """The version that waits for a person's word."""
    environment.prepare()
    from tasks.registry import approval

    return approval.waiting(company, family, number)


@task(name="approve", **_RETRIED)
@asking.of_the_registry()
def approve(version: Version, *, by: str | None, reason: str, anyway: bool) -> str:
    """Promote a version that waits for a person's word, and say which."""
    environment.prepare()
    from tasks.registry import approval

    approval.approve(version, by=by, because=reason, anyway=anyway)
    return f"{version.name}: version {version.version} is approved and champion now"


@task(name="refuse", **_RETRIED)
@asking.of_the_registry()
def refuse(version: Version, *, by: str | None, reason: str) -> str:
    """Keep a version that waits out for good, and say which."""
    environment.prepare()
    from tasks.registry import approval

    approval.refuse(version, by=by, because=reason)
    return f"{version.name}: version {version.version} is refused, the champion stays"


@task(name="find-rollback", **_RETRIED)
@asking.of_the_registry()
def find_rollback(company: str, family: str, to: str | None) -> tuple[Version, Version]:
    """The champion, and the version that shall take its place."""
    environment.prepare()
    from tasks.registry import promotion

    return promotion.find_rollback(company, family, to=to)


@task(name="roll-back", **_RETRIED)
@asking.of_the_registry()
def roll_back(now: Version, then: Version, *, by: str | None, reason: str) -> str:
    """Put an earlier champion back, and say which."""
    environment.prepare()
    from tasks.registry import promotion

    promotion.roll_back(now, then, by=by, because=reason)
    return f"{then.name}: version {then.version} is champion again, in place of version {now.version}"


@task(name="log-backtest", **_RETRIED)
@asking.of_the_registry()
def log_backtest(company: str, panel: PanelReference, table: str, checks: str) -> str:
    """Keep a backtest's table and the folder of its checks as a run beside the company's trainings; returns the run's id."""
    environment.prepare()
    from tasks.registry import check_report, experiments

    run_id = experiments.log_backtest(company, table, {"panel_digest": panel.digest})
    check_report.log_report(run_id, checks)
    return run_id


@task(name="log-study", **_RETRIED)
@asking.of_the_registry()
def log_study(
    company: str, panel: PanelReference, study: Study, found: Found, *, given: Score, tuned: Score, checks: str
) -> str:
    """Keep a tuning study as a run with one below it for every trial, its checks and what it gained; returns the run's id."""
    environment.prepare()
    from tasks.registry import check_report, experiments

    kept = Path(study.folder) / "runs.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    tags = {"panel_digest": panel.digest, "origins": str(study.origins)}
    ids = experiments.log_study(company, study.name, found.table, found.snippet, known=known, tags=tags)
    stages.write_text(kept, json.dumps(ids))
    experiments.log_gain(ids["study"], given.wape, tuned.wape)
    check_report.log_report(ids["study"], checks)
    return ids["study"]
