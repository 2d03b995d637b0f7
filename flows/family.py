"""The order in which either family is trained, judged and shelved.

Challenger and champion are both fitted up to the same cutoff and compared on the weeks after it, so nobody is judged on
weeks it has seen. What is registered is the refit on all weeks, so forecasts start today.
"""

from typing import Any, Literal, Protocol

from prefect import get_run_logger
from pydantic import BaseModel, ConfigDict

from hierforecast.errors import HierforecastError
from hierforecast.gates import Decision
from hierforecast.schema import Company
from tasks import checks, panels, reports, shelving
from tasks.checks import CheckedPanel
from tasks.evaluation import Score
from tasks.fingerprint import family_settings, fingerprint
from tasks.panels import PanelReference
from tasks.registry.records import Version
from tasks.trained import Trained


class Family(Protocol):
    """What a family's module in `tasks` offers."""

    FAMILY: str
    PANEL: Literal["sales", "media"]

    def panel_of(self, company: Company) -> Any:
        """The settings of the panel it reads."""

    def fit(self, company: Company, panel: PanelReference, fingerprint: str, *, until_cutoff: bool) -> Trained:
        """Train on all weeks, or on those before the cutoff."""

    def score(self, company: Company, panel: PanelReference, fingerprint: str, trained: Trained) -> Score:
        """Score a model that was trained up to the cutoff."""

    def tabulate(self, company: Company, panel: PanelReference, fingerprint: str, trained: Trained, score: Score) -> str:
        """Write the tables that people look at; returns their folder."""

    def decide(self, company: Company, trained: Trained, score: Score, champion_wape: float | None) -> Decision:
        """Judge by the company's gates."""


class Outcome(BaseModel):
    """How a family's retrain ended: the version, what was decided about it, and whether it was made in this run."""

    model_config = ConfigDict(frozen=True)

    family: str
    version: Version
    made: bool
    summary: str


def retrain(family: Family, company: Company, checked: CheckedPanel) -> Outcome:
    """Train, judge and shelve one family; on unchanged data and settings, find the version that is already there."""
    logger = get_run_logger()
    panel = checked.panel
    key = fingerprint(company, panel, family.FAMILY)
    known = shelving.find_version(company.company, family.FAMILY, key)
    if known and known.decision:
        logger.info("%s: nothing changed since version %s (%s)", family.FAMILY, known.version, known.decision)
        return Outcome(family=family.FAMILY, version=known, made=False, summary=f"unchanged: version {known.version} stands")

    champion = shelving.find_champion(company.company, family.FAMILY)
    score = _score_after_cutoff(family, company, panel)
    champion_wape = _champion_wape(family, company, panel, champion, score)
    trained = family.fit(company, panel, key, until_cutoff=False)
    tables = family.tabulate(company, panel, key, trained, score)
    version = shelving.register_version(company, panel, family, key, trained, score, tables=tables, checks=checked.report)

    decision = family.decide(company, trained, score, champion_wape)
    version = shelving.promote(version, decision.to_json())
    logger.info("%s version %s %s", family.FAMILY, version.version, decision.summary)
    reports.tell_decision(company.company, family.FAMILY, version, decision)
    reports.tell_scores(company.company, family.FAMILY, score.scores)
    outcome = Outcome(family=family.FAMILY, version=version, made=True, summary=decision.summary)
    return outcome if decision.promoted else _refresh_champion(family, company, checked, champion, outcome)


def _score_after_cutoff(family: Family, company: Company, panel: PanelReference) -> Score:
    key = fingerprint(company, panel, family.FAMILY)
    return family.score(company, panel, key, family.fit(company, panel, key, until_cutoff=True))


def _champion_wape(
    family: Family, company: Company, panel: PanelReference, champion: Version | None, challenger: Score
) -> float | None:
    """What the champion's settings reach on the same weeks; the challenger's own score where the settings are the same."""
    if champion is None or champion.settings is None:
        return None
    if family_settings(champion.settings, family.FAMILY) == family_settings(company, family.FAMILY):
        return challenger.wape
    settings = _on_todays_data(family, champion.settings, company)
    try:
        checked = _checked_for(family, settings, panel)
        return _score_after_cutoff(family, settings, checked.panel).wape
    except HierforecastError as error:
        get_run_logger().warning(
            "the champion's settings cannot be fitted to today's panel, so the challenger is judged alone: %s", error
        )
        return None


def _refresh_champion(
    family: Family, company: Company, checked: CheckedPanel, champion: Version | None, kept_out: Outcome
) -> Outcome:
    """The champion's settings won: refit them on all weeks, so that its forecasts start today too."""
    if champion is None or champion.settings is None:
        return kept_out
    if family_settings(champion.settings, family.FAMILY) == family_settings(company, family.FAMILY):
        return kept_out
    get_run_logger().info("%s: refitting the champion's settings on all weeks", family.FAMILY)
    settings = _on_todays_data(family, champion.settings, company)
    try:
        retrain(family, settings, _checked_for(family, settings, checked.panel))
    except HierforecastError as error:
        get_run_logger().warning("the champion's settings cannot be refitted on today's panel: %s", error)
    return kept_out


def _on_todays_data(family: Family, settings: Company, today: Company) -> Company:
    """A version's settings with today's source of data and today's horizon, so that both are judged on the same weeks."""
    name = family.PANEL
    now = family.panel_of(today)
    panel = family.panel_of(settings).model_copy(update={"path": now.path, "horizon": now.horizon})
    return settings.model_copy(update={name: panel, "simulation": today.simulation, "gates": today.gates})


def _checked_for(family: Family, settings: Company, panel: PanelReference) -> CheckedPanel:
    """The same source read with other settings: its own columns, judged by its own checks."""
    reference = panels.ingest(settings, family.PANEL, settings="", given=panel.source)
    return checks.check(settings, reference)
