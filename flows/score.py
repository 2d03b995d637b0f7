"""Batch forecasts with the champion.

python -m flows.score --settings deployments/demo.yaml --rows plan.parquet --out forecasts.parquet
"""

import argparse

from prefect import flow

from flows.command_line import call
from hierforecast.settings import read_company
from tasks import environment, scoring

environment.prepare()


@flow(name="score", result_serializer="json")
def score(
    settings: str = "deployments/demo.yaml", rows: str | None = None, out: str | None = None, family: str = "hiref"
) -> str:
    """Forecast rows with the champion; without rows, the planned periods of the company's own panel.

    Args:
        settings: a company's YAML file.
        rows: Parquet or CSV with the levels, the period and the drivers (or media columns) of the rows to forecast.
        out: where to; by default a file below the home's `scores` folder.
        family: "hiref" or "precision".

    Returns:
        The path of the written Parquet file: the rows' keys with forecast, lower and upper.
    """
    company = read_company(settings)
    return scoring.forecast_rows(company, family, settings=settings, rows=rows, out=out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml")
    parser.add_argument("--rows")
    parser.add_argument("--out")
    parser.add_argument("--family", default="hiref", choices=["hiref", "precision"])
    call(score, **vars(parser.parse_args()))
