"""Exponential smoothing, one series at a time."""

import numpy as np
import pandas as pd

from hierforecast.baselines.simple import moving_average
from hierforecast.baselines.table import dense, extra, series_names, steps_ahead
from hierforecast.schema import SalesPanel

CYCLE = {"day": 7, "week": 1, "month": 12}  # periods; exponential smoothing follows no cycle longer than 24


def auto_ets(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """Exponential smoothing, its form chosen by AICc, (rows of test,); gaps are filled with the value before them.

    A new series gets the moving average's answer.

    Source: Hyndman et al. 2002, doi:10.1016/S0169-2070(01)00110-8, as in `statsforecast`.

    Raises:
        BaselineError: the extra `baselines` is not installed.
    """
    models = extra("statsforecast.models")
    table = dense(train, settings).ffill()
    steps = steps_ahead(test[settings.period], table.index[-1], settings)
    ahead = int(max(steps.max(initial=1), 1))
    paths = np.array([_path(models, sales, ahead, CYCLE[settings.frequency]) for _, sales in table.items()])  # (series, ahead)
    series = table.columns.get_indexer(series_names(test, settings))
    found = paths[np.maximum(series, 0), np.clip(steps, 1, ahead) - 1]
    return np.where((series >= 0) & np.isfinite(found), found, moving_average(train, test, settings))


def _path(models: object, sales: pd.Series, ahead: int, cycle: int) -> np.ndarray:
    past = sales.dropna().to_numpy(float)
    return np.maximum(models.AutoETS(season_length=cycle).forecast(y=past, h=ahead)["mean"], 0.0)
