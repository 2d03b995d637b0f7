"""Run the expectations on a panel, keep the evidence, and stop the run if one is broken."""

import json
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from hierforecast.errors import HierforecastError
from hierforecast.schema import Company
from tasks import environment, panels, stages, telling
from tasks.panels import PanelReference


class ChecksFailed(HierforecastError):  # noqa: N818 - reads as what happened
    """The data do not hold what the settings declare of them; the message lists each broken check and the rows."""


class CheckedPanel(BaseModel):
    """A panel whose checks all passed, and the folder with the report that says so."""

    model_config = ConfigDict(frozen=True)

    panel: PanelReference
    report: str
    checks: int
    drift: dict[str, float] = {}  # by driver, against the champion's training data; empty where there is no champion


@task(name="check", cache_policy=NO_CACHE)
def check(company: Company, panel: PanelReference, *, keep_failure: bool = True) -> CheckedPanel:
    """Validate a panel against the settings.

    The report (HTML and JSON) is written either way.

    Args:
        company: declares what must hold.
        panel: the panel as it came.
        keep_failure: whether a broken check is told in Prefect's pages and kept in MLflow as a failed run; not where the
            settings are not today's.

    Raises:
        ChecksFailed: at least one check is broken.
    """
    environment.prepare()
    from expectations.validation import validate

    declared = company.sales if panel.family == "sales" else company.media
    report = validate(panels.raw(panel), declared, name=f"{company.company} {panel.family}")
    folder = environment.home().work / company.company / f"checks-{panel.family}-{panel.digest[:24]}"
    stages.write_text(folder / "report.html", report.to_html())
    stages.write_text(folder / "report.json", json.dumps(report.to_json(), indent=1, default=str))
    passed = sum(result.status == "passed" for result in report.results)
    get_run_logger().info("%s checks: %d of %d passed on %d rows", panel.family, passed, len(report.results), report.rows)
    if report.passed or keep_failure:
        _tell(company, panel.family, report.message(), folder / "report.html")
    if not report.passed:
        if keep_failure:
            _keep(company, folder, report.message())
        raise ChecksFailed(f"{report.message()}\nThe report: {folder / 'report.html'}")
    return CheckedPanel(panel=panel, report=str(folder), checks=len(report.results))


def _keep(company: Company, folder: Path, message: str) -> None:
    """Log the report; what the data lack is told even where MLflow cannot be reached."""
    from tasks.registry import versions

    try:
        versions.log_stopped_run(company.company, str(folder), message)
    except Exception as error:
        get_run_logger().warning("the report could not be kept in MLflow: %s", error)


def _tell(company: Company, family: str, message: str, report: Path) -> None:
    telling.markdown(
        f"```\n{message}\n```\n\nReport: `{report}`",
        key=f"{company.company}-{family}-checks",
        description=f"Checks of the {family} panel",
    )
