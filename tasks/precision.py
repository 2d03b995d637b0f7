"""Precision as tasks: sample, score the held-out weeks, and make the tables that people look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger, task

from hierforecast.gates import Decision, Rival, decide_precision
from hierforecast.results import ACTUAL, DECAY, DIAGNOSTICS, FIT, HISTORY, HOLDOUT, MEDIA_CONTRIBUTIONS, PART, PERIOD
from hierforecast.schema import Company
from tasks import environment, evaluation, panels, stages
from tasks.evaluation import Score
from tasks.panels import PanelReference
from tasks.trained import Trained

FAMILY = "precision"
PANEL = "media"


def panel_of(company: Company) -> Any:
    """The part of the settings that this family reads."""
    return company.media


@task(name="sample-precision", cache_key_fn=stages.by_fingerprint, persist_result=True, result_serializer="json")
def fit(company: Company, panel: PanelReference, fingerprint: str, *, until_cutoff: bool) -> Trained:
    """Sample the posterior given all weeks, or only those before the last `horizon`; leaves a model folder.

    Held-out weeks are masked out of the likelihood, not cut off, so both fits run the same compiled program.
    """
    environment.prepare()
    environment.import_quietly("tensorflow")
    from hierforecast.precision.model import Precision

    settings = company.media
    history = panels.history_and_plan(panel, settings).train
    observed = _observed(history, settings.horizon if until_cutoff else 0)
    logger = get_run_logger()
    logger.info(
        "sampling Precision on %d weeks: %d chains × %d draws", observed.sum(), company.sampling.chains, company.sampling.draws
    )
    model = Precision.from_panel_settings(settings, company.sampling).fit(
        history, observed=observed, progress=_tell_quarters(logger)
    )
    convergence = model.convergence()._asdict()
    reasons = list(model.verdict(company.gates.precision))
    folder = model.save(stages.folder(company.company, FAMILY, fingerprint) / ("cutoff_model" if until_cutoff else "model"))
    periods = history.loc[observed, settings.period]
    return Trained(
        folder=str(folder),
        trained_from=str(periods.min().date()),
        trained_to=str(periods.max().date()),
        diagnostics={**convergence, "reasons": reasons},
    )


@task(name="score-precision", cache_key_fn=stages.by_fingerprint, persist_result=True, result_serializer="json")
def score(company: Company, panel: PanelReference, fingerprint: str, trained: Trained) -> Score:
    """Compare what was predicted for the masked weeks with what came."""
    environment.prepare()
    from hierforecast.precision.model import Precision

    settings = company.media
    history = panels.history_and_plan(panel, settings).train
    observed = _observed(history, settings.horizon)
    table = _fit_table(Precision.load(trained.folder), history, company, observed)
    folder = stages.folder(company.company, FAMILY, fingerprint) / "scored"
    return evaluation.score(table, [], folder, cutoff=history.loc[observed, settings.period].max())


@task(name="tabulate-precision", cache_key_fn=stages.by_fingerprint, persist_result=True, result_serializer="json")
def tabulate(company: Company, panel: PanelReference, fingerprint: str, trained: Trained, score: Score) -> str:
    """Write the tables of `results.PRECISION_TABLES`; returns their folder."""
    environment.prepare()
    from hierforecast.precision.model import Precision

    model = Precision.load(trained.folder)
    history = panels.history_and_plan(panel, company.media).train
    folder = stages.folder(company.company, FAMILY, fingerprint) / "tables"
    # One row per period: held-out weeks show what was predicted before they came, not what was fitted after.
    fitted = _fit_table(model, history, company, _observed(history, company.media.horizon))
    fitted = fitted[fitted[PART] == HISTORY]
    panels.write_parquet(pd.concat([fitted, pd.read_parquet(score.holdout)], ignore_index=True), folder / f"{FIT.name}.parquet")
    panels.write_parquet(model.contributions(), folder / f"{MEDIA_CONTRIBUTIONS.name}.parquet")
    panels.write_parquet(model.decay(), folder / f"{DECAY.name}.parquet")
    panels.write_parquet(model.diagnostics(), folder / f"{DIAGNOSTICS.name}.parquet")
    panels.write_parquet(pd.read_parquet(score.scores), folder / Path(score.scores).name)
    return str(folder)


def example(company: Company, panel: PanelReference, trained: Trained) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A few rows as a user would send them to the registered model, and its answer."""
    from hierforecast.precision.model import Precision

    history, plan = panels.history_and_plan(panel, company.media)
    rows = (plan if len(plan) else history).head(5).drop(columns=company.media.target.name)
    return rows, Precision.load(trained.folder).predict(rows)


def decide(company: Company, trained: Trained, score: Score, rival: Rival) -> Decision:
    """Judge the challenger by the company's gates."""
    return decide_precision(
        company.gates.precision,
        convergence=trained.diagnostics,
        reasons=trained.diagnostics["reasons"],
        wape=score.wape,
        rival=rival,
    )


def _tell_quarters(logger: Any) -> Callable[[str, int, int], None]:
    """Log each quarter of a phase once, however small the sampler's chunks are."""
    told: dict[str, int] = {}

    def tell(phase: str, done: int, of: int) -> None:
        quarter = 4 * done // of
        if quarter > told.get(phase, 0):
            told[phase] = quarter
            logger.info("%s: %d of %d steps", phase, done, of)

    return tell


def _observed(history: pd.DataFrame, held_out: int) -> Any:
    """(weeks,) mask: False in the last `held_out` weeks."""
    return pd.Series(range(len(history))).lt(len(history) - held_out).to_numpy()


def _fit_table(model: Any, history: pd.DataFrame, company: Company, observed: Any) -> pd.DataFrame:
    settings = company.media
    table = model.predict().rename(columns={settings.period: PERIOD})
    parts = pd.Series(observed).map({True: HISTORY, False: HOLDOUT}).to_numpy()
    return table.assign(**{PART: parts, ACTUAL: history[settings.target.name].to_numpy()})[list(FIT.columns)]
