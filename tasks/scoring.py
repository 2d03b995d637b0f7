"""Batch forecasts: the champion of the registry on rows that a person gives."""

from pathlib import Path

import pandas as pd
from prefect import get_run_logger, task

from hierforecast.errors import PanelError, nearest
from hierforecast.schema import Company
from tasks import environment, panels


@task(name="forecast-rows", result_serializer="json")
def forecast_rows(company: Company, family: str, *, settings: str, rows: str | None, out: str | None) -> str:
    """Forecast rows with the company's champion and write them as Parquet; returns the path.

    Raises:
        PanelError: there is no champion, no such rows, or a column is missing.
    """
    environment.prepare()
    from tasks.registry import versions

    declared = company.sales if family == "hiref" else company.media
    if declared is None:
        raise PanelError(f"company {company.company!r} declares no panel for the family {family!r}")
    model, version = versions.load_champion(company.company, family)
    frame = _rows(company, family, settings=settings, rows=rows)
    forecast = model.predict(frame)
    path = Path(out) if out else environment.home().root / "scores" / f"{version.name}-v{version.version}.parquet"
    panels.write_parquet(forecast, path)
    get_run_logger().info("%s version %s forecast %d rows", version.name, version.version, len(forecast))
    return str(path)


def _rows(company: Company, family: str, *, settings: str, rows: str | None) -> pd.DataFrame:
    declared = company.sales if family == "hiref" else company.media
    if rows is None:
        name = "sales" if family == "hiref" else "media"
        plan = panels.history_and_plan(panels.ingest.fn(company, name, settings=settings, given=None), declared).holdout
        if plan.empty:
            raise PanelError(f"the {name} panel has no planned rows after its last known target; give rows to forecast")
        return plan.drop(columns=declared.target.name)
    frame = panels.read_table(Path(rows))
    wanted = [column for column in declared.columns if column != declared.target.name]
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise PanelError(f"{rows}: no column {missing[0]!r}; {nearest(missing[0], map(str, frame.columns))}")
    return panels.as_declared(frame.assign(**{declared.target.name: float("nan")}), declared).drop(columns=declared.target.name)
