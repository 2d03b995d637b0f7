"""Train Precision alone: check the media panel, sample up to a cutoff, diagnose, score, register a version, gate it."""

from prefect import flow

from flows.command_line import run_flow
from flows.order import Outcome
from flows.retrain import retrain
from hierforecast.settings import read_company
from tasks import checks, environment, panels, precision, turns

environment.prepare()


@flow(name="train-precision", result_serializer="json")
def train_precision(settings: str = "deployments/demo.yaml", media: str | None = None) -> Outcome:
    """Resample the marketing mix model of one company.

    Args:
        settings: a company's YAML file.
        media: media file in place of the one in the settings (Parquet or CSV).
    """
    company = read_company(settings)
    with turns.one_at_a_time(company.company, "train-precision"):
        panel = panels.ingest(company, "media", settings=settings, given=media)
        return retrain(precision, company, checks.check(company, panel))


if __name__ == "__main__":
    run_flow(train_precision, panels=("media",))
