"""The pictures of a version as a task: drawn from its tables, before anything is registered."""

from pathlib import Path

from prefect import get_run_logger

from hierforecast.schema import Company
from tasks import environment, hiref, stages
from tasks.trained import Trained


@stages.stage("illustrate")
def illustrate(company: Company, family: str, fingerprint: str, trained: Trained, tables: str) -> str:
    """Draw what a version's tables show; returns the pictures' folder."""
    environment.prepare()
    from tasks.plots import album

    if family == hiref.FAMILY:
        pages = album.hiref_pages(
            Path(tables),
            company.sales,
            trained.diagnostics,
            interval=company.training.interval,
            effect_interval=hiref.EFFECT_INTERVAL,
        )
    else:
        pages = album.precision_pages(Path(tables), company.media, company.gates.precision, interval=company.sampling.interval)
    logger = get_run_logger()
    folder = stages.folder(company.company, family, fingerprint) / "plots"
    album.write_album(pages, folder, tell=lambda name, error: logger.warning("no picture %r: %s", name, error))
    return str(folder)
