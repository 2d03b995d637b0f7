"""Backtests as tasks: forecast from an origin in the past, and score everything that was forecast."""

import re
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from hierforecast import splits
from hierforecast.baselines import find_baseline
from hierforecast.errors import PanelError
from hierforecast.metrics import score_levels
from hierforecast.results import ACTUAL, BACKTEST, FORECAST, LOWER, PERIOD, UPPER
from hierforecast.schema import Company
from tasks import environment, panels, stages
from tasks.fingerprint import fingerprint
from tasks.panels import PanelReference

HIREF = "hiref"


class OriginForecast(BaseModel):
    """A model's forecast from one origin (the ISO date of its last known period), and the CPU seconds it took."""

    model_config = ConfigDict(frozen=True)

    model: str
    origin: str
    path: str
    cpu_seconds: float


class Backtest(BaseModel):
    """The table of `results.BACKTEST` on disk, and the mean bottom WAPE of every model."""

    model_config = ConfigDict(frozen=True)

    table: str
    wape: dict[str, float]

    @property
    def summary(self) -> str:
        """One line: the models, the best first."""
        ranked = sorted(self.wape.items(), key=lambda item: item[1])
        return "bottom WAPE: " + ", ".join(f"{name} {value:.4f}" for name, value in ranked)


@task(name="list-models", cache_policy=NO_CACHE)
def list_models(company: Company, panel: PanelReference, baselines: str, origins: int) -> list[str]:
    """The models to run, HiReF first, from comma-separated baselines; says what cannot be done before anything is.

    Raises:
        BaselineError: no such baseline.
        PanelError: the panel has too few periods for so many origins.
    """
    names = list(dict.fromkeys(filter(None, re.split(r"[,\s]+", baselines))))
    for name in names:
        find_baseline(name)
    _folds(company, panel, origins)
    return [HIREF, *names]


@task(name="forecast-from-origin", cache_policy=NO_CACHE)
def forecast_from_origin(company: Company, panel: PanelReference, model: str, *, origin: int, origins: int) -> OriginForecast:
    """Forecast the horizon after an origin, 0 being the latest, from the rows before it only."""
    environment.prepare()
    settings = company.sales
    train, holdout = _folds(company, panel, origins)[origin]
    asked = holdout.drop(columns=settings.target.name)
    if model == HIREF:
        from hierforecast.hiref import HiReF

        import_module("hierforecast.hiref.fitting")  # and torch with it, before the clock starts
        began = time.process_time()
        answer = HiReF.from_panel_settings(settings, company.training).fit(train).predict(asked)
        answer = {name: answer[name].to_numpy() for name in (FORECAST, LOWER, UPPER)}
    else:
        began = time.process_time()
        values = find_baseline(model)(train, asked, settings)
        answer = {FORECAST: values, LOWER: np.full(len(values), np.nan), UPPER: np.full(len(values), np.nan)}
    spent = time.process_time() - began
    keys = holdout[[*settings.levels, settings.period]].rename(columns={settings.period: PERIOD})
    table = keys.assign(**{ACTUAL: holdout[settings.target.name].to_numpy()}, **answer)
    last = str(train[settings.period].max().date())
    path = panels.write_parquet(table, _folder(company, panel, origins) / f"{model}-{last}.parquet")
    get_run_logger().info("%s from %s: %d rows in %.1f CPU seconds", model, last, len(table), spent)
    return OriginForecast(model=model, origin=last, path=str(path), cpu_seconds=spent)


@task(name="score-backtest", cache_policy=NO_CACHE)
def score_backtest(company: Company, panel: PanelReference, forecasts: list[OriginForecast]) -> Backtest:
    """Score every forecast at every level, beside one another."""
    settings = company.sales
    history = panels.history_and_plan(panel, settings).train
    history = history.rename(columns={settings.period: PERIOD, settings.target.name: ACTUAL})
    tables = []
    for made in forecasts:
        before = history[history[PERIOD] <= pd.Timestamp(made.origin)]
        scores = score_levels(pd.read_parquet(made.path), settings.levels, history=before)
        tables.append(scores.assign(model=made.model, origin=made.origin, cpu_seconds=made.cpu_seconds))
    table = pd.concat(tables, ignore_index=True)[list(BACKTEST.columns)]
    origins = len({made.origin for made in forecasts})
    path = panels.write_parquet(table, _folder(company, panel, origins) / f"{BACKTEST.name}.parquet")
    bottom = table[table["level"] == table["level"].iloc[0]].groupby("model", sort=False)["wape"].mean()
    return Backtest(table=str(path), wape={name: float(value) for name, value in bottom.items()})


def _folds(company: Company, panel: PanelReference, origins: int) -> tuple[splits.Split, ...]:
    settings = company.sales
    history = panels.history_and_plan(panel, settings).train
    try:
        return splits.rolling_origins(history, settings.horizon, origins, period=settings.period)
    except PanelError as error:
        raise PanelError(f"{origins} origins of {settings.horizon} periods are too many for this panel: {error}") from None


def _folder(company: Company, panel: PanelReference, origins: int) -> Path:
    """Of these data, settings and origins: a backtest takes no turn, so that another one may be at work on the same panel."""
    return stages.folder(company.company, f"backtest-{origins}-origins", fingerprint(company, panel, HIREF))
