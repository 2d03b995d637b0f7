"""Run the expectations on a panel, keep the evidence, and stop the run if one is broken."""

import json
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from expectations.history.profile import PROFILE
from hierforecast.errors import HierforecastError
from hierforecast.layout import without_login
from hierforecast.schema import Company, MediaPanel, SalesPanel
from tasks import check_artifacts, environment, panels, shelving, stages
from tasks.panels import PanelReference

_PAGE = "report.html"
MODELS = {"sales": "hiref", "media": "precision"}  # the family that is trained on a panel


class ChecksFailed(HierforecastError):  # noqa: N818 - reads as what happened
    """The data do not hold what the settings declare of them, or a check broke before it could say; the message tells which."""


class CheckedPanel(BaseModel):
    """A panel that no check stops, and the folder with the report that says so."""

    model_config = ConfigDict(frozen=True)

    panel: PanelReference
    report: str
    checks: int
    drift: dict[str, float] = {}  # by driver, against the champion's training data; empty where there is no champion
    warnings: tuple[str, ...] = ()  # what the checks found worth a look, a sentence each


@task(name="check", cache_policy=NO_CACHE)
def check(company: Company, panel: PanelReference, *, keep_failure: bool = True, against_champion: bool = True) -> CheckedPanel:
    """Validate a panel against the settings, and against the panel that the champion was trained on.

    The report (HTML and JSON) is written either way.

    Args:
        company: declares what must hold.
        panel: the panel as it came.
        keep_failure: whether a broken check is told in Prefect's pages and kept in MLflow as a failed run; not where the
            settings are not today's.
        against_champion: whether the champion's data are a measure; not where a person looks at any file they like.

    Raises:
        ChecksFailed: at least one check is broken.
    """
    environment.prepare()
    from expectations.validation import validate

    declared = company.sales if panel.family == "sales" else company.media
    earlier = shelving.find_champion_profile(company.company, MODELS[panel.family]) if against_champion else None
    today = date.today() if panel.source else None  # a made company lives in years of its own
    report = validate(panels.raw(panel), declared, name=f"{company.company} {panel.family}", earlier=earlier, today=today)
    folder = _folder(company, panel, declared, against_champion=against_champion)
    stages.write_text(folder / _PAGE, report.to_html())
    stages.write_text(folder / "report.json", json.dumps(report.to_json(), indent=1, default=str))
    if report.profile:
        stages.write_text(folder / PROFILE, report.profile.model_dump_json(indent=1))
    _log(panel.family, report)
    if report.passed or keep_failure:
        check_artifacts.tell_checks(company.company, panel.family, report)
        link, run_id = (folder / _PAGE).as_uri(), None
        if not report.passed:
            link, run_id = _keep(company, folder, report.message()) or (link, run_id)
        check_artifacts.link_report(company.company, panel.family, link, run=run_id)
    if not report.passed:
        raise ChecksFailed(f"{report.message()}\nThe report: {folder / _PAGE}")
    warnings = tuple(result.sentences for result in report.warnings)
    return CheckedPanel(panel=panel, report=str(folder), checks=len(report.results), drift=report.drift, warnings=warnings)


def _log(family: str, report: Any) -> None:
    """The verdict on one line, and one for every warning."""
    logger, counts = get_run_logger(), report.counts
    total, warned = len(report.results), f", {counts['warned']} warn" if counts["warned"] else ""
    logger.info("%s checks: %d of %d passed%s on %d rows", family, counts["passed"], total, warned, report.rows)
    for result in report.warnings:
        logger.warning("%s checks: %s", family, result.sentences)


def _folder(company: Company, panel: PanelReference, declared: SalesPanel | MediaPanel, *, against_champion: bool) -> Path:
    """Of one panel under one declaration: the champion's settings may be checked on the same panel in the same run.

    A check without the champion has a folder of its own: a backtest takes no turn, and a retrain may be logging its report.
    """
    measure = "against the champion" if against_champion else "alone"
    key = sha256(f"{panel.digest} {measure} {declared.model_dump_json()}".encode()).hexdigest()
    return environment.home().work / company.company / f"checks-{panel.family}-{key[:24]}"


def _keep(company: Company, folder: Path, message: str) -> tuple[str, str] | None:
    """Log the report in a failed run: the way to it, and the run. What the data lack is told even where MLflow is gone."""
    from tasks.registry import check_report, versions

    try:
        run_id = versions.log_stopped_run(company.company, str(folder), message)
        return check_report.report_link(run_id), run_id
    except Exception as error:
        get_run_logger().warning("the report could not be kept in MLflow: %s", without_login(str(error)))
        return None
