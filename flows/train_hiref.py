"""Train HiReF alone: check the sales panel, fit up to a cutoff, score after it, register a version, gate it."""

from prefect import flow

from flows.command_line import run_flow
from flows.order import Outcome
from flows.retrain import retrain
from hierforecast.settings import read_company
from tasks import checks, environment, hiref, panels, turns

environment.prepare()


@flow(name="train-hiref", result_serializer="json")
def train_hiref(settings: str = "deployments/demo.yaml", sales: str | None = None) -> Outcome:
    """Retrain the sales forecaster of one company.

    Args:
        settings: a company's YAML file.
        sales: sales file in place of the one in the settings (Parquet or CSV).
    """
    company = read_company(settings)
    with turns.one_at_a_time(company.company, "train-hiref"):
        panel = panels.ingest(company, "sales", settings=settings, given=sales)
        return retrain(hiref, company, checks.check(company, panel))


if __name__ == "__main__":
    run_flow(train_hiref, panels=("sales",))
