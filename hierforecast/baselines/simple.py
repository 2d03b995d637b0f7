"""Baselines that learn nothing: last year, and lately."""

import numpy as np
import pandas as pd

from hierforecast.baselines.table import YEAR, steps_ahead
from hierforecast.schema import SalesPanel

RECENT = 8  # rows in the moving average
_YEAR = {"day": pd.DateOffset(weeks=52), "week": pd.DateOffset(weeks=52), "month": pd.DateOffset(years=1)}


def seasonal_naive(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """Each series' sales in the same period of the last known year, (rows of test,); its moving average where it had none."""
    keys, target = [*settings.levels, settings.period], settings.target.name
    last = train[settings.period].max()
    forecast = np.full(len(test), np.nan)
    years = int(max(steps_ahead(test[settings.period], last, settings).max(initial=1) - 1, 0)) // YEAR[settings.frequency] + 1
    for back in range(1, years + 1):
        dates = test[settings.period] - _YEAR[settings.frequency] * back
        then = test[settings.levels].assign(**{settings.period: dates}).merge(train[[*keys, target]], on=keys, how="left")
        usable = np.isnan(forecast) & (dates <= last).to_numpy()
        forecast = np.where(usable, then[target].to_numpy(float), forecast)
    return np.where(np.isnan(forecast), moving_average(train, test, settings), forecast)


def moving_average(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """The mean of each series' last rows, (rows of test,); a new series gets the mean over all series."""
    levels, target = settings.levels, settings.target.name
    recent = train.sort_values(settings.period).groupby(levels, observed=True).tail(RECENT)
    means = recent.groupby(levels, observed=True)[target].mean()
    found = test[levels].merge(means.reset_index(), on=levels, how="left")[target]
    return found.fillna(means.mean()).to_numpy(float)
