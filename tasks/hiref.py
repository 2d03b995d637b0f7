"""HiReF as tasks: fit, forecast the held-out weeks, and make the tables that people look at."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger

from hierforecast import splits
from hierforecast.gates import DataFindings, Decision, Rival, decide_hiref
from hierforecast.hierarchy import BOTTOM, TOTAL, groupings
from hierforecast.metrics import score_horizons
from hierforecast.results import (
    ACTUAL,
    CONTRIBUTIONS,
    ELASTICITIES,
    FORECAST,
    FORECASTS,
    FUTURE,
    HISTORY,
    HOLDOUT,
    HORIZONS,
    LOWER,
    NODES,
    PART,
    PERIOD,
    UPPER,
)
from hierforecast.schema import Company, SalesPanel
from tasks import environment, evaluation, panels, stages, worth
from tasks.evaluation import Score
from tasks.panels import PanelReference
from tasks.trained import Trained

FAMILY = "hiref"
PANEL = "sales"
CUTOFF_MODEL = "cutoff_model"
EFFECT_INTERVAL = 0.9  # nominal coverage of the elasticities' bounds


def panel_of(company: Company) -> Any:
    """The part of the settings that this family reads."""
    return company.sales


@stages.stage("fit-hiref")
def fit(company: Company, panel: PanelReference, fingerprint: str, *, until_cutoff: bool) -> Trained:
    """Fit on all weeks, or only on those before the last `horizon`; leaves a model folder."""
    environment.prepare()
    from hierforecast.hiref import HiReF

    settings = company.sales
    history = panels.history_and_plan(panel, settings).train
    train = splits.last_periods(history, settings.horizon, period=settings.period).train if until_cutoff else history
    get_run_logger().info("fitting HiReF on %d rows up to %s", len(train), train[settings.period].max().date())
    began = time.process_time()
    model = HiReF.from_panel_settings(settings, company.training).fit(train)
    cpu_seconds = round(time.process_time() - began, 3)
    name = CUTOFF_MODEL if until_cutoff else "model"
    folder = model.save(stages.folder(company.company, FAMILY, fingerprint) / name)
    periods = train[settings.period]
    return Trained(
        folder=str(folder),
        trained_from=str(periods.min().date()),
        trained_to=str(periods.max().date()),
        diagnostics={**model.diagnostics(), "cpu_seconds": cpu_seconds},
    )


@stages.stage("score-hiref")
def score(company: Company, panel: PanelReference, fingerprint: str, trained: Trained) -> Score:
    """Forecast the weeks after the cutoff with the model that has not seen them, and score at every level."""
    environment.prepare()
    from hierforecast.hiref import HiReF

    settings = company.sales
    history = panels.history_and_plan(panel, settings).train
    train, holdout = splits.last_periods(history, settings.horizon, period=settings.period)
    splits.refuse_overlap(trained.trained_to, holdout[settings.period])
    model = HiReF.load(trained.folder)
    forecast = _with_actual(model.predict(holdout), holdout, company, HOLDOUT)
    past = train[[*settings.levels, settings.period, settings.target.name]]
    past = past.rename(columns={settings.period: PERIOD, settings.target.name: ACTUAL}).assign(**{PART: HISTORY})
    table = pd.concat([past, forecast], ignore_index=True)
    folder = stages.folder(company.company, FAMILY, fingerprint) / "scored"
    bounds = {
        level: model.predict(holdout, level=level).rename(columns={settings.period: PERIOD})
        for level in groupings(settings.levels)
        if level != BOTTOM
    }
    return evaluation.score(table, settings.levels, folder, cutoff=train[settings.period].max(), bounds=bounds)


@stages.stage("tabulate-hiref")
def tabulate(company: Company, panel: PanelReference, fingerprint: str, trained: Trained, score: Score) -> str:
    """Write the tables of `results.HIREF_TABLES`; returns their folder."""
    environment.prepare()
    from hierforecast.hiref import HiReF

    settings = company.sales
    model = HiReF.load(trained.folder)
    history, plan = panels.history_and_plan(panel, settings)
    folder = stages.folder(company.company, FAMILY, fingerprint) / "tables"
    # One row per series and period: held-out weeks show what was forecast before they came, not what was fitted after.
    before = history[history[settings.period] <= pd.Timestamp(score.cutoff)]
    parts = [_with_actual(model.predict(before), before, company, HISTORY), pd.read_parquet(score.holdout)]
    if len(plan):
        parts.append(_with_actual(model.predict(plan), plan, company, FUTURE))
    columns = [*settings.levels, *FORECASTS.columns]
    forecasts = pd.concat(parts, ignore_index=True)[columns]
    panels.write_parquet(forecasts, folder / f"{FORECASTS.name}.parquet")
    at_cutoff = HiReF.load(stages.folder(company.company, FAMILY, fingerprint) / CUTOFF_MODEL)
    holdout = history[history[settings.period] > pd.Timestamp(score.cutoff)]
    nodes = sum_nodes(forecasts, settings, [(at_cutoff, holdout), *([(model, plan)] if len(plan) else [])])
    panels.write_parquet(nodes, folder / f"{NODES.name}.parquet")
    held_out = at_cutoff.contributions(holdout)
    contributions = _contributions(model, before, plan, held_out, settings.period)
    panels.write_parquet(contributions, folder / f"{CONTRIBUTIONS.name}.parquet")
    panels.write_parquet(model.elasticities(interval=EFFECT_INTERVAL), folder / f"{ELASTICITIES.name}.parquet")
    panels.write_parquet(pd.read_parquet(score.scores), folder / Path(score.scores).name)
    bounds = {level: rows.rename(columns={"node": level}) for level, rows in nodes.groupby("level")}
    horizons = score_horizons(pd.read_parquet(score.holdout), settings.levels, bounds=bounds)
    panels.write_parquet(horizons, folder / f"{HORIZONS.name}.parquet")
    worth.write_worth(company, history, folder)
    return str(folder)


def sum_nodes(forecasts: pd.DataFrame, settings: SalesPanel, asked: Sequence[tuple[Any, pd.DataFrame]]) -> pd.DataFrame:
    """Forecasts summed per node, as `results.NODES`.

    Args:
        forecasts: as `results.FORECASTS`.
        settings: names of levels and period.
        asked: models with the rows whose sums they give an interval of.
    """
    tables = []
    for level, by in groupings(settings.levels).items():
        if level == BOTTOM:
            continue
        keys = [*by, PERIOD]
        sums = forecasts.groupby([*keys, PART], sort=True)[[ACTUAL, FORECAST]].sum(min_count=1).reset_index()
        found = pd.concat([model.predict(rows, level=level).rename(columns={settings.period: PERIOD}) for model, rows in asked])
        table = sums.merge(found[[*keys, LOWER, UPPER]], on=keys, how="left")
        tables.append(table.assign(level=level, node=table[by[0]].astype(str) if by else TOTAL))
    return pd.concat(tables, ignore_index=True)[list(NODES.columns)]


def example(company: Company, panel: PanelReference, trained: Trained) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A few rows as a user would send them to the registered model, and its answer."""
    from hierforecast.hiref import HiReF

    history = panels.history_and_plan(panel, company.sales).train.tail(5)
    rows = history[[name for name in history.columns if name not in (company.sales.target.name, company.sales.weight)]]
    return rows, HiReF.load(trained.folder).predict(rows)


