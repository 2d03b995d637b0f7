"""The order in which either family is trained, judged and shelved.

Challenger and champion are both fitted up to the same cutoff and compared on the weeks after it, so nobody is judged on
weeks it has seen. What is registered is the refit on all weeks, so forecasts start today.
"""

from prefect import get_run_logger

from flows.champion import as_rival, on_todays_data, same_settings
from flows.order import Family, Outcome, score_after_cutoff
from hierforecast.errors import HierforecastError
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
        _refresh(family, company, checked, champion)
    return outcome


def _challenge(
    family: Family, company: Company, checked: CheckedPanel, champion: Version | None, *, as_challenger: bool
) -> Outcome:
    """Train, judge and shelve one version; on unchanged data and settings, find the one that is already there."""
    panel = checked.panel
    key = fingerprint(company, panel, family.FAMILY)
    known = shelving.find_version(company.company, family.FAMILY, key)
    if known and known.decision == "promoted":
        return _unchanged(family, known, champion)
    # A version that was kept out, or was never judged because its run died, is judged again: gates may have moved.
    score = score_after_cutoff(family, company, panel)
    rival = as_rival(family, company, panel, champion, score)
    trained = family.fit(company, panel, key, until_cutoff=False)
    tables = family.tabulate(company, panel, key, trained, score)
    version = known or _shelve(family, company, checked, key, trained, score, tables, as_challenger=as_challenger)
    decision = family.decide(company, trained, score, rival)
    version = shelving.promote(version, decision.to_json())
    get_run_logger().info("%s version %s %s", family.FAMILY, version.version, decision.summary)
    reports.tell_decision(company.company, family.FAMILY, version, decision)
    reports.tell_scores(company.company, family.FAMILY, score.scores)
    return Outcome(family=family.FAMILY, version=version, made=known is None, summary=decision.summary)


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


def _unchanged(family: Family, known: Version, champion: Version | None) -> Outcome:
    """Nothing to train. A version that was promoted and replaced since stays replaced: somebody may have rolled it back."""
    summary = f"unchanged: version {known.version} stands"
    if champion is None or champion.version != known.version:
        now = f"version {champion.version} is champion" if champion else "there is no champion"
        back = f"`python -m flows.rollback --to {known.version}` brings it back"
        summary = f"unchanged: version {known.version} was promoted before, and now {now}; {back}"
    get_run_logger().info("%s %s", family.FAMILY, summary)
    return Outcome(family=family.FAMILY, version=known, made=False, summary=summary)


def _refresh(family: Family, company: Company, checked: CheckedPanel, champion: Version) -> None:
    """Refit the champion's settings on all of today's weeks, if they are not the ones that were just judged."""
    if same_settings(family, champion.settings, company):
        return
    logger = get_run_logger()
    logger.info("%s: refitting the champion's settings on all weeks", family.FAMILY)
    try:
        settings, theirs = on_todays_data(family, champion.settings, company, checked.panel)
        _challenge(family, settings, theirs, champion, as_challenger=False)
    except HierforecastError as error:
        logger.warning("the champion's settings cannot be refitted on today's panel: %s", error)
