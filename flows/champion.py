"""The champion as a rival: its settings fitted to the same cutoff on today's data, and refitted when they win."""

from prefect import get_run_logger

from flows.order import Family, score_after_cutoff
from hierforecast.errors import HierforecastError, HomeError, ModelFolderError, NoRoomError, RegistryError
from hierforecast.gates import Rival
from hierforecast.schema import Company
from tasks import checks, evaluation, panels
from tasks.checks import CheckedPanel
from tasks.evaluation import Score
from tasks.fingerprint import family_settings
from tasks.outages import OutageError
from tasks.panels import PanelReference
from tasks.registry.records import Version

# What says nothing about the champion, as a full disk or a server that is gone: nobody is promoted unbeaten for it.
NOT_ITS_FAULT = (OutageError, NoRoomError, HomeError, RegistryError, ModelFolderError)


def as_rival(family: Family, company: Company, panel: PanelReference, champion: Version | None, challenger: Score) -> Rival:
    """What the champion's settings reach on the same weeks: the challenger's own score where the settings are the same.

    Where that cannot be had, the rival says why, and the gate writes it on the version.
    """
    if champion is None:
        return Rival(None, "there is no champion to beat")
    if champion.settings is None:
        return Rival(None, f"this release cannot read the settings of champion version {champion.version}")
    if same_settings(family, champion.settings, company):
        return Rival(evaluation.wape_by_level(challenger), itself=True)
    theirs, ours = family.panel_of(champion.settings), family.panel_of(company)
    if theirs.target.name != ours.target.name or theirs.levels != ours.levels:
        return Rival(None, "the champion has another target or other levels, so no comparison would be fair")
    try:
        settings, checked = on_todays_data(family, champion.settings, company, panel)
        score = score_after_cutoff(family, settings, checked.panel)
        return evaluation.compare(challenger, score, ours.levels if family.PANEL == "sales" else [])
    except NOT_ITS_FAULT:
        raise
    except HierforecastError as error:
        reason = str(error).splitlines()[0]
        get_run_logger().warning("the champion's settings cannot be fitted to today's panel: %s", error)
        return Rival(None, f"the champion's settings cannot be fitted to today's panel ({reason})")


def same_settings(family: Family, one: Company, other: Company) -> bool:
    """Whether two companies' settings make the same model from the same panel."""
    return family_settings(one, family.FAMILY) == family_settings(other, family.FAMILY)


def on_todays_data(family: Family, settings: Company, today: Company, panel: PanelReference) -> tuple[Company, CheckedPanel]:
    """A version's settings with today's data, horizon and gates: its own columns of the same source, checked.

    Raises:
        HierforecastError: today's data do not hold what those settings declare.
    """
    now = family.panel_of(today)
    theirs = family.panel_of(settings).model_copy(update={"path": now.path, "horizon": now.horizon})
    settings = settings.model_copy(update={family.PANEL: theirs, "simulation": today.simulation, "gates": today.gates})
    reference = panels.ingest(settings, family.PANEL, settings="", given=panel.source)
    return settings, checks.check(settings, reference, keep_failure=False)