def decide(company: Company, trained: Trained, score: Score, rival: Rival, data: DataFindings) -> Decision:
    """Judge the challenger by the company's gates."""
    return decide_hiref(
        company.gates.hiref,
        wape=evaluation.wape_by_level(score),
        bias=score.bias,
        wrong_signs=float(trained.diagnostics["wrong_sign_share"]),
        rival=rival,
        data=data,
        manual=company.gates.manual(FAMILY),
    )


def _with_actual(forecast: pd.DataFrame, rows: pd.DataFrame, company: Company, part: str) -> pd.DataFrame:
    """A model's answer (rows in the order they were sent) beside the target, in the columns of `results.FORECASTS`."""
    settings = company.sales
    table = forecast.rename(columns={settings.period: PERIOD})
    return table.assign(**{PART: part, ACTUAL: rows[settings.target.name].to_numpy()})


def _contributions(model: Any, before: pd.DataFrame, plan: pd.DataFrame, holdout: pd.DataFrame, period: str) -> pd.DataFrame:
    """History and plan as the registered model explains them; `holdout` as the cutoff model explained its own forecast."""
    parts = [model.contributions(before).assign(**{PART: HISTORY}), holdout.assign(**{PART: HOLDOUT})]
    if len(plan):
        parts.append(model.contributions(plan).assign(**{PART: FUTURE}))
    # A component that only one of the models has, such as the level term, contributes nothing in the other.
    table = pd.concat(parts, ignore_index=True).rename(columns={period: PERIOD})
    numbers = table.select_dtypes("number").columns
    return table.assign(**{name: table[name].fillna(0.0) for name in numbers})
