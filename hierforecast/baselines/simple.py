"""Baselines that learn nothing: last year, and lately."""

import numpy as np
import pandas as pd

from hierforecast.baselines.table import YEAR, dense, look_up, series_names, steps_ahead
from hierforecast.schema import SalesPanel

RECENT = 8  # rows in the moving average


def seasonal_naive(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """Each series' sales in the same period of the last known year, (rows of test,); its moving average where it had none."""
    table, year = dense(train, settings), YEAR[settings.frequency]
    ahead = steps_ahead(test[settings.period], table.index[-1], settings)
    series = table.columns.get_indexer(series_names(test, settings))
    forecast = np.full(len(test), np.nan)
    for back in range(1, max(int(ahead.max(initial=1)) - 1, 0) // year + 2):
        then = look_up(table.to_numpy(float), len(table) - 1 + ahead - back * year, series)
        forecast = np.where(np.isnan(forecast), then, forecast)
    return np.where(np.isnan(forecast), moving_average(train, test, settings), forecast)


def moving_average(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """The mean of each series' last rows, (rows of test,); a new series gets the mean over all series."""
    levels, target = settings.levels, settings.target.name
    recent = train.sort_values(settings.period).groupby(levels, observed=True).tail(RECENT)
    means = recent.groupby(levels, observed=True)[target].mean()
    found = test[levels].merge(means.reset_index(), on=levels, how="left")[target]
    return found.fillna(means.mean()).to_numpy(float)
