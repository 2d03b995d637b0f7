"""Precision as tasks: sample, score the held-out weeks, and make the tables that people look at."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import get_run_logger

from hierforecast import splits
from hierforecast.gates import DataFindings, Decision, Rival, decide_precision
from hierforecast.mix_model import LiftTest
from hierforecast.results import ACCURACY, ACTUAL, FIT, HISTORY, HOLDOUT, PART, PERIOD, SCORES
from hierforecast.schema import Company, MediaPanel
from tasks import environment, evaluation, media_tables, metric_ensemble, panels, stages
from tasks.evaluation import Score
from tasks.panels import PanelReference
from tasks.progress import SamplingProgress
from tasks.trained import Trained

FAMILY = "precision"
PANEL = "media"


def panel_of(company: Company) -> Any:
    """The part of the settings that this family reads."""
    return company.media


@stages.stage("sample-precision")
def fit(company: Company, panel: PanelReference, fingerprint: str, *, until_cutoff: bool) -> Trained:
    """Sample the posterior given all weeks, or only those before the last `horizon`; leaves a model folder.

    Held-out weeks are masked out of the likelihood, not cut off, so both fits run the same compiled program. A run that was
    killed goes on after the last stretch of steps that it finished.
    """
    environment.prepare()
    from hierforecast.precision.model import Precision

    _wake_engine()
    settings, logger = company.media, get_run_logger()
    history = panels.history_and_plan(panel, settings).train
    observed = _observed(history, settings.horizon if until_cutoff else 0)
    periods = history.loc[observed, settings.period]
    place = stages.folder(company.company, FAMILY, fingerprint)
    checkpoint = place / ("checkpoint-cutoff" if until_cutoff else "checkpoint")
    resumed = _tell_start(logger, company, observed, checkpoint)
    began, worked = time.perf_counter(), time.process_time()
    model = Precision.from_panel_settings(settings, company.sampling).fit(
        history,
        observed=observed,
        lift_tests=_known_tests(settings, periods.max(), logger),
        progress=_progress(company, logger, until_cutoff=until_cutoff),
        checkpoint=checkpoint,
    )
    spent = {"wall_seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - worked}
    told = _diagnostics(model, company, logger) | spent | {"resumed_after_calls": resumed}
    folder = model.save(place / ("cutoff_model" if until_cutoff else "model"))
    shutil.rmtree(checkpoint, ignore_errors=True)
    return Trained(
        folder=str(folder),
        trained_from=str(periods.min().date()),
        trained_to=str(periods.max().date()),
        diagnostics=told,
    )


@stages.stage("score-precision")
def score(company: Company, panel: PanelReference, fingerprint: str, trained: Trained) -> Score:
    """Compare what was predicted for the masked weeks with what came."""
    environment.prepare()
    from hierforecast.precision.model import Precision

    settings = company.media
    history = panels.history_and_plan(panel, settings).train
    observed = _observed(history, settings.horizon)
    splits.refuse_overlap(trained.trained_to, history.loc[~observed, settings.period])
    model = Precision.load(trained.folder)
    table = _fit_table(model, history, company, observed)
    folder = stages.folder(company.company, FAMILY, fingerprint) / "scored"
    panels.write_parquet(model.accuracy(history), folder / f"{ACCURACY.name}.parquet")
    return evaluation.score(table, [], folder, cutoff=history.loc[observed, settings.period].max())


@stages.stage("tabulate-precision")
def tabulate(company: Company, panel: PanelReference, fingerprint: str, trained: Trained, score: Score) -> str:
    """Write the tables of `results.PRECISION_TABLES`, of money and of the metrics side by side; returns their folder."""
    environment.prepare()
    from hierforecast.precision.model import Precision

    model = Precision.load(trained.folder)
    history, plan = panels.history_and_plan(panel, company.media)
    folder = stages.folder(company.company, FAMILY, fingerprint) / "tables"
    # One row per period: held-out weeks show what was predicted before they came, not what was fitted after.
    fitted = _fit_table(model, history, company, _observed(history, company.media.horizon))
    fitted = fitted[fitted[PART] == HISTORY]
    tables = {
        FIT.name: pd.concat([fitted, pd.read_parquet(score.holdout)], ignore_index=True),
        SCORES.name: pd.read_parquet(score.scores),
        ACCURACY.name: pd.read_parquet(Path(score.scores).with_name(f"{ACCURACY.name}.parquet")),
        **media_tables.explain(model, history),
        **media_tables.advise(model, history, plan, company.media, tell=get_run_logger().warning),
    }
    if company.media.ensemble:
        tables |= metric_ensemble.read(metric_ensemble.weigh_metrics(company, panel, fingerprint))
    for name, table in tables.items():
        panels.write_parquet(table, folder / f"{name}.parquet")
    return str(folder)


def example(company: Company, panel: PanelReference, trained: Trained) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A few rows as a user would send them to the registered model, and its answer."""
    from hierforecast.precision.model import Precision

    history, plan = panels.history_and_plan(panel, company.media)
    rows = (plan if len(plan) else history).head(5).drop(columns=company.media.target.name)
    return rows, Precision.load(trained.folder).predict(rows)


