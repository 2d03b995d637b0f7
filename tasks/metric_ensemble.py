"""Every declared metric fitted on the same weeks, and what they say side by side; the champion stays the exposure metric's."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import get_run_logger

from hierforecast.errors import HierforecastError
from hierforecast.results import ENSEMBLE_ROI, ENSEMBLE_WEIGHTS
from hierforecast.schema import Company, MediaPanel
from tasks import environment, panels, stages
from tasks.panels import PanelReference
from tasks.progress import QuarterLog

TABLES = (ENSEMBLE_WEIGHTS, ENSEMBLE_ROI)


@stages.stage("weigh-metrics")
def weigh_metrics(company: Company, panel: PanelReference, fingerprint: str) -> str | None:
    """Fit one model per metric on all weeks and weigh them; returns the folder of `TABLES`.

    Where a safeguard refuses the metrics, the version does without: it is told in the log, and the answer is None.
    """
    environment.prepare()
    logger, history = get_run_logger(), panels.history_and_plan(panel, company.media).train
    logger.info("weighing the metrics %s: one model each", ", ".join(company.media.metrics))
    try:
        result = fit_metrics(company, history, logger)
    except HierforecastError as error:
        logger.warning("no ensemble over metrics: %s", error)
        return None
    for record in result.warnings:
        logger.warning("%s", record.sentence)
    logger.info("weights: %s", ", ".join(f"{metric} {weight:.2f}" for metric, weight in result.weights.items()))
    folder = stages.folder(company.company, "precision", fingerprint) / "ensemble"
    for table, frame in zip(TABLES, (result.weights_table, result.roi_comparison), strict=True):
        panels.write_parquet(frame, folder / f"{table.name}.parquet")
    return str(folder)


def fit_metrics(company: Company, history: pd.DataFrame, logger: Any) -> Any:
    """The ensemble over a company's declared metrics, in the form, with the priors and the sampling of the single model."""
    from hierforecast.precision.ensemble import SafeguardWarning, ensemble
    from hierforecast.precision.model import Precision

    settings = company.media
    single = Precision.from_panel_settings(settings, company.sampling)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SafeguardWarning)  # the result tells them
        return ensemble(
            hierarchy=single.hierarchy,
            y=history[settings.target.name].to_numpy(),
            U_metrics={metric: _exposures(history, settings, metric) for metric in settings.metrics},
            metric_lags={metric: declared.lag for metric, declared in settings.metrics.items()},
            offline_channels=settings.offline_channels,
            weight_scheme=settings.ensemble.weights,
            Z_controls=history[settings.controls].to_numpy() if settings.controls else None,
            control_names=settings.controls or None,
            priors=settings.priors,
            nuts_args=company.sampling,
            exposure_metric=settings.exposure_metric,
            spend=history[settings.spend_columns()].to_numpy() if settings.spend else None,
            dates=history[settings.period],
            frequency=settings.frequency,
            background=single.background,
            model=settings.model,
            progress=QuarterLog(logger),
        )


def read(folder: str | None) -> dict[str, pd.DataFrame]:
    """The tables of `weigh_metrics` by name; none where there is no ensemble."""
    return {table.name: pd.read_parquet(Path(folder) / f"{table.name}.parquet") for table in TABLES} if folder else {}


def _exposures(history: pd.DataFrame, settings: MediaPanel, metric: str) -> np.ndarray:
    """(weeks, tacticals) of one metric; zeros where an offline channel does not have it."""
    exposure = metric == settings.exposure_metric
    names = settings.metric_columns(metric)
    offline = settings.offline_tacticals() if not exposure else []
    placed = dict(zip([name for name in settings.tacticals if name not in offline], names, strict=True))
    columns = [history[placed[name]].to_numpy() if name in placed else np.zeros(len(history)) for name in settings.tacticals]
    return np.column_stack(columns)
