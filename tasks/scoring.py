"""Batch forecasts: the champion of the registry on rows that a person gives."""

from pathlib import Path

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from hierforecast.errors import PanelError, nearest
from hierforecast.schema import Company, MediaPanel, SalesPanel
from tasks import environment, panels
from tasks.registry import asking
from tasks.registry.records import Version


@task(name="forecast-rows", cache_policy=NO_CACHE)
def forecast_rows(company: Company, family: str, *, settings: str, rows: str | None, out: str | None) -> str:
    """Forecast rows with the company's champion and write them as Parquet; returns the path.

    Raises:
        PanelError: there is no champion, no such rows, a column is missing or not of its type, or `out` is a folder.
    """
    environment.prepare()
    if out and Path(out).is_dir():
        raise PanelError(f"forecasts go to one file, and {out!r} is a folder; name a file in it, such as forecasts.parquet")
    from tasks.registry import versions

    with asking.of_the_registry():
        model, version = versions.load_champion(company.company, family)
    frame = _rows(_champions_company(company, version), family, settings=settings, rows=rows)
    forecast = model.predict(frame[model.metadata.get_input_schema().input_names()])
    path = Path(out) if out else environment.home().root / "scores" / f"{version.name}-v{version.version}.parquet"
    panels.write_parquet(forecast, path)
    get_run_logger().info("%s version %s forecast %d rows", version.name, version.version, len(forecast))
    return str(path)


def _champions_company(company: Company, version: Version) -> Company:
    """The settings the champion was trained on, with today's source of data: they say which columns it reads."""
    if version.settings is None:
        raise PanelError(f"this release cannot read the settings of {version.name} version {version.version}; retrain first")
    update: dict[str, object] = {"simulation": company.simulation}
    for name in ("sales", "media"):
        now, then = getattr(company, name), getattr(version.settings, name)
        if now and then:
            update[name] = then.model_copy(update={"path": now.path})
    return version.settings.model_copy(update=update)


def _rows(company: Company, family: str, *, settings: str, rows: str | None) -> pd.DataFrame:
    name = "sales" if family == "hiref" else "media"
    panel = getattr(company, name)
    if rows is None:
        reference = panels.ingest.fn(company, name, settings=settings, given=None)
        plan = panels.history_and_plan(reference, panel).holdout
        if plan.empty:
            raise PanelError(f"the {name} panel has no planned rows after its last known target; give rows to forecast")
        return plan.drop(columns=panel.target.name)
    frame = panels.read_table(Path(rows), text=panel.levels if isinstance(panel, SalesPanel) else ())
    unread = [*_not_known_ahead(panel), panel.target.name]
    for column in panel.columns:
        if column not in frame.columns and column not in unread:
            raise PanelError(f"{rows}: no column {column!r}; {nearest(column, map(str, frame.columns))}")
    blank = {column: float("nan") for column in unread if column not in frame.columns}
    return panels.as_declared(frame.assign(**blank), panel).drop(columns=panel.target.name)


def _not_known_ahead(panel: SalesPanel | MediaPanel) -> list[str]:
    """Drivers that a forecast does not read, so that rows need not have them."""
    return [driver.name for driver in panel.drivers if not driver.known_ahead] if isinstance(panel, SalesPanel) else []