def decide(company: Company, trained: Trained, score: Score, rival: Rival, data: DataFindings) -> Decision:
    """Judge the challenger by the company's gates."""
    return decide_precision(
        company.gates.precision,
        convergence=trained.diagnostics,
        reasons=trained.diagnostics["reasons"],
        wape=evaluation.wape_by_level(score),
        rival=rival,
        data=data,
        manual=company.gates.manual(FAMILY),
    )


def _wake_engine() -> None:
    """Import TensorFlow; its native code speaks to the terminal then, and again at its first operation."""
    from hierforecast.precision.engine import tensorflow

    with environment.quiet_terminal():
        tensorflow().constant(0.0)


def _tell_start(logger: Any, company: Company, observed: np.ndarray, checkpoint: Path) -> int:
    """Say what is sampled, and whether an earlier run has begun with it; returns how many of its calls are kept."""
    sampling, kept = company.sampling, len(list(checkpoint.glob("call-*.safetensors")))
    logger.info("sampling Precision on %d weeks: %d chains × %d draws", observed.sum(), sampling.chains, sampling.draws)
    if kept:
        logger.info("resuming: a run that was stopped has finished %d calls of the sampler, which are kept", kept)
    return kept


def _known_tests(settings: MediaPanel, last: pd.Timestamp, logger: Any) -> list[LiftTest]:
    """The experiments that were over by the last trained week: later ones tell of weeks that are held out."""
    known = [test for test in settings.lift_tests if test.known_at <= last]
    if len(known) < len(settings.lift_tests):
        later = [test.node for test in settings.lift_tests if test not in known]
        logger.info("lift tests measured after %s are left out: %s", last.date(), ", ".join(later))
    return known


def _progress(company: Company, logger: Any, *, until_cutoff: bool) -> SamplingProgress:
    part, weeks = ("-cutoff", "the weeks before the cutoff") if until_cutoff else ("", "all weeks")
    key = f"{company.company}-{FAMILY}-sampling{part}"
    return SamplingProgress(company.sampling, logger, key=key, description=f"Sampling {company.company} on {weeks}")


def _diagnostics(model: Any, company: Company, logger: Any) -> dict[str, Any]:
    """The convergence numbers, the reasons against the fit, and what should be known about it."""
    reasons, warnings = list(model.verdict(company.gates.precision)), list(model.warnings())
    for sentence in (*reasons, *warnings):
        logger.warning("%s", sentence)
    return {**model.convergence()._asdict(), "reasons": reasons, "warnings": warnings}


def _observed(history: pd.DataFrame, held_out: int) -> np.ndarray:
    """(weeks,) mask: False in the last `held_out` weeks."""
    return pd.Series(range(len(history))).lt(len(history) - held_out).to_numpy()


def _fit_table(model: Any, history: pd.DataFrame, company: Company, observed: np.ndarray) -> pd.DataFrame:
    settings = company.media
    table = model.predict().rename(columns={settings.period: PERIOD})
    parts = pd.Series(observed).map({True: HISTORY, False: HOLDOUT}).to_numpy()
    return table.assign(**{PART: parts, ACTUAL: history[settings.target.name].to_numpy()})[list(FIT.columns)]
