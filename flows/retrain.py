"""The order in which either family is trained, judged and shelved.

Challenger and champion are both fitted up to the same cutoff and compared on the weeks after it, so nobody is judged on
weeks it has seen. What is registered is the refit on all weeks, so forecasts start today.
"""

from prefect import get_run_logger

from flows.champion import NOT_ITS_FAULT, as_rival, on_todays_data, same_settings
from flows.order import Family, Outcome, score_after_cutoff
from flows.standing import how_to_approve, standing
from hierforecast.errors import HierforecastError, RegistryError
from hierforecast.gates import DataFindings, Decision, Rival
from hierforecast.schema import Company
from tasks import illustration, reports, shelving
from tasks.checks import CheckedPanel
from tasks.evaluation import Score
from tasks.fingerprint import fingerprint
from tasks.registry.records import Version
from tasks.trained import Trained


def retrain(family: Family, company: Company, checked: CheckedPanel) -> Outcome:
    """Retrain a family; if its champion's settings win, those are refitted, so that its forecasts start today too."""
    champion = shelving.find_champion(company.company, family.FAMILY)
    outcome = _challenge(family, company, checked, champion, as_challenger=True)
    if outcome.version.decision == "kept" and champion and champion.settings:
        refit = _refresh(family, company, checked, champion)
        if refit and (refit.made or refit.version.decision == "waiting"):
            summary = f"{outcome.summary}; the champion's settings on today's data are version {refit.version.version}, "
            return outcome.model_copy(update={"summary": summary + refit.summary})
    return outcome


def _challenge(
    family: Family, company: Company, checked: CheckedPanel, champion: Version | None, *, as_challenger: bool
) -> Outcome:
    """Train, judge and shelve one version; on unchanged data and settings, find the one that is already there."""
    panel = checked.panel
    key = fingerprint(company, panel, family.FAMILY)
    known = shelving.find_version(company.company, family.FAMILY, key)
    if known and (summary := standing(family.FAMILY, company, known, champion)):
        get_run_logger().info("%s %s", family.FAMILY, summary)
        return Outcome(family=family.FAMILY, version=known, made=False, summary=summary)
    # A version that was kept out, or was never judged because its run died, is judged again: gates may have moved.
    score = score_after_cutoff(family, company, panel)
    rival = as_rival(family, company, panel, champion, score)
    trained = family.fit(company, panel, key, until_cutoff=False)
    tables = family.tabulate(company, panel, key, trained, score)
    version = known or _shelve(family, company, checked, key, trained, score, tables, as_challenger=as_challenger)
    decided, decision = _judge(family, company, checked, version, trained, score, champion, rival)
    get_run_logger().info("%s version %s %s", family.FAMILY, decided.version, decision.summary)
    reports.tell_decision(company.company, family.FAMILY, decided, decision)
    reports.tell_scores(company.company, family.FAMILY, score.scores)
    summary = decision.summary + (f"; {how_to_approve(decided)}" if decision.verdict == "waiting" else "")
    return Outcome(family=family.FAMILY, version=decided, made=known is None, summary=summary)


def _judge(
    family: Family,
    company: Company,
    checked: CheckedPanel,
    version: Version,
    trained: Trained,
    score: Score,
    champion: Version | None,
    rival: Rival,
) -> tuple[Version, Decision]:
    """Decide and carry it out; where somebody moved the champion meanwhile, decide once more, against the new one."""
    for attempt in (1, 2):
        decision = family.decide(company, trained, score, rival, DataFindings(checked.drift, len(checked.warnings)))
        decided = shelving.promote(version, decision.to_json(), champion and champion.version)
        if decided:
            return decided, decision
        if attempt == 1:
            champion = shelving.find_champion(company.company, family.FAMILY)
            get_run_logger().warning("the champion was moved while version %s was trained: judging anew", version.version)
            rival = as_rival(family, company, checked.panel, champion, score)
    raise RegistryError(f"{version.name}: the champion was moved twice while version {version.version} was judged; run again")


def _shelve(
    family: Family,
    company: Company,
    checked: CheckedPanel,
    key: str,
    trained: Trained,
    score: Score,
    tables: str,
    *,
    as_challenger: bool,
) -> Version:
    """Draw what the tables show, and register it all."""
    plots = illustration.illustrate(company, family.FAMILY, key, trained, tables)
    shown = {"tables": tables, "plots": plots, "checks": checked.report}
    return shelving.register_version(company, checked.panel, family, key, trained, score, **shown, as_challenger=as_challenger)


def _refresh(family: Family, company: Company, checked: CheckedPanel, champion: Version) -> Outcome | None:
    """Refit the champion's settings on all of today's weeks, if they are not the ones that were just judged."""
    if same_settings(family, champion.settings, company):
        return None
    logger = get_run_logger()
    logger.info("%s: refitting the champion's settings on all weeks", family.FAMILY)
    try:
        settings, theirs = on_todays_data(family, champion.settings, company, checked.panel)
        return _challenge(family, settings, theirs, champion, as_challenger=False)
    except NOT_ITS_FAULT:
        raise  # the next run makes up for it
    except HierforecastError as error:
        logger.warning("the champion's settings cannot be refitted on today's panel: %s", error)
        return None
