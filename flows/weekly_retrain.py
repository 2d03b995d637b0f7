"""The Monday run: ingest, check, train both families, evaluate, gate, promote, report.

python -m flows.weekly_retrain --settings deployments/demo.yaml
prefect deployment run 'weekly-retrain/demo' --watch
"""

from prefect import flow

from flows.command_line import run_flow
from flows.order import Outcome
from flows.retrain import retrain
from hierforecast.settings import read_company
from tasks import checks, environment, hiref, panels, precision, turns

environment.prepare()


@flow(name="weekly-retrain", result_serializer="json", log_prints=False)
def weekly_retrain(
    settings: str = "deployments/demo.yaml", sales: str | None = None, media: str | None = None
) -> list[Outcome]:
    """Retrain what a company declares, and promote what holds its gates.

    Both panels are checked before either family is trained: a broken panel stops the run with nothing half done.

    Args:
        settings: a company's YAML file.
        sales: sales file in place of the one in the settings (Parquet or CSV).
        media: media file, likewise.
    """
    company = read_company(settings)
    with turns.one_at_a_time(company.company, "weekly-retrain"):
        given = {"sales": sales, "media": media}
        declared = [name for name in ("sales", "media") if getattr(company, name)]
        references = [panels.ingest(company, name, settings=settings, given=given[name]) for name in declared]
        checked = {reference.family: checks.check(company, reference) for reference in references}
        outcomes = []
        if company.sales:
            outcomes.append(retrain(hiref, company, checked["sales"]))
        if company.media:
            outcomes.append(retrain(precision, company, checked["media"]))
        return outcomes


if __name__ == "__main__":
    run_flow(weekly_retrain, panels=("sales", "media"))
