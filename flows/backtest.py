"""Rolling origins: how HiReF would have done in the past, at every level, beside what is easy to have.

python -m flows.backtest --settings deployments/demo.yaml --origins 3 --baselines seasonal_naive,moving_average
"""

import argparse

from prefect import flow

from flows.command_line import call
from hierforecast.settings import read_company
from tasks import backtesting, checks, environment, panels, reports, shelving
from tasks.backtesting import Backtest

environment.prepare()

BASELINES = "seasonal_naive,moving_average"


@flow(name="backtest", result_serializer="json")
def backtest(
    settings: str = "deployments/demo.yaml", sales: str | None = None, origins: int = 3, baselines: str = BASELINES
) -> Backtest:
    """Forecast the last horizons, each from the weeks before it, and score all models on the same rows.

    Models run one after another, so that their CPU seconds are their own.

    Args:
        settings: a company's YAML file.
        sales: sales file in place of the one in the settings (Parquet or CSV).
        origins: how many horizons back.
        baselines: comma-separated: seasonal_naive, moving_average, auto_ets, lightgbm, lightgbm_poisson.
    """
    company = read_company(settings)
    reference = panels.ingest(company, "sales", settings=settings, given=sales)
    checked = checks.check(company, reference, against_champion=False)
    panel = checked.panel
    models = backtesting.list_models(company, panel, baselines, origins)
    forecasts = [
        backtesting.forecast_from_origin(company, panel, model, origin=origin, origins=origins)
        for origin in range(origins)
        for model in models
    ]
    scored = backtesting.score_backtest(company, panel, forecasts)
    reports.tell_backtest(company.company, scored.table)
    shelving.log_backtest(company.company, panel, scored.table, checked.report)
    return scored


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml", help="a company's YAML file")
    parser.add_argument("--sales", help="sales file (Parquet or CSV) in place of the one in the settings")
    parser.add_argument("--origins", type=int, default=3, help="how many horizons back")
    parser.add_argument("--baselines", default=BASELINES, help="comma-separated names")
    call(backtest, **vars(parser.parse_args()))
